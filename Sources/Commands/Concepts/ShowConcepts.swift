import ArgumentParser
import Concepts
import Datasets
import Files
import Foundation
import Images
import Text
import Torch

/// `vicha concepts show`
struct ShowConcepts: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "Show the concepts of pictures with their scores.",
        discussion: """
            Prints the concepts whose embeddings have the largest cosine with each picture's, and \
            with --html writes a page with the pictures beside them.

            EXAMPLES
              vicha concepts show photo.jpg --concepts embedded/concepts --clip ViT-B-16.pt
              vicha concepts show Samples/photos/*.jpg --concepts vocabulary/concepts.json \\
                --clip ViT-B-16.pt --html concepts.html
            """)

    @Argument(help: "Image files.")
    var images: [String]

    @Option(help: "Embeddings of a vocabulary, or the vocabulary itself, which is then embedded.")
    var concepts: String

    @Option(help: "Concepts of a picture.")
    var top = 15

    @Option(help: ArgumentHelp("A page to write.", valueName: "path"))
    var html: String?

    @OptionGroup var rounding: RoundingOptions
    @OptionGroup var clip: CLIPOptions

    func run() throws {
        let encoder = try clip.encoder()
        let (names, rows) = try vocabulary(encoder)
        let ranking = try ConceptRanking(
            concepts: rows, count: top, rounding: rounding.rounding, path: concepts,
            device: encoder.device)
        let (embedded, skipped) = try encoder.embed(images: images.map { ($0, $0) })
        if embedded.size(0) == 0, let first = skipped.first {
            throw ConceptError.noReadableImage(name: first.name, reason: first.reason)
        }
        let best = try ranking(embedded)
        let numbers = try best.concepts.array(of: Int.self)
        let scores = try best.scores.array(of: Float.self)
        let unreadable = Set(skipped.map(\.name))
        let pictures = images.filter { !unreadable.contains($0) }.enumerated().map { place, path in
            PictureWithConcepts(
                path: path,
                concepts: (place * top..<(place + 1) * top).map { (names[numbers[$0]], scores[$0]) }
            )
        }
        for picture in pictures {
            print(picture.path)
            for (name, score) in picture.concepts {
                print(String(format: "  %6.3f  ", score) + name)
            }
        }
        report(skipped: skipped)
        if let html {
            try writeAtomically(Data(page(pictures).utf8), to: html)
            print("look at \(html)")
        }
    }

    private func vocabulary(_ encoder: CLIPEncoder) throws -> (names: StringTable, rows: Tensor) {
        var isDirectory: ObjCBool = false
        if FileManager.default.fileExists(atPath: concepts, isDirectory: &isDirectory),
            isDirectory.boolValue
        {
            let table = try ShardedTable(path: concepts)
            try encoder.checkWidth(of: table)
            return (table.names, table.rows)
        }
        var names = StringTable()
        try JSONFile.readTexts(path: concepts, field: "caption") { names.insert($0) }
        return (names, try encoder.embed(texts: (0..<names.count).map { names[$0] }))
    }

    private func page(_ pictures: [PictureWithConcepts]) throws -> String {
        """
        <!doctype html><html lang='en'><meta charset='utf-8'><title>Visual concepts</title>
        <style>body{font:14px sans-serif;margin:2em;color:#222}\(PictureWithConcepts.style)</style>
        <div class='concepts'>\(try pictures.map { try $0.figure() }.joined(separator: "\n"))</div>
        </html>
        """
    }
}
