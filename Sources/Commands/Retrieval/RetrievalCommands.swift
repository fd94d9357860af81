import ArgumentParser

/// `vicha retrieval`
struct RetrievalCommands: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retrieval",
        abstract: "Find images by texts and texts by images.",
        discussion: """
            EXAMPLES
              vicha retrieval train --config Retrieval_flickr.yaml --data-dir /data \\
                --data-json-dir /data/json --checkpoint output/base/checkpoint_last.safetensors \\
                --output-dir output/flickr
              vicha retrieval evaluate --config Retrieval_flickr.yaml --data-dir /data \\
                --data-json-dir /data/json --checkpoint output/flickr/checkpoint_best.safetensors
            """,
        subcommands: [
            TrainRetrieval.self, EvaluateRetrieval.self, IndexImages.self, SearchImages.self,
            MatchCaptions.self,
        ])
}
