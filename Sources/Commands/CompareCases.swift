import ArgumentParser
import Foundation
import Parity

/// `vicha parity`
struct CompareCases: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "parity",
        abstract: "Compare this program with numbers recorded from the official implementation.",
        discussion: """
            Each folder with a case.json is one case. Prints one line a case: the quantity with the \
            largest error against its tolerance. Exits with 1 if a case fails.

            EXAMPLES
              vicha parity Tests/ParityTests/Fixtures
              vicha parity path/to/cases --only pretrain_tiny --verbose
              vicha parity path/to/cases --device cuda
            """)

    @Argument(help: "A case folder or a directory of them.")
    var directory: String

    @Option(help: "Run only cases whose name contains this.")
    var only: String?

    @Flag(help: "List every quantity that fails.")
    var verbose = false

    @Option(help: "BERT vocabulary, by default the one set up with the program.")
    var vocabulary: String?

    @Option(help: "Directory of the MiniLM weights, by default the one set up with the program.")
    var miniLM: String?

    @Option(help: "Merges of CLIP's tokenizer, by default those set up with the program.")
    var merges: String?

    @Option(help: DeviceOptions.deviceHelp)
    var device: DeviceOptions.Kind?

    func run() throws {
        let directory = miniLM ?? Resources.miniLM()
        let runner = ParityRunner(
            .init(
                vocabulary: vocabulary ?? directory.map { $0 + "/vocab.txt" }, miniLM: directory,
                merges: try Resources.merges(merges)),
            device: try DeviceOptions.device(device))
        var failed = 0
        var passed = 0
        var unsupported = 0
        for folder in try runner.folders(in: self.directory)
        where only.map(folder.lastPathComponent.contains) ?? true {
            let report = runner.run(folder)
            print(report)
            switch report.outcome {
            case .unsupported: unsupported += 1
            case _ where report.outcome.isAcceptable: passed += 1
            case .compared(let comparison):
                failed += 1
                if verbose {
                    for item in comparison.failures {
                        print(
                            "    \(item.quantity): error \(item.error), tolerance \(item.tolerance)"
                        )
                    }
                }
            case .failed: failed += 1
            }
        }
        print("\(passed) passed, \(failed) failed, \(unsupported) of kinds not supported yet")
        if failed > 0 { throw ExitCode(1) }
    }
}
