import Batches
import Configuration
import Datasets
import Images
import Text
import Torch
import Training
import ViCHA

extension TrainedModel<QuestionAnsweringTask> {
    /// An answer with its probability.
    public typealias Answer = QuestionAnsweringEvaluation.Answer

    /// Ranks given answers to a question, best first, as an evaluation does.
    ///
    /// - Parameters:
    ///   - list: what can be answered
    ///   - question: as somebody asks it
    ///   - image: what it is about
    ///   - concepts: of the image; none for a model without concepts
    /// - Throws: ``PredictionError``, ``ScoreError``, `TorchError`
    public func rank(
        _ list: [String], for question: String, about image: RGBImage, concepts: [String] = []
    ) throws -> [Answer] {
        let answers = try AnswerList(
            tokenizer.batch(list.map { $0 + configuration.endMark }).to(device: compute.device))
        let ranked = try compute {
            try model.answerer.rank(
                encoded(question, image, concepts), answers, candidates: configuration.candidates
            )[0].map { Answer(text: list[$0.number], probability: $0.probability) }
        }
        guard ranked.allSatisfy(\.probability.isFinite) else {
            throw ScoreError.notFinite(score: "probability", of: "an answer")
        }
        return ranked
    }

    /// Writes answers to a question, best first.
    ///
    /// - Parameters:
    ///   - question: as somebody asks it
    ///   - image: what it is about
    ///   - concepts: of the image; none for a model without concepts
    ///   - beams: answers that are kept beside each other; 1 always takes the likeliest token
    /// - Throws: ``PredictionError``, ``ScoreError``, `TorchError`, and `ConfigurationKeyError` for an end mark
    ///   that is no token
    public func answer(
        _ question: String, about image: RGBImage, concepts: [String] = [], beams: Int = 3
    ) throws -> [Answer] {
        let end = tokenizer.encode(configuration.endMark)
        guard end.count == 2 else {
            throw ConfigurationKeyError(
                key: "eos", expected: "a single token, such as [SEP], for answers to end in")
        }
        var writing = QuestionAnswerer.Writing(
            start: Int(end[0]), end: Int(end[1]), vocabularySize: tokenizer.vocabularySize)
        writing.beams = beams
        return try compute {
            try model.answerer.write(encoded(question, image, concepts), question: 0, writing)
                .map { text in
                    let words = tokenizer.words(of: text.tokens.map { Int64($0) })
                    return Answer(
                        text: words.map(\.word).joined(separator: " "),
                        probability: text.probability)
                }
        }
    }

    private func encoded(_ question: String, _ image: RGBImage, _ concepts: [String]) throws
        -> EncodedQuestions
    {
        let text = CaptionCleaning.question(question, maxWords: QuestionDataset.evaluationWords)
        try PredictionError.require(text, of: "question", question)
        let options = EvaluationOptions(questions: configuration.settings)
        return model.answerer.encode(
            try ImageBatch([image], concepts: [concepts], tokenizer: tokenizer, options)
                .to(device: compute.device),
            tokenizer.batch([text], maxLength: options.textTokens).to(device: compute.device))
    }
}
