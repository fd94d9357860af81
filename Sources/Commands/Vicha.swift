import ArgumentParser
import Files
import Torch

/// The program: one group of commands for each task.
@main
struct Vicha: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "vicha",
        abstract:
            "ViCHA: vision-language pretraining with visual concepts and hierarchical alignment.",
        discussion: """
            EXAMPLES
              vicha demo --output-dir output/demo
              vicha scenes data/scenes
              vicha pretrain --config configs/pretrain_tiny.yaml --data-dir Samples \\
                --data-json-dir Samples --output-dir output/tiny
              vicha parity path/to/cases
            """,
        version: "0.2.0-dev",
        subcommands: [
            Train<PretrainingCommands>.self, RetrievalGroup.self, GroundingGroup.self,
            QuestionGroup.self, EntailmentGroup.self, NLVRGroup.self, ConceptCommands.self,
            FilterCaptions.self,
            MakeScenes.self, Demo.self, Ablate.self, CompareCases.self,
            ConfigurationCommands.self,
        ])

    static func main() {
        ProcessStart.prepare()
        HostMemory.keepFreedPages()
        main(nil)
    }
}

/// Writes a line that is no result to standard error.
func note(_ line: String) { StandardError.note(line) }
