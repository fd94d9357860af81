import Batches
import Configuration
import Datasets
import Foundation
import Images
import Testing
import Text
import Torch
import ViCHA

@testable import Tasks
@testable import Training

/// What each key of the official files and of the official code means here, two values of each.
@Suite struct OfficialKeysTests {
    static func load<C: TaskConfiguration>(
        _ type: C.Type, _ text: String, _ overrides: [String] = []
    ) throws -> C {
        let loaded = try ConfigurationFile.load(
            type, ConfigurationTests.file("train_file: [a]\n" + text), overrides: overrides)
        #expect(loaded.warnings == [])
        return loaded.configuration
    }

    /// The message of a file that is refused.
    static func refusal<C: TaskConfiguration>(_ type: C.Type, _ text: String) throws -> String {
        let error = #expect(throws: ConfigurationError.self) { try load(type, text) }
        return error.map { "\($0)" } ?? ""
    }

    /// Keys that the official code reads without an effect, or does not read at all.
    @Test(arguments: [
        ("register_blk_id", ["3", "-1"]), ("return_attention", ["True", "False"]),
        ("num_kws", ["3", "15"]), ("multinodes", ["True", "False"]),
        ("eval_ema", ["True", "False"]), ("refcoco_data", ["data", "''"]),
        ("coco_file", ["a.json", "b.json"]), ("bert_config.output_attentions", ["True", "False"]),
        ("bert_config.output_hidden_states", ["True", "False"]),
        ("bert_config.use_cache", ["True", "False"]),
        ("bert_config.gradient_checkpointing", ["True", "False"]),
        ("bert_config.architectures", ["[a]", "[b]"]), ("bert_config.model_type", ["bert", "x"]),
        ("optimizer.momentum", ["0.9", "0"]), ("schedular.seed", ["1", "2"]),
        ("schedular.lr_noise_pct", ["0.1", "0.67"]), ("schedular.lr_noise_std", ["1", "2"]),
    ])
    func keysWithoutEffect(_ key: String, _ values: [String]) throws {
        for value in values {
            let found = try Self.load(PretrainingConfiguration.self, "", ["\(key)=\(value)"])
            #expect(found == (try Self.load(PretrainingConfiguration.self, "")))
        }
    }

    /// Switches that are off or refused by name.
    @Test func switchesThatAreRefused() throws {
        func check<C: TaskConfiguration & Equatable>(
            _ type: C.Type, _ key: String, _ off: String, _ on: String
        ) throws {
            let plain = try Self.load(type, "")
            #expect(try Self.load(type, "", ["\(key)=\(off)"]) == plain)
            let path = try ConfigurationTests.file("train_file: [a]")
            let error = #expect(throws: ConfigurationError.self) {
                try ConfigurationFile.load(type, path, overrides: ["\(key)=\(on)"])
            }
            #expect("\(error.map { "\($0)" } ?? "")".contains("'\(key)': expected"))
        }
        try check(PretrainingConfiguration.self, "avoid_optim", "False", "True")
        try check(RetrievalConfiguration.self, "clip_vit", "False", "True")
        try check(QuestionAnsweringConfiguration.self, "clip_vit", "False", "True")
        try check(ClassificationConfiguration.self, "kw_model", "False", "True")
        try check(PretrainingConfiguration.self, "schedular.lr_noise", "null", "0.5")
        try check(PretrainingConfiguration.self, "schedular.sched", "cosine", "step")
        try check(PretrainingConfiguration.self, "optimizer.opt_args", "null", "{eps: 1}")
        for name in ["sgd", "lookahead_adamw", "adam"] {
            try check(PretrainingConfiguration.self, "optimizer.opt", "ADAMW", name)
        }
        let bert = "bert_config."
        try check(
            PretrainingConfiguration.self, bert + "position_embedding_type", "absolute",
            "relative_key")
        try check(
            PretrainingConfiguration.self, bert + "tie_word_embeddings", "True", "False")
        try check(PretrainingConfiguration.self, bert + "pruned_heads", "{}", "{'1': [0]}")
        try check(PretrainingConfiguration.self, bert + "hidden_act", "gelu", "laplace")
    }

    /// `model_mae` chooses a model without concepts and without alignment.
    @Test func maskedImageModelIsChosen() throws {
        func load(_ text: String) throws -> ModelConfiguration {
            try Self.load(PretrainingConfiguration.self, text + "\nreturn_hidden_state: True")
                .settings.model
        }
        let on = try load("model_mae: True\nunimodal_mae: True")
        #expect(on.maskedImage == .unimodal && !on.alignsHiddenStates)
        let off = try load("model_mae: False")
        #expect(off.maskedImage == nil && off.alignsHiddenStates)
        let both = try load("model_mae: True\nkw_img_model: True\nmae: True\nmae_lambda: 0.5")
        #expect(both.maskedImage == .crossModal && both.alignsHiddenStates)
        #expect(both.maskedImageWeight == 0.5 && on.maskedImageWeight == 1)
        #expect(
            try Self.refusal(
                PretrainingConfiguration.self, "model_mae: True\nkw_img_model: True"
            ).contains("'model_mae'"))
    }

    /// Where a file has no `sep_token`, concepts are separated, as in the official data sets.
    @Test func conceptsAreSeparatedByDefault() throws {
        for (text, separates) in [("", true), ("sep_token: False", false)] {
            let pairs = try Self.load(ClassificationConfiguration.self, text)
            #expect(ImageTextOptions(pairs, .imagePair).separatesConcepts == separates)
            let settings = try Self.load(PretrainingConfiguration.self, text).settings
            #expect(ImageTextOptions(settings).separatesConcepts == separates)
            #expect(EvaluationOptions(settings).separatesConcepts == separates)
        }
    }

    /// The official evaluation without concepts does not know `dual_metrics`.
    @Test func dualMetricsNeedConcepts() throws {
        for (text, counts) in [
            ("dual_metrics: True\nkw_img_dataset: True", true), ("dual_metrics: True", false),
            ("dual_metrics: True\ncompatibility: corrected", true),
            ("dual_metrics: False\nkw_img_dataset: True", false),
        ] {
            let c = try Self.load(RetrievalConfiguration.self, text)
            #expect(c.ranksByFeatures == counts)
            let search = RetrievalSearch.Options(c, .init())
            #expect((search.candidates == 0) == counts)
        }
    }

    /// The official data set of training does not read `eos`.
    @Test func endMarkOfTrainingIsConstant() throws {
        for (text, training) in [
            ("eos: '[MASK]'", "[SEP]"), ("eos: '[MASK]'\ncompatibility: corrected", "[MASK]"),
        ] {
            let c = try Self.load(QuestionAnsweringConfiguration.self, text)
            #expect(c.endMark == "[MASK]" && c.trainingEndMark == training)
        }
    }

    /// The official script of NLVR2 reads `batch_size`, that of entailment the other two.
    @Test func batchSizesOfClassification() throws {
        let text = "batch_size: 8\nbatch_size_train: 4\nbatch_size_test: 2"
        let c = try Self.load(ClassificationConfiguration.self, text)
        #expect(c.resolved(for: .imagePair).batchSize == 8)
        #expect(c.resolved(for: .imagePair).testBatchSize == nil)
        #expect(c.resolved(for: .entailment).batchSize == 4)
        #expect(c.resolved(for: .entailment).testBatchSize == 2)
        let corrected = try Self.load(
            ClassificationConfiguration.self, text + "\ncompatibility: corrected")
        #expect(corrected.resolved(for: .imagePair) == corrected)
        #expect(try Self.load(ClassificationConfiguration.self, "batch_size: 8").batchSize == 8)
    }

    /// The official script of NLVR2 cuts neither sentences nor concepts.
    @Test func conceptsOfPairsAreCutWhenCorrected() throws {
        for (compatibility, length) in [("official", 512), ("corrected", 55)] {
            let c = try Self.load(
                ClassificationConfiguration.self,
                "kw_img_model: True\nkw_img_dataset: True\ncompatibility: \(compatibility)")
            #expect(ImageTextOptions(c, .imagePair).conceptTokens == length)
            #expect(ImageTextOptions(c, .entailment).conceptTokens == 55)
            let evaluation = ClassificationEvaluation.Options(c, .imagePair, .init())
            #expect(evaluation.inputs.conceptTokens == length)
        }
    }

    /// Pretraining does not read what belongs to the tasks.
    @Test func keysOfOtherTasksArePassedOver() throws {
        let plain = try Self.load(PretrainingConfiguration.self, "")
        for key in ["warm_up", "distill", "dual_metrics"] {
            for value in ["True", "False"] {
                #expect(
                    try Self.load(PretrainingConfiguration.self, "\(key): \(value)") == plain)
            }
        }
    }

    /// Rates of the official scheduler with other values lie in case `options_lr_schedule`.
    @Test func scheduleReadsItsKeys() throws {
        func rates(_ text: String) throws -> [Double] {
            let c = try Self.load(
                PretrainingConfiguration.self, "schedular: {warmup_epochs: 0, epochs: 2, \(text)}")
            let schedule = LearningRateSchedule(
                c.settings.schedule, learningRate: c.settings.optimizer.learningRate)
            return (0..<6).map { schedule.rate(epoch: $0, iteration: 0) }
        }
        let plain = try rates("")
        for text in ["lr: 7", "cooldown_epochs: 3", "decay_rate: 0.5", "lr_cycle_limit: 1"] {
            #expect(try rates(text) == plain, "\(text)")
        }
        // Cosines after the first, which a training does not reach.
        let cycles = try rates("lr_cycle_limit: 0, decay_rate: 0.5")
        #expect(cycles[..<2] == plain[..<2] && cycles[2] == 5e-5 && cycles[4] == 2.5e-5)
        let longer = try rates("lr_cycle_limit: 2, lr_cycle_mul: 2")
        #expect(longer[..<2] == plain[..<2] && longer[2] == 1e-4 && longer[4] > plain[4])
        #expect(try rates("min_lr: 0")[2] == 0 && plain[2] == 1e-5)
    }

    /// A step of the optimizer with other moments and another epsilon.
    @Test func optimizerReadsItsKeys() throws {
        func weight(_ text: String, steps: [Double]) throws -> Double {
            let c = try Self.load(
                PretrainingConfiguration.self, "optimizer: {lr: 0.1, weight_decay: 0, \(text)}")
            let store = try ParameterStore()
            let weight = store.root.parameter("w", [2], .ones)
            let optimizer = AdamW(
                groups: ParameterGroups.make(store, weightDecay: 0, compatibility: .official),
                c.settings.optimizer)
            for gradient in steps {
                try weight.setGradient(.full([2], gradient))
                try optimizer.step()
            }
            return try weight.mean().item()
        }
        #expect(abs(try weight("", steps: [1]) - 0.9) < 1e-6)
        #expect(abs(try weight("opt_eps: 1", steps: [1]) - 0.95) < 1e-6)
        let usual = try weight("", steps: [1, -1])
        #expect(usual == (try weight("opt_betas: [0.9, 0.999]", steps: [1, -1])))
        // Without memory each step is one of its own gradient.
        #expect(abs(try weight("opt_betas: [0, 0]", steps: [1, -1]) - 1) < 1e-6)
        #expect(abs(usual - 1) > 0.05)
    }
}
