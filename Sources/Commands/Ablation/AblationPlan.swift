import Foundation

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
    /// A variant with a seed.
    struct Run {
        let variant: AblationVariant
        let seed: UInt64
        /// What it makes.
        let directory: String
        let step: Step
    }

    /// Where the runs go.
    let directory: String
    let variants: [AblationVariant]
    let seeds: [UInt64]
    /// Configuration of pretraining and what is changed in it for all runs.
    let pretraining: (file: String, values: [String])
    /// Configuration of fine-tuning and evaluation, and what is changed in it for all runs.
    let retrieval: (file: String, values: [String])
    /// Files that the runs read beside their configurations.
    let data: [String]
    /// Where data lies and where to compute, as arguments of every command.
    let common: [String]

    /// Seed by seed, so that a table that is stopped half-way has all of its rows.
    var runs: [Run] { seeds.flatMap { seed in variants.map { run($0, seed) } } }

    private func run(_ variant: AblationVariant, _ seed: UInt64) -> Run {
        let name = "\(variant.rawValue)-\(seed)"
        let run = (directory as NSString).appendingPathComponent("runs/\(name)")
        let pretrained = run + "/pretrain/checkpoint_last.safetensors"
        let tuned = run + "/tuned/checkpoint_last.safetensors"
        func values(_ all: [String]) -> [String] { all.flatMap { ["--set", $0] } }
        let retrieval =
            ["--config", self.retrieval.file] + common
            + values(self.retrieval.values + variant.retrievalValues)
        let commands: [Step.Command] = [
            .init(
                arguments: [
                    "pretrain", "--config", pretraining.file, "--output-dir", run + "/pretrain",
                    "--seed", "\(seed)",
                ] + common + values(pretraining.values + variant.pretrainingValues),
                checkpoint: pretrained),
            .init(
                arguments: [
                    "retrieval", "evaluate", "--checkpoint", pretrained, "--output-dir",
                    run + "/zero-shot",
                ] + retrieval + ["--set", "val_file=null"]),
            .init(
                arguments: [
                    "retrieval", "train", "--checkpoint", pretrained, "--output-dir",
                    run + "/tuned",
                    "--seed", "\(seed)",
                ] + retrieval + ["--set", "val_file=null", "--set", "test_file=null"],
                checkpoint: tuned),
            .init(
                arguments: [
                    "retrieval", "evaluate", "--checkpoint", tuned, "--output-dir",
                    run + "/fine-tuned",
                ] + retrieval + ["--set", "val_file=null"]),
        ]
        return Run(
            variant: variant, seed: seed, directory: run,
            step: Step(
                name: name, title: "\(variant.title), seed \(seed)", directory: run,
                commands: commands, inputs: [pretraining.file, self.retrieval.file] + data,
                outputs: [run + "/zero-shot/log.txt", run + "/fine-tuned/log.txt"]))
    }
}
