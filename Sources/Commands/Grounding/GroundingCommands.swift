import ArgumentParser

/// `vicha grounding`
struct GroundingCommands: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "grounding",
        abstract: "Find what a phrase means in an image, learnt without boxes.",
        discussion: """
            EXAMPLES
              vicha grounding train --config Grounding.yaml --data-dir /data \\
                --data-json-dir /data/json --checkpoint output/base/checkpoint_last.safetensors \\
                --output-dir output/grounding
              vicha grounding evaluate --config Grounding.yaml --data-dir /data \\
                --data-json-dir /data/json --checkpoint output/grounding/checkpoint_best.safetensors
            """,
        subcommands: [TrainGrounding.self, EvaluateGrounding.self, DrawGrounding.self])
}
