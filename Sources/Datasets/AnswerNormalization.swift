import Files
import Text

/// Brings answers to a common form before they are compared, as the evaluation of VQA v2 does
/// (Antol et al. 2015; case `vqa_accuracy`).
public enum AnswerNormalization {
    /// A predicted answer: punctuation, then number words, articles and contractions.
    public static func prediction(_ answer: String) -> String {
        let line = answer.unicodeScalars.map { ["\n", "\t"].contains($0) ? " " : $0 }
        return words(punctuation(String(String.UnicodeScalarView(line)).strippedOfPythonSpace()))
    }

    /// Marks that are dropped beside a space, and become a space between two other characters.
    private static let marks: [Unicode.Scalar] = [
        ";", "/", "[", "]", "\"", "{", "}", "(", ")", "=", "+", "\\", "_", "-", ">", "<", "@", "`",
        ",", "?", "!",
    ]

    /// Periods that are dropped at most; the official code passes a flag where this number belongs.
    private static let mostPeriods = 32

    /// Drops punctuation: what annotators wrote gets no more than this.
    public static func punctuation(_ answer: String) -> String {
        let original = Array(answer.unicodeScalars)
        let hasNumberWithComma = original.indices.dropFirst().dropLast().contains { place in
            original[place] == "," && original[place - 1].isDigit && original[place + 1].isDigit
        }
        var result = original
        for mark in marks {
            let standsBesideSpace = zip(original, original.dropFirst()).contains {
                $0 == mark && $1 == " " || $0 == " " && $1 == mark
            }
            if standsBesideSpace || hasNumberWithComma {
                result.removeAll { $0 == mark }
            } else {
                result = result.map { $0 == mark ? " " : $0 }
            }
        }
        var dropped = 0
        var kept = String.UnicodeScalarView()
        for (place, character) in result.enumerated() {
            let isBeforeDigit = place + 1 < result.count && result[place + 1].isDigit
            if character == ".", !isBeforeDigit, dropped < mostPeriods {
                dropped += 1
            } else {
                kept.append(character)
            }
        }
        return String(kept)
    }

    /// Lower case, digits for number words, no articles, contractions with their apostrophes.
    private static func words(_ answer: String) -> String {
        answer.pythonLowercased().splitAtPythonSpace().map { ExactString($0) }
            .map { numbers[$0] ?? $0 }.filter { !articles.contains($0) }
            .map { contractions[$0]?.text ?? $0.text }.joined(separator: " ")
    }

    private static let articles: Set<ExactString> = ["a", "an", "the"]

    private static let numbers: [ExactString: ExactString] = [
        "none": "0", "zero": "0", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5",
        "six": "6", "seven": "7", "eight": "8", "nine": "9", "ten": "10",
    ]

    /// What stands for each contraction that lacks one of its apostrophes. `somebody'd` loses its own,
    /// as in the official table.
    private static let contractions: [ExactString: ExactString] = {
        var table: [ExactString: ExactString] = ["somebody'd": "somebodyd"]
        for word in contracted.split(whereSeparator: \.isWhitespace).map(String.init) {
            for place in word.indices where word[place] == "'" {
                var without = word
                without.remove(at: place)
                table[ExactString(without)] = ExactString(word)
            }
        }
        return table
    }()

    /// The contractions that the official table knows, with their apostrophes.
    private static let contracted = """
        ain't aren't can't could've couldn't couldn't've didn't doesn't don't hadn't hadn't've hasn't
        haven't he'd he'd've he's how'd how'll how's isn't it'd it'd've it'll ma'am might've mightn't
        mightn't've must've mustn't needn't not've o'clock oughtn't 'ow's'at shan't she'd've should've
        shouldn't shouldn't've somebody'd've somebody'll somebody's someone'd someone'd've someone'll
        someone's something'd something'd've something'll that's there'd there'd've there're there's
        they'd they'd've they'll they're they've 'twas wasn't we'd've we've weren't what'll what're
        what's what've when's where'd where's where've who'd who'd've who'll who's who've why'll
        why're why's won't would've wouldn't wouldn't've y'all y'all'd've y'all'll you'd you'd've
        you'll you're you've
        """
}

extension Unicode.Scalar {
    /// A decimal digit of any script.
    fileprivate var isDigit: Bool { properties.generalCategory == .decimalNumber }
}

/// How often answers agree with those of annotators: an answer that three others gave is right, one
/// that fewer gave is so in part (Antol et al. 2015).
public struct AnswerAccuracy: Sendable, Equatable {
    /// Agreement that counts in full.
    static let fullAgreement = 3.0

    /// Mean over the questions, in percent.
    public let overall: Double
    /// Mean for each kind of answer, in percent.
    public let byAnswerType: [ExactString: Double]
    /// Mean for each kind of question, in percent.
    public let byQuestionType: [ExactString: Double]
    /// Of each question, in percent.
    public let byQuestion: [Int: Double]

    /// Compares answers with those of annotators.
    ///
    /// - Parameters:
    ///   - answers: by the number of the question
    ///   - annotations: of at least one of these questions; others are left out
    /// - Throws: ``AnnotationError/unansweredQuestions(count:example:)`` where a question of the
    ///   annotations has no answer
    public init(_ answers: [Int: String], _ annotations: [AnswerAnnotations.Annotation]) throws {
        try Self.check(annotations, askedQuestions: Set(answers.keys))
        var all: [Double] = []
        var byQuestion: [Int: Double] = [:]
        var byAnswerType: [ExactString: [Double]] = [:]
        var byQuestionType: [ExactString: [Double]] = [:]
        for annotation in annotations {
            let share = Self.agreement(
                AnswerNormalization.prediction(answers[annotation.questionID] ?? ""),
                annotation.answers)
            all.append(share)
            byQuestion[annotation.questionID] = 100 * share
            byAnswerType[ExactString(annotation.answerType), default: []].append(share)
            byQuestionType[ExactString(annotation.questionType), default: []].append(share)
        }
        func mean(_ shares: [Double]) -> Double {
            100 * shares.reduce(0, +) / Double(max(1, shares.count))
        }
        overall = mean(all)
        self.byQuestion = byQuestion
        self.byAnswerType = byAnswerType.mapValues(mean)
        self.byQuestionType = byQuestionType.mapValues(mean)
    }

    /// Compares answers with those that records state.
    ///
    /// - Parameters:
    ///   - answers: one for each record
    ///   - records: with answers
    /// - Throws: ``AnnotationError``
    public init(_ answers: [String], _ records: [QuestionRecord]) throws {
        try self.init(
            Dictionary(uniqueKeysWithValues: answers.enumerated().map { ($0, $1) }),
            Self.annotations(of: records))
    }

    /// What always giving the answer that annotators gave most often reaches.
    /// - Throws: ``AnnotationError``
    public static func commonest(_ annotations: [AnswerAnnotations.Annotation]) throws -> (
        answer: String, accuracy: AnswerAccuracy
    ) {
        let answer = commonest(annotations.flatMap { $0.answers.map(\.answer) })
        return (
            answer,
            try AnswerAccuracy(
                Dictionary(annotations.map { ($0.questionID, answer) }) { first, _ in first },
                annotations)
        )
    }

    /// The answer that was given most often, of several the first in the alphabet.
    public static func commonest(_ answers: [String]) -> String {
        let counts = answers.reduce(into: [ExactString: Int]()) {
            $0[ExactString($1), default: 0] += 1
        }
        return counts.max { ($0.value, $1.key) < ($1.value, $0.key) }?.key.text ?? ""
    }

    /// The answers of records as annotations, whose questions are numbered from 0; the kind of an answer
    /// is that of the commonest one.
    public static func annotations(of records: [QuestionRecord]) -> [AnswerAnnotations.Annotation] {
        records.enumerated().map { number, record in
            let given = record.answers ?? []
            return AnswerAnnotations.Annotation(
                questionID: number, imageID: 0,
                questionType: record.question.pythonLowercased().splitAtPythonSpace().prefix(2)
                    .joined(separator: " "),
                answerType: Self.type(of: given), commonAnswer: nil,
                answers: given.enumerated().map { .init(answer: $1, answerID: $0 + 1) })
        }
    }

    /// The kinds of VQA v2's annotations.
    private static func type(of answers: [String]) -> String {
        let commonest = commonest(answers)
        if ["yes", "no"].contains(commonest) { return "yes/no" }
        return Int(commonest) == nil ? "other" : "number"
    }

    /// Makes sure that annotations are of questions that are asked.
    /// - Throws: ``AnnotationError/unansweredQuestions(count:example:)``
    public static func check(
        _ annotations: [AnswerAnnotations.Annotation], askedQuestions: Set<Int>
    ) throws {
        let missing = annotations.filter { !askedQuestions.contains($0.questionID) }
        if let first = missing.first {
            throw AnnotationError.unansweredQuestions(
                count: missing.count, example: first.questionID)
        }
    }

    /// Annotations none of whose answers can be given by choosing from a list.
    public static func outOfReach(
        _ annotations: [AnswerAnnotations.Annotation], of list: [String]
    ) -> Int {
        let possible = Set(list.map { ExactString(AnswerNormalization.prediction($0)) })
        return annotations.count {
            !compared($0.answers).contains { possible.contains($0.answer) }
        }
    }

    private typealias Given = (answer: ExactString, annotator: Int)

    /// What a prediction is compared with.
    private static func compared(_ given: [AnswerAnnotations.Annotation.Answer]) -> [Given] {
        let all: [Given] = given.map { (ExactString($0.answer), $0.answerID) }
        // Where all annotators agree, their answer is compared as it is.
        guard Set(all.map(\.answer)).count > 1 else { return all }
        return all.map {
            (ExactString(AnswerNormalization.punctuation($0.answer.text)), $0.annotator)
        }
    }

    /// Mean over the annotators of how many of the others agree: none where there are no others. [0, 1]
    private static func agreement(
        _ prediction: String, _ given: [AnswerAnnotations.Annotation.Answer]
    ) -> Double {
        let all = compared(given)
        let prediction = ExactString(prediction)
        let matches = all.filter { $0.answer == prediction }
        let shares = all.map { own in
            min(1, Double(matches.count { $0 != own }) / fullAgreement)
        }
        return shares.reduce(0, +) / Double(max(1, shares.count))
    }
}
