import ArgumentParser

/// `vicha concepts`
struct ConceptCommands: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "concepts",
        abstract: "Find visual concepts for images with CLIP.",
        discussion: """
            Four commands make annotation files with concepts from files without: extract the \
            nouns of the captions, embed them, embed the images, attach the nearest concepts. \
            Each goes on where it was stopped.

            EXAMPLES
              vicha concepts extract data/train.json --output-dir data/vocabulary
              vicha concepts embed-text data/vocabulary/concepts.json --clip ViT-B-16.pt \\
                --output-dir data/embedded/concepts
              vicha concepts embed-images data/train.json --data-dir data --clip ViT-B-16.pt \\
                --output-dir data/embedded/images
              vicha concepts attach data/train.json --concepts data/embedded/concepts \\
                --images data/embedded/images --output-dir data/with_concepts
            """,
        subcommands: [
            ExtractConcepts.self, EmbedText.self, EmbedImages.self, AttachConcepts.self,
            ShowConcepts.self,
            TrainCLIP.self, TrainTagger.self,
        ])
}
