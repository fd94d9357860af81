import Foundation

/// A text around each concept, such as `a photo of a {}`.
public struct PromptTemplate: Sendable, Equatable {
    /// What stands for the concept.
    public static let placeholder = "{}"

    /// The text with its placeholder.
    public let text: String

    /// Takes a text with one `{}`.
    /// - Throws: ``ConceptError/invalidTemplate(_:)``
    public init(_ text: String) throws {
        guard text.components(separatedBy: Self.placeholder).count == 2 else {
            throw ConceptError.invalidTemplate(text)
        }
        self.text = text
    }

    /// The text with a concept in its place.
    public func callAsFunction(_ concept: String) -> String {
        text.replacingOccurrences(of: Self.placeholder, with: concept)
    }
}
