// Shapes: B batch, Q question tokens, K candidates, L answer tokens, D width, V vocabulary.
import Batches
import Foundation
import Torch
import ViCHA

/// Questions with the images they are about, as the decoder looks at them.
public struct EncodedQuestions: Sendable {
    /// Fused states. `[B, Q, D]`
    let hiddenStates: Tensor
    /// 1 for tokens, 0 for padding. int64 `[B, Q]`
    let attentionMask: Tensor

    /// Number of questions.
    public var count: Int { hiddenStates.size(0) }
}

/// The answers that a question can have.
public struct AnswerList: Sendable {
    /// All answers, each with its end mark. int64 `[answers, L]`
    let tokens: TokenBatch
    /// Tokens of each.
    let lengths: [Int]

    /// Number of answers.
    public var count: Int { lengths.count }

    /// Prepares answers.
    /// - Throws: `TorchError`
    public init(_ tokens: TokenBatch) throws {
        self.tokens = tokens
        lengths = try tokens.attentionMask.sum(1).array(of: Int.self)
    }
}

/// Answers questions about images: by ranking given answers, or by writing one freely.
public struct QuestionAnswerer: Sendable {
    /// An answer with its probability among the candidates.
    public struct Answer: Sendable, Equatable {
        /// Number in the list.
        public let number: Int
        /// Softmax over the candidates.
        public let probability: Double
    }

    let part: QuestionAnsweringModel.Part
    /// Whether the probability of the first token counts twice, as in the official ranking.
    let countsFirstTwice: Bool

    /// Encodes a batch of questions, without gradient.
    public func encode(_ images: ImageBatch, _ questions: TokenBatch) -> EncodedQuestions {
        withInferenceMode {
            EncodedQuestions(
                hiddenStates: part.encode(images, questions),
                attentionMask: questions.attentionMask)
        }
    }

    /// The best of given answers to each question: candidates by the probability of their first
    /// token, then ordered by the likelihood of the whole answer (case `vqa`).
    ///
    /// One question's candidates go through the decoder at a time, with the question's keys and values
    /// projected once; memory is that of K answers.
    ///
    /// - Parameters:
    ///   - questions: a batch
    ///   - answers: what can be answered
    ///   - candidates: K, cut to what there is
    /// - Returns: for each question the candidates, best first
    /// - Throws: `TorchError`
    public func rank(_ questions: EncodedQuestions, _ answers: AnswerList, candidates: Int) throws
        -> [[Answer]]
    {
        try withInferenceMode {
            let keyValues = part.decoder.keyValues(
                of: questions.hiddenStates, attentionMask: questions.attentionMask)
            let best = try firstTokens(questions, answers, keyValues).largest(
                min(candidates, answers.count))
            let rows = try best.indices.array(of: Int.self)
            let k = best.indices.size(1)
            return try (0..<questions.count).map { question in
                let numbers = Array(rows[question * k..<(question + 1) * k])
                let likelihoods = try likelihoods(
                    of: numbers, answers,
                    keyValues.indexed(
                        by: Tensor([question]).to(device: questions.hiddenStates.device))
                )
                let scores =
                    countsFirstTwice
                    ? likelihoods + best.values.select(0, question).log() : likelihoods
                let order = scores.softmax(dimension: 0).largest(k)
                return try zip(
                    order.indices.array(of: Int.self), order.values.array(of: Float.self)
                ).map { Answer(number: numbers[$0], probability: Double($1)) }
            }
        }
    }

    /// Probability of the first token of each answer. `[B, answers]`
    private func firstTokens(
        _ questions: EncodedQuestions, _ answers: AnswerList, _ keyValues: CrossAttentionKeyValues
    ) throws -> Tensor {
        let start = answers.tokens.inputIDs.slice(0, 0..<1).slice(1, 0..<1)
            .expanded(questions.count, 1)
        let states = part.decoder.hiddenStates(
            TokenBatch(
                inputIDs: start,
                attentionMask: .ones([questions.count, 1], dtype: .int64, device: start.device)),
            keyValues)
        return part.decoder.logits(states.select(1, 0)).to(dtype: .float32).softmax(dimension: 1)
            .indexed(1, by: answers.tokens.inputIDs.select(1, 1))
    }

    /// Logarithm of the probability of each answer to one question. `[K]`
    private func likelihoods(
        of numbers: [Int], _ answers: AnswerList, _ keyValues: CrossAttentionKeyValues
    )
        throws -> Tensor
    {
        let device = answers.tokens.inputIDs.device
        let length = numbers.map { answers.lengths[$0] }.max() ?? 1
        let tokens = answers.tokens.indexed(by: Tensor(numbers).to(device: device))
            .cut(to: length)
        let next = NextTokens(tokens)
        let losses = Distillation.rowLosses(
            part.decoder.logits(part.decoder.hiddenStates(tokens, keyValues).rows(next.positions)),
            momentumLogits: nil, targets: next.targets, alpha: 0)
        // Summed by answer, in the order of its tokens.
        let belongs = next.rows.unsqueezed(0)
            .equals(Tensor.range(0..<numbers.count, device: device).unsqueezed(1))
        return -belongs.to(dtype: .float32).matmul(losses)
    }

    /// An answer that was written token by token.
    public struct Text: Sendable, Equatable {
        /// Without the class token and the end mark.
        public let tokens: [Int]
        /// Of the whole answer with its end mark; of one that was cut, of what there is.
        public let probability: Double
    }

    /// How answers are written.
    public struct Writing: Sendable {
        /// Answers that are kept beside each other; 1 always takes the likeliest token.
        public var beams = 1
        /// Tokens of an answer at most, with its end mark; a longer one is cut.
        public var maxTokens = 10
        /// Token that answers start with.
        public var start: Int
        /// Token that ends an answer.
        public var end: Int
        /// Tokens that can be written: the first ones of the model's vocabulary, which may be larger than
        /// the tokenizer's.
        public var vocabularySize: Int

        /// Greedy.
        public init(start: Int, end: Int, vocabularySize: Int) {
            self.start = start
            self.end = end
            self.vocabularySize = vocabularySize
        }
    }

    /// Writes answers to one question of a batch, best first.
    /// - Throws: ``ScoreError`` for a score that is not finite, `TorchError`
    public func write(_ questions: EncodedQuestions, question: Int, _ options: Writing) throws
        -> [Text]
    {
        struct Beam {
            var tokens: [Int]
            var score: Double
        }
        return try withInferenceMode {
            let keyValues = part.decoder.keyValues(
                of: questions.hiddenStates.slice(0, question..<question + 1),
                attentionMask: questions.attentionMask.slice(0, question..<question + 1))
            let device = questions.hiddenStates.device
            var open = [Beam(tokens: [options.start], score: 0)]
            var done: [Beam] = []
            for _ in 0..<options.maxTokens {
                let ids = Tensor(
                    open.flatMap(\.tokens), shape: [open.count, open[0].tokens.count]
                ).to(device: device)
                let states = part.decoder.hiddenStates(
                    TokenBatch(
                        inputIDs: ids,
                        attentionMask: .ones(ids.shape, dtype: .int64, device: device)), keyValues)
                let width = min(2 * options.beams, options.vocabularySize)
                let next = part.decoder.logits(states.select(1, ids.size(1) - 1))
                    .slice(1, 0..<options.vocabularySize).to(dtype: .float32)
                    .logSoftmax(dimension: 1).largest(width)
                let tokens = try next.indices.array(of: Int.self)
                let scores = try next.values.array(of: Float.self)
                guard scores.allSatisfy(\.isFinite) else {
                    throw ScoreError.notFinite(
                        score: "probability of an answer", of: "question \(question)")
                }
                let longer = tokens.indices.map { place in
                    let beam = open[place / width]
                    return Beam(
                        tokens: beam.tokens + [tokens[place]],
                        score: beam.score + Double(scores[place]))
                }.sorted { $0.score > $1.score }
                // An end mark counts where it is among the best, as a token would be.
                done += longer.prefix(options.beams).filter { $0.tokens.last == options.end }
                    .map { Beam(tokens: $0.tokens.dropLast(), score: $0.score) }
                done = Array(done.sorted { $0.score > $1.score }.prefix(options.beams))
                open = Array(
                    longer.filter { $0.tokens.last != options.end }.prefix(options.beams))
                // A longer answer is never likelier than its beginning.
                if done.count == options.beams, open[0].score <= done[done.count - 1].score {
                    open = []
                    break
                }
            }
            done += open
            return done.sorted { $0.score > $1.score }.prefix(options.beams).map {
                Text(tokens: Array($0.tokens.dropFirst()), probability: exp($0.score))
            }
        }
    }
}
