import Datasets
import Files
import Foundation
import Text
import Torch

/// Embeddings as the official scripts save them: a JSON object of names with one row each,
/// `{"a dog": [[0.1, …]], …}`.
struct EmbeddingJSON {
    let names: StringTable
    /// float32 `[names, width]`
    let rows: Tensor

    init(path: String) throws {
        var names = StringTable()
        var values: [Float] = []
        var width = 0
        func malformed(_ reason: String) -> ConceptError {
            .malformedTable(path: path, reason: reason)
        }
        try JSONFile.readNumberLists(path: path) { name, numbers in
            if names.count == 0 { width = numbers.count }
            guard numbers.count == width, width > 0 else {
                throw malformed("'\(name.excerpt())' has \(numbers.count) numbers, others \(width)")
            }
            let (number, isNew) = names.insert(name)
            if isNew {
                values += numbers
            } else {
                // As Python reads it, the last of several counts, in the place of the first.
                values.replaceSubrange(number * width..<(number + 1) * width, with: numbers)
            }
        }
        guard names.count > 0 else { throw malformed("it is empty") }
        self.names = names
        rows = Tensor(values, shape: [names.count, width])
    }
}
