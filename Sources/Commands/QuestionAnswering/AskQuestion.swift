import ArgumentParser
import Configuration
import Datasets
import Foundation
import Text
import Torch
import Training
import ViCHA

/// `vicha vqa ask`
struct AskQuestion: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ask",
        abstract: "Answer a question about an image.",
        discussion: """
            Prints the best answers with their probabilities: those of a list with --answers, ranked as \
            in the evaluation, otherwise what the decoder writes freely, with --beams 1 word by word the \
            likeliest (greedy). A model with concepts gets those that CLIP finds with --concepts and \
            --clip.

            EXAMPLES
              vicha vqa ask photo.jpg "what is the man holding?" --answers answer_list.json \\
                --checkpoint output/vqa/checkpoint_last.safetensors \\
                --concepts vocabulary/concepts.json --clip ViT-B-16.pt
              vicha vqa ask output/demo/scenes/images/test/000000.jpg "How many cups are there?" \\
                --checkpoint output/vqa/checkpoint_best.safetensors \\
                --vocabulary output/demo/scenes/vocab.txt --beams 3 --top 4 \\
                --concepts output/demo/concepts/text --clip output/demo/clip
            """)

    @Argument(help: "Image file.")
    var image: String

    @Argument(help: "What to ask.")
    var question: String

    @Option(help: ArgumentHelp("A JSON list of answers to choose from.", valueName: "path"))
    var answers: String?

    @Option(help: "Answers that are kept beside each other while one is written.")
    var beams = 3

    @Option(help: "Answers to print.")
    var results = 5

    @OptionGroup var trained: TrainedModelOptions
    @OptionGroup var concepts: ImageConceptOptions

    func validate() throws {
        guard beams > 0 else { throw ValidationError("--beams must be 1 or more") }
        guard results > 0 else { throw ValidationError("--results must be 1 or more") }
    }

    func run() throws {
        guard
            !CaptionCleaning.question(question, maxWords: QuestionDataset.evaluationWords)
                .allSatisfy(\.isWhitespace)
        else { throw ValidationError("the question '\(question)' has no word in it") }
        let configuration: QuestionAnsweringConfiguration = try trained.configuration()
        let device = try trained.model.device.resolved()
        let tokenizer = try trained.model.tokenizer(for: configuration.settings.model)
        let model = try QuestionAnsweringModel(
            configuration.settings.model, distills: false, device: device)
        try trained.model.load(trained.checkpoint, into: model, tokenizer.identity)
        let found = try concepts.find(
            [image], isNeeded: configuration.settings.model.usesConcepts,
            pixelLimit: configuration.settings.images.maxPixels, device: device,
            autocast: trained.model.device.autocast)
        let paths = ImagePaths.unchanged
        let set = QuestionDataset(
            records: [
                QuestionRecord(
                    image: image, question: question, questionID: nil, answers: nil,
                    concepts: found.concepts.first)
            ], paths: QuestionImagePaths(visualQuestions: paths, visualGenome: paths),
            tokenizer: tokenizer, endMark: configuration.endMark)
        let options = QuestionAnsweringEvaluation.Options(
            configuration, device: device, autocast: trained.model.device.autocast, workers: 1)
        let answerer = model.answerer
        try withAutocast(options.autocast, on: device) {
            let batch = try set.batch(0..<1, options.inputs)
            let encoded = answerer.encode(batch.images, batch.questions, on: device)
            for (answer, probability) in try answers.map({
                try ranked($0, encoded, set, answerer, options)
            }) ?? written(encoded, tokenizer, answerer, configuration) {
                print(String(format: "%5.1f %%  ", 100 * probability) + answer)
            }
        }
    }

    private func ranked(
        _ file: String, _ question: EncodedQuestions, _ set: QuestionDataset,
        _ answerer: QuestionAnswerer, _ options: QuestionAnsweringEvaluation.Options
    ) throws -> [(String, Double)] {
        let list = try AnnotationFile.load([String].self, file: file)
        guard !list.isEmpty else { throw AnnotationError.empty(files: [file]) }
        let encoded = try AnswerList(
            TokenBatch(set.encoded(answers: list)).to(device: options.device))
        return try answerer.rank(question, encoded, candidates: options.candidates)[0]
            .prefix(results).map { (list[$0.number], $0.probability) }
    }

    private func written(
        _ question: EncodedQuestions, _ tokenizer: WordPieceTokenizer,
        _ answerer: QuestionAnswerer, _ configuration: QuestionAnsweringConfiguration
    ) throws -> [(String, Double)] {
        let end = tokenizer.encode(configuration.endMark)
        guard end.count == 2 else {
            throw ConfigurationKeyError(
                key: "eos", expected: "a single token, such as [SEP], for answers to end in")
        }
        var writing = QuestionAnswerer.Writing(
            start: Int(end[0]), end: Int(end[1]), vocabularySize: tokenizer.vocabularySize)
        writing.beams = beams
        return try answerer.write(question, question: 0, writing).prefix(results).map { text in
            let words = tokenizer.words(of: [Int64(writing.start)] + text.tokens.map { Int64($0) })
            return (words.map(\.word).joined(separator: " "), text.probability)
        }
    }
}
