import Foundation
import Torch

/// The slowly moving copies of the encoders, whose keys carry `_m` behind their first name.
public struct MomentumTeacher {
    private let online: [Tensor]
    private let momentum: [Tensor]
    private let decay: Double

    /// Pairs every frozen weight `name_m.rest` with the weight `name.rest`.
    public init(_ store: ParameterStore, decay: Double) {
        var pairs: [(Tensor, Tensor)] = []
        for entry in store.entries where entry.role == .frozenParameter {
            guard let key = Self.onlineKey(of: entry.key), let source = store[key] else {
                continue
            }
            pairs.append((source, entry.tensor))
        }
        online = pairs.map(\.0)
        momentum = pairs.map(\.1)
        self.decay = decay
    }

    /// The key of the weight that a momentum weight follows, nil for any other key.
    public static func onlineKey(of key: String) -> String? {
        guard let first = key.split(separator: ".").first, first.hasSuffix("_m") else { return nil }
        return String(first.dropLast(2)) + key.dropFirst(first.count)
    }

    /// Makes every momentum weight equal to its online weight.
    /// - Throws: `TorchError`
    public func copyOnlineWeights() throws {
        try withoutGradient {
            for (source, target) in zip(online, momentum) { try target.copy(from: source) }
        }
    }

    /// Moves every momentum weight towards its online weight: `m ← decay·m + (1 − decay)·p`.
    /// - Throws: `TorchError`
    public func update() throws {
        guard !momentum.isEmpty else { return }
        try withoutGradient {
            try Tensor.interpolate(momentum, to: online.map { $0.detached() }, weight: 1 - decay)
        }
    }

    /// Takes back the last updates, during which the online weights have not changed.
    /// - Throws: `TorchError`
    public func takeBack(updates: Int) throws {
        // m₀ + (1 − dⁿ)(p − m₀) is where n updates lead, so p has to be left by as much.
        guard !momentum.isEmpty, decay > 0 else { return }
        let weight = 1 - 1 / pow(decay, Double(updates))
        try withoutGradient {
            try Tensor.interpolate(momentum, to: online.map { $0.detached() }, weight: weight)
        }
    }
}
