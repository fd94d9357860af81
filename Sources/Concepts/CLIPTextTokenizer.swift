import Batches
import CLIP
import Text

/// Cuts texts into the tokens of a CLIP model.
public struct CLIPTextTokenizer: Sendable {
    private enum Kind: Sendable {
        case bytePairs(CLIPTokenizer)
        case wordPieces(WordPieceTokenizer, dropsSeparator: Bool)
    }

    /// Tokens of a text at most, start and end included.
    public let contextLength: Int
    private let kind: Kind
    private let fillsContext: Bool

    /// Reads the vocabulary of a model.
    ///
    /// - Parameters:
    ///   - configuration: of the model's text tower
    ///   - merges: `merges.txt` of CLIP's tokenizer
    ///   - path: of the model, for errors
    /// - Throws: `CLIPError`, `VocabularyError`
    public init(_ configuration: CLIPConfiguration.Text, merges: String, path: String) throws {
        contextLength = configuration.contextLength
        fillsContext = configuration.seesPadding
        let end: Int?
        switch configuration.tokenization {
        case .bytePairs:
            let tokenizer = try CLIPTokenizer(
                mergesFile: merges, vocabularySize: configuration.vocabularySize,
                contextLength: contextLength)
            end = Int(tokenizer.end)
            kind = .bytePairs(tokenizer)
        case .wordPieces(let file, let dropsSeparator):
            let tokenizer = try WordPieceTokenizer(vocabularyFile: file)
            guard tokenizer.vocabularySize <= configuration.vocabularySize else {
                throw CLIPError.unknownLayout(
                    path: path,
                    reason: "'\(file)' has \(tokenizer.vocabularySize) tokens, its model only "
                        + "\(configuration.vocabularySize)")
            }
            end = dropsSeparator ? nil : Int(tokenizer.special.sep)
            kind = .wordPieces(tokenizer, dropsSeparator: dropsSeparator)
        }
        if case .end(let id) = configuration.pooling, id != end {
            throw CLIPError.unknownLayout(
                path: path,
                reason: "its embeddings are those of the token \(id), but its texts end with "
                    + (end.map { "\($0)" } ?? "padding"))
        }
    }

    /// Texts with start and end, cut to the context length and filled up to the longest, or to the
    /// context length where the model looks at what a text is filled up with.
    public func encode(_ texts: [String]) -> TokenBatch {
        let padding = fillsContext ? Padding.length(contextLength) : .longest
        return switch kind {
        case .bytePairs(let tokenizer):
            TokenBatch(texts.map(tokenizer.sequence), pad: 0, padding: padding)
        case .wordPieces(let tokenizer, let dropsSeparator):
            TokenBatch(
                texts.map { text in
                    let ids = tokenizer.encode(
                        CaptionCleaning.repaired(text), maxLength: contextLength - 1)
                    return dropsSeparator
                        ? ids + [tokenizer.special.pad] : ids + [tokenizer.special.sep]
                }, pad: tokenizer.special.pad, padding: padding)
        }
    }

    /// Whether ``encode(_:)`` cuts a text.
    public func isTooLong(_ text: String) -> Bool {
        switch kind {
        case .bytePairs(let tokenizer): tokenizer.isTooLong(text)
        case .wordPieces(let tokenizer, _):
            text.utf8.count > contextLength - 2
                && tokenizer.encode(CaptionCleaning.repaired(text)).count > contextLength - 1
        }
    }
}
