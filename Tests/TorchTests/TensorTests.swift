import Foundation
import Testing

@testable import Torch

@Suite struct TensorTests {
    @Test func elementsRoundTrip() throws {
        let tensor = Tensor([1, 2, 3, 4, 5, 6] as [Float], shape: [2, 3])
        #expect(tensor.shape == [2, 3])
        #expect(tensor.dtype == .float32)
        #expect(try tensor.transposed(0, 1).array(of: Float.self) == [1, 4, 2, 5, 3, 6])
        #expect(try tensor.to(dtype: .int64).array(of: Int.self) == [1, 2, 3, 4, 5, 6])
    }

    @Test func wrongByteCountFails() {
        #expect(throws: TorchError.self) {
            try Tensor([1, 2, 3] as [Float], shape: [2, 2]).checked()
        }
    }

    @Test func failureTravelsToTheReader() throws {
        let a = Tensor.ones([2, 3])
        let broken = a.matmul(a)
        #expect(broken.failure?.operation == "aten::matmul")
        let later = (broken + 1.0).softmax(dimension: 0).reshaped(broken.size(0), -1)
        #expect(later.failure == broken.failure)
        let failure = try #require(broken.failure)
        #expect(throws: failure) { try later.item() }
        #expect(throws: failure) { try later.backward() }
        #expect(throws: failure) { try a.copy(from: later) }
    }

    @Test func unknownOperatorFails() {
        let missing = Operator("no_such_operator")
        #expect(missing(.tensor(Tensor.ones([1]))).failure?.operation == "aten::no_such_operator")
    }

    @Test func gradientsOfAProduct() throws {
        let x = Tensor([2, 3] as [Float])
        try x.setRequiresGradient(true)
        try (x * x).sum().backward()
        #expect(try x.gradient?.array(of: Float.self) == [4, 6])
        try x.setGradient(nil)
        #expect(x.gradient == nil)
        let y = withoutGradient { x * x }
        #expect(!y.requiresGradient)
        #expect(!withInferenceMode { x * x }.requiresGradient)
        let other = Tensor.ones([1])
        try other.setRequiresGradient(true)
        let partial = try (x * 3.0).sum().gradients(of: [x, other])
        #expect(try partial[0]?.array(of: Float.self) == [3, 3])
        #expect(partial[1] == nil)
    }

    @Test func generatorStateIsReplayable() throws {
        let generator = try Generator(seed: 7)
        let state = generator.state
        let first = try Tensor.uniform([8], generator: generator).array(of: Float.self)
        #expect(try Tensor.uniform([8], generator: generator).array(of: Float.self) != first)
        try generator.setState(state)
        #expect(try Tensor.uniform([8], generator: generator).array(of: Float.self) == first)
        #expect(
            try Tensor.uniform([8], generator: Generator(seed: 7)).array(of: Float.self) == first)
    }

    @Test func dropoutScalesWhatItKeeps() throws {
        let x = Tensor.ones([10_000])
        let dropped = x.dropout(0.25, try Generator(seed: 1))
        let values = try dropped.array(of: Float.self)
        let zeros = values.filter { $0 == 0 }.count
        #expect((2_200...2_800).contains(zeros))
        #expect(values.allSatisfy { $0 == 0 || abs($0 - 4 / 3) < 1e-6 })
        #expect(x.dropout(0.25, nil).isSame(as: x))
    }

    @Test func attentionWithMaskEqualsItsFormula() throws {
        let generator = try Generator(seed: 3)
        func random(_ n: Int) -> Tensor { .normal([2, 2, n, 4], generator: generator) }
        let (q, k, v) = (random(3), random(5), random(5))
        let mask = Tensor([0, 0, 0, -10000, -10000] as [Float], shape: [1, 1, 1, 5])
        let scores = q.matmul(k.transposed(-1, -2)) * 0.5 + mask
        let expected = scores.softmax(dimension: -1).matmul(v)
        let difference = (scaledDotProductAttention(q, k, v, mask: mask) - expected).abs()
        #expect(try difference.maximum().item() < 1e-5)
        // With dropout the mean over many draws comes close to the value without.
        var sum = Tensor.zeros([2, 2, 3, 4])
        for _ in 0..<400 {
            sum = sum + scaledDotProductAttention(q, k, v, mask: mask, dropout: (0.2, generator))
        }
        #expect(try (sum / 400 - expected).abs().maximum().item() < 0.2)
    }

    @Test func checkpointGivesTheSameGradients() throws {
        func run(_ usesCheckpoint: Bool) throws -> (Tensor?, Tensor?) {
            let store = try ParameterStore(seed: 5)
            let layer = Linear(store.root["layer"], 6, 6)
            let generator = try Generator(seed: 9)
            let x = Tensor.normal([4, 6], generator: try Generator(seed: 2))
            try x.setRequiresGradient(true)
            let block: ([Tensor]) -> Tensor = { layer($0[0]).gelu().dropout(0.5, generator) }
            let y =
                usesCheckpoint ? checkpointed([x], generator: generator, body: block) : block([x])
            try (y * y).sum().backward()
            return (x.gradient, layer.weight.gradient)
        }
        let (plain, checkpoint) = (try run(false), try run(true))
        #expect(try plain.0?.array(of: Float.self) == checkpoint.0?.array(of: Float.self))
        #expect(try plain.1?.array(of: Float.self) == checkpoint.1?.array(of: Float.self))
    }

    @Test func checkpointPassesErrorsOn() throws {
        let x = Tensor.ones([2, 3])
        try x.setRequiresGradient(true)
        let y = checkpointed([x]) { $0[0].matmul($0[0]) }
        #expect(throws: TorchError.self) { try y.checked() }
    }

    @Test func autocastLowersMatrixProducts() throws {
        let a = Tensor.ones([4, 4])
        withAutocast(.bfloat16, on: .cpu) { #expect(a.matmul(a).dtype == .bfloat16) }
        #expect(a.matmul(a).dtype == .float32)
        withAutocast(nil, on: .cpu) { #expect(a.matmul(a).dtype == .float32) }
    }

    /// Tensors are released as soon as nothing refers to them.
    @Test func memoryDoesNotGrow() throws {
        func resident() throws -> Int {
            let pages = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8)
                .split(separator: " ")[1]
            return (Int(pages) ?? 0) * Int(sysconf(Int32(_SC_PAGESIZE)))
        }
        let x = Tensor.ones([1000, 100])
        try x.setRequiresGradient(true)
        func work(_ count: Int) throws {
            for _ in 0..<count {
                try (x * x).sum().backward()
                try x.setGradient(nil)
            }
        }
        try work(200)
        let before = try resident()
        try work(10_000)
        // One tensor has 400 kB; ten thousand of them would be 4 GB. Other tests run beside this one.
        #expect(try resident() - before < 500_000_000)
    }

    @Test func adamWMatchesItsFormula() throws {
        let store = try ParameterStore()
        let weight = store.root.parameter("w", [2], .values(Tensor([1, -2] as [Float])))
        let optimizer = AdamW(
            groups: [.init(parameters: store.parameters, weightDecay: 0.1)], learningRate: 0.01)
        var (w, m, v) = ([1.0, -2.0], [0.0, 0.0], [0.0, 0.0])
        for step in 1...3 {
            try optimizer.clearGradients()
            try (weight * weight).sum().backward()
            try optimizer.step()
            for i in 0..<2 {
                let g = 2 * w[i]
                w[i] -= 0.01 * 0.1 * w[i]
                m[i] = 0.9 * m[i] + 0.1 * g
                v[i] = 0.999 * v[i] + 0.001 * g * g
                let unbiased = (
                    m[i] / (1 - pow(0.9, Double(step))), v[i] / (1 - pow(0.999, Double(step)))
                )
                w[i] -= 0.01 * unbiased.0 / (unbiased.1.squareRoot() + 1e-8)
            }
        }
        for (found, expected) in zip(try weight.array(of: Double.self), w) {
            #expect(abs(found - expected) < 1e-6)
        }
        let before = try weight.array(of: Float.self)
        try (weight * weight).sum().backward()
        try optimizer.step(unless: .ones([]))
        #expect(try weight.array(of: Float.self) == before)
        #expect(try optimizer.state["step.w"]?.item() == 3)
    }

    @Test func parametersCarryTheirKeys() throws {
        let store = try ParameterStore()
        let scope = store.root["encoder"]
        _ = Linear(scope["layer"][0], 2, 3)
        _ = LayerNorm(scope.frozen["norm"], 3, epsilon: 1e-6)
        #expect(
            store.entries.map(\.key) == [
                "encoder.layer.0.weight", "encoder.layer.0.bias", "encoder.norm.weight",
                "encoder.norm.bias",
            ])
        #expect(store.parameters.map(\.key) == ["encoder.layer.0.weight", "encoder.layer.0.bias"])
        try store.validate()
        _ = Linear(scope["layer"][0], 2, 3)
        #expect(throws: TorchError.self) { try store.validate() }
    }
}
