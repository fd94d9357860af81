// swift-format-ignore-file: AllPublicDeclarationsHaveDocumentation

// A key's documentation is a part of its declaration.
import Configuration
import Training
import ViCHA

/// Everything that a configuration file of grounding says.
public struct GroundingConfiguration: FineTuningConfiguration {
    /// Where heat maps come from.
    public enum HeatMode: String, KeyValue, CaseIterable {
        /// The matching score and the cross-attention of a fusion layer.
        case itm
        /// The contrastive similarity and the class token's attention in a block of the image
        /// encoder.
        case itc
    }

    public static let title: String? = "Grounding"

    public var settings = TrainingSettings.fineTuning
    public var fineTuning = FineTuningSettings()
    @Key("test_file", .files, "annotation files of the evaluation") public var testFiles: [String] =
        []
    @Key("det_file", .fileName, "the detector's boxes")
    public var detectionFile = "refcoco+/dets.json"
    @Key("batch_size", "pairs of a step, on each device, and phrases of an evaluation at a time")
    public var batchSize = 16
    // The mode and the block are arguments of the official script.
    @Key(
        "gradcam_mode",
        "where heat maps come from: itm (matching score, fusion layer) or itc (similarity, image encoder)"
    ) public var heatMode = HeatMode.itm
    @Key("block_num", "the layer or block, counted from 0 among all of its encoder")
    public var block = 8

    /// The official values.
    public init() {}

    /// The attention that heat maps come from.
    public var attention: HeatMapper.Attention {
        switch heatMode {
        case .itm: .matching(layer: block)
        case .itc: .contrastive(block: block)
        }
    }

    /// - Throws: ``ConfigurationKeyError`` naming the first value that cannot be trained with.
    public func validateTogether() throws {
        try settings.model.validate(for: .retrieval)
        try validateNegatives($batchSize)
    }
}
