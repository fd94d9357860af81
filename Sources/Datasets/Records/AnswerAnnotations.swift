/// Questions and annotators' answers in the form of VQA v2's files, from which accuracy is computed.
public struct AnswerAnnotations: Codable, Sendable, Equatable {
    /// What annotators answered to a question.
    public struct Annotation: Codable, Sendable, Equatable {
        /// An annotator's answer.
        public struct Answer: Codable, Sendable, Equatable {
            /// As it was given.
            public let answer: String
            /// Number of the annotator, from 1.
            public let answerID: Int

            enum CodingKeys: String, CodingKey {
                case answer
                case answerID = "answer_id"
            }

            /// Makes an answer.
            public init(answer: String, answerID: Int) {
                self.answer = answer
                self.answerID = answerID
            }
        }

        /// The question.
        public let questionID: Int
        /// The image it is about.
        public let imageID: Int
        /// First words of the question.
        public let questionType: String
        /// yes/no, number or other.
        public let answerType: String
        /// The commonest answer, nil where the file does not say.
        public let commonAnswer: String?
        /// One for each annotator.
        public let answers: [Answer]

        enum CodingKeys: String, CodingKey {
            case questionID = "question_id"
            case imageID = "image_id"
            case questionType = "question_type"
            case answerType = "answer_type"
            case commonAnswer = "multiple_choice_answer"
            case answers
        }

        /// Makes an annotation.
        public init(
            questionID: Int, imageID: Int, questionType: String, answerType: String,
            commonAnswer: String?, answers: [Answer]
        ) {
            self.questionID = questionID
            self.imageID = imageID
            self.questionType = questionType
            self.answerType = answerType
            self.commonAnswer = commonAnswer
            self.answers = answers
        }
    }

    /// One for each question.
    public let annotations: [Annotation]

    /// Makes the contents of a file.
    public init(annotations: [Annotation]) { self.annotations = annotations }

    /// Reads a file of annotations.
    /// - Throws: ``AnnotationError``
    public init(file: String) throws {
        self = try AnnotationFile.load(Self.self, file: file)
        var seen: Set<Int> = []
        for (index, annotation) in annotations.enumerated()
        where !seen.insert(annotation.questionID).inserted {
            throw AnnotationError.malformed(
                file: file,
                reason: "record \(index) (counted from 0) of 'annotations' has the 'question_id' "
                    + "\(annotation.questionID) of a record before")
        }
    }
}

/// The questions of a VQA v2 file.
public struct QuestionFile: Codable, Sendable, Equatable {
    /// A question.
    public struct Question: Codable, Sendable, Equatable {
        /// Names it.
        public let questionID: Int
        /// The image it is about.
        public let imageID: Int
        /// As it was asked.
        public let question: String

        enum CodingKeys: String, CodingKey {
            case questionID = "question_id"
            case imageID = "image_id"
            case question
        }

        /// Makes a question.
        public init(questionID: Int, imageID: Int, question: String) {
            self.questionID = questionID
            self.imageID = imageID
            self.question = question
        }
    }

    /// All questions.
    public let questions: [Question]

    /// Makes the contents of a file.
    public init(questions: [Question]) { self.questions = questions }
}
