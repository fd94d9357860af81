// Shapes: B batch, C concept tokens, D image width.
import Batches
import Torch

/// Encodes the visual concepts of images as tokens for the image encoder (ViCHA section 3.3).
public struct ConceptEncoder: Sendable {
    /// n BERT layers over their own embeddings, or the embeddings alone.
    private enum Body: Sendable {
        case embeddings(BertEmbeddings)
        case layers(TextEncoder)
    }

    private let body: Body
    private let projection: Linear

    /// Declares `kw_encoder` and `kw_proj`, with `suffix` behind both names.
    ///
    /// - Parameter isWholeBert: whether an encoder without layers is a BERT with no layer, whose
    ///   embeddings lie in `embeddings`, instead of the embeddings themselves
    init(
        _ scope: ParameterScope, suffix: String, _ c: ModelConfiguration, isWholeBert: Bool = false
    ) {
        let place = scope["kw_encoder" + suffix]
        if c.conceptLayers == 0, !isWholeBert {
            body = .embeddings(BertEmbeddings(place, c.text))
        } else {
            var bert = c.text
            bert.layers = c.conceptLayers
            bert.fusionLayer = c.conceptLayers
            body = .layers(TextEncoder(place, bert, checkpointsLayers: c.checkpointsBlocks))
        }
        projection = Linear(scope["kw_proj" + suffix], c.text.hiddenSize, c.vision.width)
    }

    /// → `[B, C, D]`
    public func callAsFunction(_ concepts: TokenBatch, dropout: Generator? = nil) -> Tensor {
        switch body {
        case .embeddings(let embeddings):
            projection(embeddings(concepts.inputIDs, dropout: dropout))
        case .layers(let encoder):
            projection(encoder.encodeText(concepts, dropout: dropout).last ?? concepts.inputIDs)
        }
    }
}
