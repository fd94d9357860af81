// Shapes: B batch, E feature width, P patches, p patch side.
import Torch

extension PretrainingModel {
    /// Normalised features of images, which no gradient can flow through. `[B, E]`
    public func imageFeatures(_ images: Tensor, concepts: TokenBatch?) -> Tensor {
        withInferenceMode {
            let encoding = online.encodeImages(
                patches: online.vision.patches(of: images),
                concepts: online.encodeConcepts(concepts, dropout: nil), tokens: concepts)
            return online.imageFeatures(encoding.lastHiddenState.select(1, 0))
        }
    }

    /// Normalised features of captions, which no gradient can flow through. `[B, E]`
    public func textFeatures(_ captions: TokenBatch) -> Tensor {
        withInferenceMode {
            let states = online.text.encodeText(captions)
            return online.textFeatures(states[states.count - 1].select(1, 0))
        }
    }
}
