// swift-format-ignore-file: AllPublicDeclarationsHaveDocumentation

// A key's documentation is a part of its declaration.
import Configuration
import Training
import ViCHA

/// Everything that a configuration file of text assignment says.
public struct TextAssignmentConfiguration: TaskConfiguration {
    public static var keysOfOthers: Set<String> { OfficialKeys.all }
    public static let title: String? = "Text assignment"

    public var settings = TrainingSettings()
    @Key(
        "batch_size",
        Check(
            "between 3, since two other images come from the batch, and "
                + "\(TrainingSettings.mostAtATime)"
        ) { (3...TrainingSettings.mostAtATime).contains($0) }, "pairs of a step, on each device")
    public var batchSize = 32

    /// The official values.
    public init() {}

    /// - Throws: ``ConfigurationKeyError`` naming the first value that cannot be trained with.
    public func validateTogether() throws { try settings.model.validate(for: .reasoning) }
}
