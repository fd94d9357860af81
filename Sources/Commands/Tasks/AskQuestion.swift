import ArgumentParser
import Foundation
import Images
import Tasks
import Training

/// `vicha vqa ask`
struct AskQuestion: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "ask",
        abstract: "Answer a question about an image.",
        discussion: """
            Prints the best answers with their probabilities: those of a list with --answers, ranked as \
            in the evaluation, otherwise what the decoder writes freely, with --beams 1 word by word the \
            likeliest (greedy). A model with concepts gets those that CLIP finds: with the vocabulary and \
            the CLIP that the model names, or those of --concepts and --clip.

            EXAMPLES
              vicha vqa ask photo.jpg "what is the man holding?" --answers answer_list.json \\
                --model output/vqa
              vicha vqa ask output/demo/scenes/images/test/000000.jpg "How many cups are there?" \\
                --model output/vqa \\
                --beams 3
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
        let choices = try answers.map(AnswerList.texts)
        let trained = try trained.open(QuestionAnsweringTask.self)
        let decoded = try ImageDecoder.decode(
            path: image, limit: trained.configuration.settings.images.maxPixels)
        let found = try concepts.find(decoded, trained)
        let best =
            try choices.map {
                try trained.rank($0, for: question, about: decoded, concepts: found)
            } ?? trained.answer(question, about: decoded, concepts: found, beams: beams)
        for answer in best.prefix(results) {
            print(String(format: "%5.1f %%  ", 100 * answer.probability) + answer.text)
        }
    }
}
