import Foundation
import Steps

/// What pretraining is made of in one row of the paper's ablation.
enum AblationVariant: String, CaseIterable {
    case baseline
    case alignment
    case masking
    case concepts
    case all

    /// For people.
    var title: String {
        switch self {
        case .baseline: "baseline (losses of ALBEF)"
        case .alignment: "+ hierarchical alignment"
        case .masking: "+ masked image modelling"
        case .concepts: "+ visual concepts"
        case .all: "all three"
        }
    }

    /// Values of the configuration of pretraining.
    var pretrainingValues: [String] {
        let masks = Self.flag(self == .masking || self == .all)
        return [
            "return_hidden_state=\(Self.flag(self == .alignment || self == .all))",
            "mae=\(masks)", "unimodal_mae=\(masks)",
        ] + retrievalValues
    }

    /// Values of the configuration of fine-tuning, whose model must be the same.
    var retrievalValues: [String] {
        let reads = Self.flag(self == .concepts || self == .all)
        return ["kw_img_model=\(reads)", "kw_img_dataset=\(reads)"]
    }

    private static func flag(_ isOn: Bool) -> String { isOn ? "True" : "False" }
}

/// Pretraining, retrieval as it is, fine-tuning and retrieval again, for each variant and each seed.
struct AblationPlan {
    /// A configuration file with what all runs change in it and read beside it.
    struct Configuration {
        let file: String
        let values: [String]
        /// Of training, at most.
        let stepsPerEpoch: Int?
        /// Annotation files and vocabulary.
        let data: [String]
    }

    /// A variant with a seed.
    struct Run {
        let variant: AblationVariant
        let seed: UInt64
        /// Pretraining, evaluation, and fine-tuning with its evaluation: each can be done again without
        /// those before.
        let steps: [Step]
        /// Directories of the logs by the evaluation's name.
        let evaluations: [String: String]
    }

    /// Where the runs go.
    let directory: String
    let variants: [AblationVariant]
    let seeds: [UInt64]
    let pretraining: Configuration
    /// Of fine-tuning and evaluation.
    let retrieval: Configuration
    /// Where data lies and where to compute, as arguments of every command.
    let common: [String]

    /// Seed by seed, so that a table that is stopped half-way has all of its rows.
    var runs: [Run] { seeds.flatMap { seed in variants.map { run($0, seed) } } }

    private func run(_ variant: AblationVariant, _ seed: UInt64) -> Run {
        let name = "\(variant.rawValue)-\(seed)"
        let run = (directory as NSString).appendingPathComponent("runs/\(name)")
        let (pretrain, zeroShot, tuned) = (
            run + "/pretrain", run + "/zero-shot", run + "/fine-tuned"
        )
        let pretrained = pretrain + "/checkpoint_last.safetensors"
        let weights = tuned + "/checkpoint_last.safetensors"
        func step(
            _ part: String, _ title: String, _ directory: String, _ commands: [Step.Command],
            inputs: [String], outputs: [String]
        ) -> Step {
            Step(
                name: "\(name)-\(part)", title: "\(variant.title), seed \(seed): \(title)",
                directory: directory, commands: commands, inputs: inputs, outputs: outputs)
        }
        let train = training(
            ["pretrain"], pretraining, variant.pretrainingValues, seed: seed, directory: pretrain)
        let tune = training(
            ["retrieval", "train", "--checkpoint", pretrained], retrieval,
            variant.retrievalValues + ["val_file=null", "test_file=null"], seed: seed,
            directory: tuned)
        let inputs = [retrieval.file, pretrained] + retrieval.data
        return Run(
            variant: variant, seed: seed,
            steps: [
                step(
                    "pretrain", "pretrain", pretrain,
                    [.init(arguments: train, run: pretrain)],
                    inputs: [pretraining.file] + pretraining.data, outputs: [pretrained]),
                step(
                    "zero-shot", "evaluate", zeroShot,
                    [evaluation(variant, of: pretrained, directory: zeroShot)], inputs: inputs,
                    outputs: [zeroShot + "/log.txt"]),
                step(
                    "fine-tuned", "fine-tune and evaluate", tuned,
                    [
                        .init(arguments: tune, run: tuned),
                        evaluation(variant, of: weights, directory: tuned + "/test"),
                    ], inputs: inputs, outputs: [weights, tuned + "/test/log.txt"]),
            ], evaluations: ["zero-shot": zeroShot, "fine-tuned": tuned + "/test"])
    }

    private func training(
        _ command: [String], _ configuration: Configuration, _ values: [String], seed: UInt64,
        directory: String
    ) -> [String] {
        command + ["--config", configuration.file, "--output-dir", directory, "--seed", "\(seed)"]
            + (configuration.stepsPerEpoch.map { ["--steps-per-epoch", "\($0)"] } ?? [])
            + common + Self.set(configuration.values + values)
    }

    private func evaluation(
        _ variant: AblationVariant, of weights: String, directory: String
    ) -> Step.Command {
        .init(
            arguments: [
                "retrieval", "evaluate", "--checkpoint", weights, "--config", retrieval.file,
                "--output-dir", directory,
            ] + common + Self.set(retrieval.values + variant.retrievalValues + ["val_file=null"]))
    }

    private static func set(_ values: [String]) -> [String] { values.flatMap { ["--set", $0] } }
}
