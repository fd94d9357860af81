// swift-format-ignore-file: AllPublicDeclarationsHaveDocumentation

// A key's documentation is a part of its declaration.
import Configuration
import Training
import ViCHA

/// Everything that a pretraining configuration file says.
public struct PretrainingConfiguration: TaskConfiguration {
    public static var keysOfOthers: Set<String> { OfficialKeys.all }
    public static let title: String? = "Pretraining"

    public var settings = TrainingSettings()
    @Key("batch_size", "pairs of a step, on each device") public var batchSize = 32

    /// The official values.
    public init() {}

    public static let fixedKeys = [
        FixedKey(
            "avoid_optim", .boolean(false),
            because: "going on with a run always takes its optimizer's state; start a new run with "
                + "--checkpoint for weights alone")
    ]

    /// - Throws: ``UnexpectedValue``
    public mutating func adjust(stated: Set<String>) throws {
        guard settings.model.selectsMissingModel else { return }
        throw UnexpectedValue(
            key: "model_mae",
            "expected False (the model with concepts has masked image modelling by mae alone)")
    }

    /// - Throws: ``ConfigurationKeyError`` naming the first value that cannot be trained with.
    public func validateTogether() throws {
        try settings.model.validate(for: .pretraining)
        try validateNegatives($batchSize)
    }
}
