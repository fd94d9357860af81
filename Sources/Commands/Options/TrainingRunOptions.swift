import ArgumentParser
import Configuration
import Datasets
import Files
import Foundation
import Tasks
import Text
import Torch
import Training
import ViCHA

/// What every command takes that trains a model of a task.
struct TrainingRunOptions: ParsableArguments {
    @OptionGroup var directory: RunDirectoryOptions

    @OptionGroup(title: "Weights to start from, or with --resume the run to go on with")
    var weights: WeightOptions

    @Option(help: "Threads that prepare batches.")
    var workers = 2

    @Option(
        help:
            "Steps of an epoch at most; each epoch draws others of the records, and ends after them."
    )
    var stepsPerEpoch: Int?

    @Option(help: "Steps between two readings of the losses; 1 on a CPU, 20 on a GPU by default.")
    var logInterval: Int?

    func validate() throws {
        guard workers > 0 else { throw ValidationError("--workers must be 1 or more") }
        guard !(resume && weights.model != nil) else {
            throw ValidationError(
                "--resume goes on with the run in --output-dir, or with that of a file named with "
                    + "--checkpoint; it takes no --model")
        }
        guard (logInterval ?? 1) > 0 else {
            throw ValidationError("--log-interval must be 1 or more")
        }
        guard (stepsPerEpoch ?? 1) > 0 else {
            throw ValidationError("--steps-per-epoch must be 1 or more")
        }
    }

    /// Whether the run goes on with an earlier one.
    var resume: Bool { directory.resume }

    /// The trainer's options; the output directory belongs to this process from here on.
    func options(_ device: DeviceOptions) throws -> TrainingOptions {
        let checkpoint = try weights.directory()?.weights
        let isWithin = checkpoint.map { lies($0, in: directory.outputDir) }
        if directory.overwrite, let checkpoint, isWithin == true {
            throw ValidationError(
                "--overwrite would remove '\(checkpoint)', which the run starts from; name another "
                    + "--output-dir")
        }
        var options = try directory.options(isContinued: isWithin ?? true)
        options.device = try device.resolved()
        options.autocast = device.autocast
        options.workers = workers
        options.stepsPerEpoch = stepsPerEpoch
        options.logInterval = logInterval ?? (options.device == .cpu ? 1 : 20)
        return options
    }

    private func lies(_ file: String, in directory: String) -> Bool {
        file.resolvedPath.parentDirectory == directory.resolvedPath
    }

    /// The model to take weights from.
    ///
    /// - Parameter isNeeded: whether training cannot begin with random weights
    func startingWeights(isNeeded: Bool) throws -> ModelDirectory? {
        guard !resume else { return nil }
        let start = try weights.directory()
        guard start != nil || !isNeeded else {
            throw ValidationError(
                "--model is missing: name the output directory of a pretraining to start from, or "
                    + "weights with --checkpoint, or pass --resume")
        }
        return start
    }

    /// The run that goes on, nil for a new one.
    var resumed: ModelDirectory? {
        resume
            ? ModelDirectory(checkpoint: weights.checkpoint ?? directory.outputDir + "/checkpoint")
            : nil
    }
}
