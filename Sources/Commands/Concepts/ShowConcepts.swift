import ArgumentParser
import Concepts
import Datasets
import Files
import Foundation
import Reports

/// `vicha concepts show`
struct ShowConcepts: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show the concepts of images with their scores.",
        discussion: """
            Prints the concepts whose embeddings have the largest cosine with each image's, and \
            with --html writes a page with the images beside them.

            EXAMPLES
              vicha concepts show photo.jpg --concepts embedded/concepts --clip ViT-B-16.pt
              vicha concepts show Samples/photos/*.jpg --concepts vocabulary/concepts.json \\
                --clip ViT-B-16.pt --html concepts.html
            """)

    @Argument(help: "Image files.")
    var images: [String]

    @Option(help: "Embeddings of a vocabulary, or the vocabulary itself, which is then embedded.")
    var concepts: String

    @Option(help: "Concepts of an image.")
    var top = 15

    @Option(help: ArgumentHelp("A page to write.", valueName: "path"))
    var html: String?

    @OptionGroup var rounding: RoundingOptions
    @OptionGroup var clip: CLIPOptions

    func validate() throws {
        if let html { try MarkedFile.check(html) }
    }

    func run() throws {
        let finder = try ConceptFinder(
            clip.encoder(), vocabulary: concepts, count: top, rounding: rounding.rounding)
        let (images, skipped) = try finder(images)
        for image in images {
            print(image.path)
            for (name, score) in image.concepts {
                print(String(format: "  %6.3f  ", score) + name)
            }
        }
        report(skipped: skipped)
        if let html {
            try Page(
                title: "Visual concepts", body: HTML.gallery(images.map { try $0.figure() })
            ).write(to: html)
            print("look at \(html)")
        }
    }
}
