import ArgumentParser
import Foundation
import Scenes
import Synchronization
import Training

/// `vicha scenes`
struct MakeScenes: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "scenes",
        abstract: "Make a data set of captioned scenes for every task.",
        discussion: """
            Draws images of simple objects and writes annotation files in the official form, with \
            ground truth: pretraining, retrieval, VQA, entailment, NLVR2 and referring expressions. \
            The same options give the same files on any number of threads. The directory appears \
            when it is complete; if it is there already, nothing is done.

            EXAMPLES
              vicha scenes data/scenes
              vicha scenes data/scenes --images 20000 --size 256 --seed 1
              vicha scenes data/scenes --concepts generator
            """)

    /// Where concepts come from.
    enum ConceptSource: String, ExpressibleByArgument, CaseIterable {
        /// From what the generator knows, with mistakes.
        case generator
        /// Records have no `kwords`.
        case none
    }

    @Argument(help: "Directory to make.")
    var directory: String

    @Option(help: "Images in all splits together.")
    var images = 4000

    @Option(help: "Side of the images in pixels.")
    var size = 128

    @Option(help: "Seed of all random choices.")
    var seed: UInt64 = 0

    @Option(
        help: ArgumentHelp(
            "Where the visual concepts (kwords) of the records come from: the generator's own nouns "
                + "with some left out and some wrong, or none."))
    var concepts = ConceptSource.none

    @Option(help: "Threads; all cores by default.")
    var workers = ProcessInfo.processInfo.activeProcessorCount

    func validate() throws {
        guard workers > 0 else { throw ValidationError("--workers must be 1 or more") }
    }

    func run() throws {
        let dataset = SceneDataset(
            .init(
                images: images, side: size, seed: seed, fillsConcepts: concepts == .generator),
            directory: directory)
        let display = Mutex(ProgressDisplay(total: images, unit: "images"))
        let result = try dataset.write(workers: workers) { done in
            display.withLock { $0.update(done, items: done, title: "scenes") }
        }
        print(result.isNew ? "made \(directory)" : "\(directory) is there already")
        print(result.summary)
        if concepts == .generator {
            print(
                "The concepts come from the generator, not from CLIP: they know the truth in part.")
        }
    }
}
