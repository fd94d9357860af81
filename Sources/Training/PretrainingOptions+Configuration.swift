import Datasets
import Images

extension PretrainingOptions {
    /// How a configuration wants records to become inputs; `compatibility` decides whether overflows
    /// of the official augmentation are kept and whether large JPEGs are decoded whole.
    public init(_ configuration: PretrainingConfiguration) {
        let isOfficial = configuration.model.compatibility == .official
        self.init(
            transform: .pretraining(
                side: configuration.model.vision.imageSize, keepsOverflows: isOfficial))
        captionTokens = configuration.captionTokens
        conceptTokens = configuration.conceptTokens
        usesConcepts = configuration.model.usesConcepts
        separatesConcepts = configuration.separatesConcepts
        drawnConceptShare = configuration.drawnConceptShare
        decodesReduced = !isOfficial
    }
}
