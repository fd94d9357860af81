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

    static let deviceHelp: ArgumentHelp =
        "Where to compute; cuda where a GPU is found, otherwise cpu."

    @Option(help: Self.deviceHelp)
    var device: Kind?

    @Option(help: "Precision of matrix products.")
    var precision = Precision.fp32

    @Option(help: "CPU threads of one operation; all cores by default.")
    var threads: Int?

    func validate() throws {
        guard (threads ?? 1) > 0 else { throw ValidationError("--threads must be 1 or more") }
    }

    /// The device, which must exist. Of several processes each gets a GPU, or its part of the cores.
    func resolved(_ processes: WorkingProcesses? = nil) throws -> Device {
        let number = processes?.localRank ?? 0
        let count = processes?.group?.size ?? 1
        if threads != nil || count > 1 {
            ComputeThreads.set(threads ?? max(1, ComputeThreads.count / count))
        }
        return try Self.device(device, process: number)
    }

    /// The device of a process, which must exist.
    static func device(_ kind: Kind?, process number: Int = 0) throws -> Device {
        let hasCUDA = Device.cudaCount > 0
        if kind == .cuda, !hasCUDA {
            throw ValidationError(
                "no CUDA device was found; check the driver and install the full torch wheel, "
                    + "or use --device cpu")
        }
        guard (kind ?? (hasCUDA ? .cuda : .cpu)) == .cuda else { return .cpu }
        guard number < Device.cudaCount else {
            throw ValidationError(
                "process \(number) has no CUDA device of its own, there are \(Device.cudaCount); "
                    + "use as many processes, or --device cpu")
        }
        return .cuda(number)
    }

    /// The same options for another command.
    var arguments: [String] {
        (device.map { ["--device", $0.rawValue] } ?? [])
            + (precision == .fp32 ? [] : ["--precision", precision.rawValue])
            + (threads.map { ["--threads", "\($0)"] } ?? [])
    }

    var autocast: DType? { precision == .bf16 ? .bfloat16 : nil }
}
