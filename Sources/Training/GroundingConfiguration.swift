import ViCHA

/// Everything that a configuration file of grounding says.
public struct GroundingConfiguration: FineTuningConfiguration, Sendable, Equatable {
    /// Where heat maps come from.
    public enum HeatMode: String, Codable, Sendable, Equatable, CaseIterable {
        /// The matching score and the cross-attention of a fusion layer.
        case itm
        /// The contrastive similarity and the class token's attention in a block of the image
        /// encoder.
        case itc
    }

    /// What all tasks have in common.
    public var settings = TrainingSettings.fineTuning
    /// What downstream tasks have in common.
    public var fineTuning = FineTuningSettings()
    /// Annotation files of the evaluation.
    public var testFiles: [String] = []
    /// The detector's boxes.
    public var detectionFile = "refcoco+/dets.json"
    /// Pairs of a step, on each device, and phrases of an evaluation.
    public var batchSize = 16
    /// Where heat maps come from.
    public var heatMode = HeatMode.itm
    /// The layer or block that is looked at, counted from 0 among all of its encoder.
    public var block = 8

    /// The official values; the mode and the block are arguments of the official script.
    public init() {}

    /// The attention that heat maps come from.
    public var attention: HeatMapper.Attention {
        switch heatMode {
        case .itm: .matching(layer: block)
        case .itc: .contrastive(block: block)
        }
    }

    /// - Throws: ``ModelConfigurationError`` naming the first value that cannot be trained with.
    public func validate() throws {
        try settings.validate(for: .retrieval)
        try settings.validate(batchSize: batchSize, key: CodingKeys.batchSize.rawValue)
        try settings.validate(file: detectionFile, key: CodingKeys.detectionFile.rawValue)
        for file in testFiles {
            try settings.validate(file: file, key: CodingKeys.testFiles.rawValue)
        }
    }
}

extension GroundingConfiguration: Codable {
    /// Keys beside those of the settings.
    public enum CodingKeys: String, CodingKey, CaseIterable {
        case testFiles = "test_file"
        case detectionFile = "det_file"
        case batchSize = "batch_size"
        case heatMode = "gradcam_mode"
        case block = "block_num"
    }

    /// The official values, or those that a file states.
    public init(from decoder: any Decoder) throws {
        self.init()
        try settings.read(from: decoder)
        fineTuning = try FineTuningSettings(from: decoder)
        let keys = try decoder.container(keyedBy: CodingKeys.self)
        testFiles = try keys.fileNames(.testFiles) ?? testFiles
        try keys.read(.detectionFile, &detectionFile)
        try keys.read(.batchSize, &batchSize)
        try keys.readChoice(.heatMode, &heatMode)
        try keys.read(.block, &block)
    }

    /// Writes every value under its key of the configuration file.
    public func encode(to encoder: any Encoder) throws {
        try settings.encode(to: encoder)
        try fineTuning.encode(to: encoder)
        var keys = encoder.container(keyedBy: CodingKeys.self)
        try keys.encode(testFiles, forKey: .testFiles)
        try keys.encode(detectionFile, forKey: .detectionFile)
        try keys.encode(batchSize, forKey: .batchSize)
        try keys.encode(heatMode, forKey: .heatMode)
        try keys.encode(block, forKey: .block)
    }

    /// The keys of the file and of its sections.
    public static var knownKeys: [(section: String, keys: [String])] {
        TrainingSettings.knownKeys(
            beside: CodingKeys.allCases.map(\.rawValue)
                + FineTuningSettings.CodingKeys.allCases.map(\.rawValue))
    }
}
