import ArgumentParser
import Foundation
import Training

/// What every command takes that trains.
struct RunDirectoryOptions: ParsableArguments {
    @Option(
        name: [.long, .customLong("output_dir")],
        help: "Directory for checkpoints and logs, which belongs to one run.")
    var outputDir: String

    @Flag(
        help: ArgumentHelp(
            "Go on with the run in the output directory from its last checkpoint, or the one before it "
                + "where that is damaged."))
    var resume = false

    @Flag(help: "Replace the run that is in the output directory.")
    var overwrite = false

    @Option(
        help: ArgumentHelp(
            "Time between two saves of checkpoint_last within an epoch; the one before is kept as "
                + "checkpoint_previous.", valueName: "minutes"))
    var saveEvery = 15.0

    @Option(
        help: ArgumentHelp(
            "Share of the records whose images may be missing or broken. Each is replaced by another "
                + "record and said once; where there are more, the run ends and lists them in "
                + "unreadable_images.txt.", valueName: "share"))
    var mostUnreadable = 0.5

    @Option(help: "Seed of all random choices.")
    var seed: UInt64 = 42

    @Option(help: "Stop after this many steps.")
    var maxSteps: Int?

    func validate() throws {
        guard !(resume && overwrite) else {
            throw ValidationError("--resume and --overwrite exclude each other")
        }
        guard saveEvery >= 0, saveEvery.isFinite else {
            throw ValidationError("--save-every must be a number of minutes, 0 or more")
        }
        guard (0...1).contains(mostUnreadable) else {
            throw ValidationError("--most-unreadable must be a share between 0 and 1")
        }
        guard (maxSteps ?? 1) > 0 else { throw ValidationError("--max-steps must be 1 or more") }
    }

    /// The trainer's options; the directory belongs to this process from here on.
    ///
    /// - Parameter isContinued: whether the run that goes on is the one in the directory, and not one that
    ///   was saved elsewhere
    func options(isContinued: Bool = true) throws -> TrainingOptions {
        var options = TrainingOptions(
            directory: try RunDirectory(
                outputDir, resume && isContinued ? .resuming : overwrite ? .overwriting : .new))
        options.seed = seed
        options.maxSteps = maxSteps
        options.saveInterval = 60 * saveEvery
        options.mostUnreadable = mostUnreadable
        return options
    }
}
