// swift-format-ignore-file: AllPublicDeclarationsHaveDocumentation

// A key's documentation is a part of its declaration.
import CLIP
import Configuration
import Datasets
import Training

/// What a configuration file of `vicha concepts train-clip` says.
public struct CLIPTrainingConfiguration: KeyedConfiguration {
    public static let title: String? = "concepts train-clip"

    public var sizes = CLIPSizes()
    @Key("train_file", .someFiles, "annotation file or list of files below --data-json-dir")
    public var trainFiles: [String] = []
    @Key(
        "batch_size",
        Check("between 2, since negatives come from the batch, and \(TrainingSettings.mostAtATime)")
        {
            (2...TrainingSettings.mostAtATime).contains($0)
        }, "pairs of a step") public var batchSize = 128
    @Section("optimizer") public var optimizer = OptimizerConfiguration()
    @Section("schedular") public var schedule = LearningRateSchedule.Configuration()
    @Section("augmentation") public var augmentation = AugmentationConfiguration()
    @Section("images") public var images = ImageAcceptance()
    /// Concepts are embedded without a sentence around them, which a small model that only ever saw
    /// sentences does badly.
    @Key(
        "concept_share", 0...1, "share of texts that are one noun of a caption instead of all of it"
    )
    public var conceptShare = 0.0

    /// The sizes of ViT-B/16, without data.
    public init() {}

    /// Sizes of the model.
    public var model: CLIPConfiguration { sizes.configuration }

    /// - Throws: `CLIPError` for sizes that make no model.
    public func validateTogether() throws { try model.validate() }
}
