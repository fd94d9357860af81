import ArgumentParser
import Torch

/// Where to compute, and how precisely.
struct DeviceOptions: ParsableArguments {
    enum Kind: String, ExpressibleByArgument, CaseIterable {
        case cpu
        case cuda
    }

    enum Precision: String, ExpressibleByArgument, CaseIterable {
        case fp32
        case bf16
    }

    @Option(help: "Where to compute; cuda where a GPU is found, otherwise cpu.")
    var device: Kind?

    @Option(help: "Precision of matrix products.")
    var precision = Precision.fp32

    @Option(help: "CPU threads of one operation; all cores by default.")
    var threads: Int?

    /// The device, which must exist.
    func resolved() throws -> Device {
        if let threads {
            guard threads > 0 else { throw ValidationError("--threads must be 1 or more") }
            ComputeThreads.set(threads)
        }
        let hasCUDA = Device.cudaCount > 0
        if device == .cuda, !hasCUDA {
            throw ValidationError(
                "no CUDA device was found; check the driver and install the full torch wheel, "
                    + "or use --device cpu")
        }
        return (device ?? (hasCUDA ? .cuda : .cpu)) == .cuda ? .cuda(0) : .cpu
    }

    var autocast: DType? { precision == .bf16 ? .bfloat16 : nil }
}
