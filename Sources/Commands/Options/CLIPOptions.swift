import ArgumentParser
import CLIP
import Concepts
import Datasets
import Files
import Foundation
import Images
import Torch

/// What weights were trained with that come without a configuration.
enum ActivationFlag: EnumerableFlag {
    case quickGelu, gelu

    static func help(for value: ActivationFlag) -> ArgumentHelp? {
        switch value {
        case .quickGelu: "Weights of --clip without a configuration were trained with QuickGELU."
        case .gelu: "Weights of --clip without a configuration were trained with GELU."
        }
    }

    var activation: CLIPConfiguration.Activation {
        switch self {
        case .quickGelu: .quickGELU
        case .gelu: .gelu
        }
    }
}

/// Which CLIP model.
struct CLIPModelOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "CLIP model: OpenAI's .pt file, a directory of open_clip, Hugging Face or 'concepts "
                + "train-clip', or open_clip's weights alone.", valueName: "path"))
    var clip: String?

    @Flag(exclusivity: .exclusive)
    var activation: ActivationFlag?

    @Option(
        help: ArgumentHelp(
            "merges.txt of CLIP's tokenizer; by default the one set up with the program.",
            valueName: "path"))
    var merges: String?

    /// The model, which must be named.
    func encoder(
        on device: Device, autocast: DType?, batchSize: Int = 64, workers: Int = 2, pixelLimit: Int
    ) throws -> CLIPEncoder {
        guard let clip else {
            throw ValidationError(
                "--clip is missing: name a CLIP model, or make a small one with "
                    + "'vicha concepts train-clip'")
        }
        return try CLIPEncoder(
            path: clip, activation: activation?.activation, merges: Resources.merges(merges),
            device: device, autocast: autocast, batchSize: batchSize, workers: workers,
            pixelLimit: pixelLimit)
    }
}

/// The CLIP model to embed with, and how.
struct CLIPOptions: ParsableArguments {
    @OptionGroup var model: CLIPModelOptions

    @Option(help: "Images or texts that are embedded at once.")
    var batchSize = 64

    @Option(help: "Threads that decode images.")
    var workers = 2

    @Option(help: "Images of more pixels are refused, since most such files are attacks.")
    var maxImagePixels = ImageDecoder.standardLimit

    @OptionGroup var device: DeviceOptions

    func validate() throws {
        guard ImageAcceptance.possibleLimits.contains(maxImagePixels) else {
            throw ValidationError(
                "--max-image-pixels must be between 1 and "
                    + "\(ImageAcceptance.possibleLimits.upperBound)")
        }
        guard batchSize > 0 else { throw ValidationError("--batch-size must be 1 or more") }
        guard workers > 0 else { throw ValidationError("--workers must be 1 or more") }
    }

    /// The model, which must be named.
    func encoder() throws -> CLIPEncoder {
        try model.encoder(
            on: device.resolved(), autocast: device.autocast, batchSize: batchSize,
            workers: workers, pixelLimit: maxImagePixels)
    }
}

/// How embeddings are computed and compared.
struct RoundingOptions: ParsableArguments {
    @Flag(help: "Compare in float16, as the official scripts do; float32 otherwise.")
    var officialRounding = false

    var rounding: ConceptRanking.Rounding { officialRounding ? .official : .full }
}

/// How a table is stored.
struct StorageOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Names of a file of the table: what is done again at most after a stop.",
            valueName: "count"))
    var shardSize = 4096

    func validate() throws {
        guard shardSize > 0 else { throw ValidationError("--shard-size must be 1 or more") }
    }

    /// The options of a table that shows its progress.
    func table(_ directory: String, names: Int, unit: String, title: String) -> TableOptions {
        var options = TableOptions(directory: directory)
        options.shardSize = shardSize
        let bar = CountingBar(unit: unit, title: title)
        options.progress = { bar.update($0, of: names, here: $1) }
        return options
    }
}
