import ArgumentParser
import Concepts
import Datasets
import Text
import Torch

/// `vicha concepts embed-text`
struct EmbedText: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Embed the concepts of a vocabulary, or captions.",
        discussion: """
            Reads lists of texts (what 'concepts extract' or the official scripts write), objects \
            of texts with counts, and annotation files, whose captions it takes. Each different \
            text is embedded once; texts of more than 77 tokens are cut and counted. The result is \
            a directory of safetensors files, which other commands map into memory.

            EXAMPLES
              vicha concepts embed-text vocabulary/concepts.json --clip ViT-B-16.pt \\
                --output-dir embedded/concepts
              vicha concepts embed-text vocabulary/concepts.json --clip ViT-B-16.pt \\
                --template "a photo of a {}" --output-dir embedded/prompted
              vicha concepts embed-text train.json --clip ViT-B-16.pt --fp16 \\
                --output-dir embedded/captions
            """)

    @Argument(help: "Vocabularies or annotation files.")
    var files: [String]

    @Option(name: [.long, .customLong("output_dir")], help: "Directory of the embeddings.")
    var outputDir: String

    @Option(
        help: ArgumentHelp(
            "A text with {} in the place of the concept; by default the bare concept, as in the "
                + "official scripts.", valueName: "text"))
    var template: String?

    @Flag(name: .customLong("fp16"), help: "Store float16 instead of float32.")
    var storesHalf = false

    @OptionGroup var storage: StorageOptions
    @OptionGroup var clip: CLIPOptions

    func run() throws {
        let template = try template.map { try PromptTemplate($0) }
        var texts = StringTable()
        for file in files {
            try JSONFile.readTexts(path: file, field: "caption") { texts.insert($0) }
        }
        guard texts.count > 0 else { throw ConceptError.emptyVocabulary(path: files[0]) }
        let encoder = try clip.encoder()
        var options = storage.table(
            outputDir, names: texts.count, unit: "texts", title: "embed-text")
        options.dtype = storesHalf ? .float16 : .float32
        try encoder.write(texts: texts, template: template, options)
        let cut = (0..<texts.count).count {
            encoder.tokenizer.isTooLong(template?(texts[$0]) ?? texts[$0])
        }
        print("\(texts.count) texts are embedded in \(outputDir)")
        if cut > 0 {
            print("\(cut) of them were cut at \(encoder.tokenizer.contextLength) tokens")
        }
    }
}
