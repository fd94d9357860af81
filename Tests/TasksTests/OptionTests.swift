import Batches
import Configuration
import Testing
import Torch

@testable import Tasks
@testable import ViCHA

/// Values of official keys that no published file has. Whole steps of the official code with such values
/// are recorded in the cases `options_*` of the parity tests.
@Suite struct OptionTests {
    /// The functions that `hidden_act` names, as PyTorch 2.11 and transformers 4.30 compute them.
    @Test(arguments: [
        ("gelu", [-0.0040497, -0.1586553, -0.0841481, 0.0, 0.3457312, 1.9544997]),
        ("gelu_new", [-0.0036374, -0.158808, -0.0841486, 0.0, 0.345714, 1.9545977]),
        ("gelu_fast", [-0.0036374, -0.158808, -0.0841486, 0.0, 0.345714, 1.9545977]),
        ("quick_gelu", [-0.0180713, -0.1542042, -0.0831425, 0.0, 0.3503884, 1.9356586]),
        ("relu", [0.0, 0.0, 0.0, 0.0, 0.5, 2.0]),
        ("silu", [-0.1422776, -0.2689414, -0.0900332, 0.0, 0.3112297, 1.7615942]),
        ("swish", [-0.1422776, -0.2689414, -0.0900332, 0.0, 0.3112297, 1.7615942]),
        ("mish", [-0.1456475, -0.3034015, -0.1071448, 0.0, 0.3752452, 1.943959]),
        ("tanh", [-0.9950548, -0.7615942, -0.1973753, 0.0, 0.4621172, 0.9640276]),
        ("sigmoid", [0.0474259, 0.2689414, 0.450166, 0.5, 0.6224593, 0.8807971]),
        ("linear", [-3.0, -1.0, -0.2, 0.0, 0.5, 2.0]),
    ])
    func activations(_ name: String, _ expected: [Double]) throws {
        let activation = try #require(TextActivation(rawValue: name))
        let x = Tensor([-3, -1, -0.2, 0, 0.5, 2] as [Float], shape: [6])
        for (found, wanted) in zip(try activation(x).array(of: Double.self), expected) {
            #expect(abs(found - wanted) < 1e-6)
        }
        #expect(TextActivation.allCases.count == 11)
    }

    /// How far a momentum model has moved from 0 towards online weights of 1 in one step.
    private static func step(
        _ store: ParameterStore, _ teacher: MomentumTeacher, _ key: String
    ) throws -> Double {
        try withoutGradient {
            try #require(store[key]).fill(1)
            try #require(store[key.replacing(".", with: "_m.", maxReplacements: 1)]).fill(0)
        }
        try teacher.update()
        return try #require(store[key.replacing(".", with: "_m.", maxReplacements: 1)]).mean()
            .item()
    }

    /// The official models of entailment, questions and NLVR2 have a constant momentum.
    @Test(arguments: Compatibility.allCases, [0.5, 0.9])
    func momentumOfReasoning(_ compatibility: Compatibility, _ momentum: Double) throws {
        var c = tinyConfiguration()
        (c.compatibility, c.momentum) = (compatibility, momentum)
        let expected = compatibility == .official ? 0.005 : 1 - momentum
        for kind in [ClassificationModel.Kind.entailment, .imagePair] {
            let model = try ClassificationModel(c, kind, distills: true)
            let found = try Self.step(model.store, model.teacher, "cls_head.0.weight")
            #expect(abs(found - expected) < 1e-6)
        }
        let questions = try QuestionAnsweringModel(c, distills: true)
        let found = try Self.step(questions.store, questions.teacher, "kw_proj.weight")
        #expect(abs(found - expected) < 1e-6)
        let retrieval = try RetrievalModel(c)
        let moved = try Self.step(retrieval.store, retrieval.teacher, "kw_proj.weight")
        #expect(abs(moved - (1 - momentum)) < 1e-6)
    }

    /// A concept encoder without layers is a BERT without layers where the official code makes one.
    @Test(arguments: Compatibility.allCases, [0, 1])
    func conceptEncodersHaveTheOfficialNames(_ compatibility: Compatibility, _ layers: Int) throws {
        var c = tinyConfiguration()
        (c.compatibility, c.conceptLayers) = (compatibility, layers)
        let (bare, inBert) = (
            "kw_encoder.word_embeddings.weight", "kw_encoder.embeddings.word_embeddings.weight"
        )
        for store in [
            try ClassificationModel(c, .entailment, distills: false).store,
            try ClassificationModel(c, .imagePair, distills: false).store,
            try TextAssignmentModel(c).store,
        ] {
            let isBert = layers > 0 || compatibility == .official
            #expect((store[inBert] != nil) == isBert && (store[bare] != nil) == !isBert)
        }
        for store in [
            try PretrainingModel(c).store, try RetrievalModel(c).store,
            try QuestionAnsweringModel(c, distills: false).store,
        ] {
            #expect((store[inBert] != nil) == (layers > 0) && (store[bare] != nil) == (layers == 0))
        }
    }

    /// `mae_lambda` belongs to the official models without concepts.
    @Test(arguments: Compatibility.allCases, [true, false])
    func maskedImagesAreWeighed(_ compatibility: Compatibility, _ usesConcepts: Bool) throws {
        var c = tinyConfiguration()
        (c.compatibility, c.usesConcepts) = (compatibility, usesConcepts)
        func loss(_ weight: Double) throws -> Double {
            c.maskedImageWeight = weight
            return try #require(try ModelTests().losses(c).0.mae).item()
        }
        let counts = compatibility == .corrected || !usesConcepts
        let (one, three) = (try loss(1), try loss(3))
        #expect(abs(three / one - (counts ? 3 : 1)) < 1e-4)
    }

    /// `return_hidden_state` is read by the official retrieval without concepts.
    @Test(arguments: Compatibility.allCases, [true, false])
    func retrievalAlignsLayers(_ compatibility: Compatibility, _ usesConcepts: Bool) throws {
        var c = tinyConfiguration()
        (c.compatibility, c.usesConcepts) = (compatibility, usesConcepts)
        let isAligned = compatibility == .official && !usesConcepts
        let store = try RetrievalModel(c).store
        #expect((store["vision_proj_hidden.1.weight"] != nil) == isAligned)
        // What the model has no use for is not checked.
        c.alignedLayers = 99
        c.text.fusionLayer = 1
        if isAligned {
            let error = #expect(throws: ConfigurationKeyError.self) { try RetrievalModel(c) }
            #expect(error?.key == "num_hidden_align")
        } else {
            _ = try RetrievalModel(c)
        }
        c.alignsHiddenStates = false
        #expect(try RetrievalModel(c).store["vision_proj_hidden.0.weight"] == nil)
    }

    /// No layer at all, and every patch, as the official code takes them.
    @Test func extremesOfObjectives() throws {
        var c = tinyConfiguration()
        c.alignedLayers = 0
        c.maskRatio = 1
        let (losses, _) = try ModelTests().losses(c)
        #expect(try losses.hidden?.item() == 0)
        #expect(try #require(try losses.mae?.item()).isFinite)
    }
}
