import Datasets
import Images

extension PretrainingOptions {
    /// How a configuration wants records to become inputs; `compatibility` decides whether overflows
    /// of the official augmentation are kept and whether large JPEGs are decoded whole.
    public init(_ configuration: PretrainingConfiguration) {
        let isOfficial = configuration.model.compatibility == .official
        self.init(
            transform: .training(
                crop: RandomResizedCrop(
                    side: configuration.model.vision.imageSize,
                    scale: configuration.augmentation.cropScale...1),
                flips: configuration.augmentation.flips,
                augmentation: configuration.augmentation.usesRandAugment
                    ? RandAugment(keepsOverflows: isOfficial) : nil))
        captionTokens = configuration.captionTokens
        conceptTokens = configuration.conceptTokens
        usesConcepts = configuration.model.usesConcepts
        separatesConcepts = configuration.separatesConcepts
        drawnConceptShare = configuration.drawnConceptShare
        decodesReduced = !isOfficial
    }
}

extension EvaluationOptions {
    /// How a configuration wants the records of an evaluation.
    public init(_ configuration: PretrainingConfiguration) {
        self.init(side: configuration.model.vision.imageSize)
        textTokens = configuration.captionTokens
        conceptTokens = configuration.model.usesConcepts ? configuration.conceptTokens : nil
        separatesConcepts = configuration.separatesConcepts
        decodesReduced = configuration.model.compatibility == .corrected
    }
}
