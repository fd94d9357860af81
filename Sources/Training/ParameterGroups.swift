import Torch
import ViCHA

/// Which weights the optimizer decays.
public enum ParameterGroups {
    /// Two groups in the official order: without decay (1-D weights and biases), then with decay.
    ///
    /// The official code also decays position embeddings, class and mask tokens, all embedding
    /// tables and the temperature, although its image encoder lists some of them as not to be
    /// decayed; `corrected` leaves them out.
    public static func make(
        _ store: ParameterStore, weightDecay: Double, compatibility: Compatibility
    ) -> [AdamW.Group] {
        var plain: [ParameterStore.Entry] = []
        var decayed: [ParameterStore.Entry] = []
        for entry in store.parameters {
            if entry.tensor.rank == 1 || entry.key.hasSuffix(".bias")
                || (compatibility == .corrected && isEmbedding(entry))
            {
                plain.append(entry)
            } else {
                decayed.append(entry)
            }
        }
        return [
            AdamW.Group(parameters: plain, weightDecay: 0),
            AdamW.Group(parameters: decayed, weightDecay: weightDecay),
        ]
    }

    private static let embeddings: Set<Substring> = [
        "pos_embed", "cls_token", "mask_token", "class_embedding", "positional_embedding",
    ]

    private static func isEmbedding(_ entry: ParameterStore.Entry) -> Bool {
        let name = entry.key.split(separator: ".").last ?? ""
        return entry.tensor.rank == 0 || Self.embeddings.contains(name)
            || entry.key.contains("_embeddings.") || entry.key.hasPrefix("token_embedding.")
    }
}

extension AdamW {
    /// An optimizer that has not made a step, with the settings of a configuration file.
    package convenience init(groups: [Group], _ c: OptimizerConfiguration) {
        self.init(
            groups: groups, learningRate: c.learningRate,
            betas: (c.betas.first ?? 0.9, c.betas.last ?? 0.999), epsilon: c.epsilon)
    }
}
