import ArgumentParser
import Foundation
import Steps
import Tasks
import Training

/// `vicha demo`
struct Demo: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Walk the whole road on generated scenes, and show all results on a page.",
        discussion: """
            Draws scenes, trains a small CLIP, mines visual concepts, filters captions, pretrains, \
            and fine-tunes for each task from the same weights. Every step is a few commands of \
            this program, which are shown and can be typed as well. report.html has the results \
            beside what guessing reaches, examples to look at, and the time and memory of each \
            step; it refers to nothing outside itself.

            A step whose results are there and whose commands and inputs have not changed is left \
            out. Ctrl-C stops; the same command goes on. A step that is done anew replaces the files \
            that it made, and no others; where it was done with other options, --overwrite is asked for.

            EXAMPLES
              vicha demo --output-dir output/demo
              vicha demo --output-dir output/hour --minutes 60
              vicha demo --tasks retrieval grounding --rerun grounding
              vicha demo --device cuda --precision bf16 --output-dir output/gpu
            """)

    @Option(
        name: [.long, .customLong("output_dir")],
        help: "Directory for everything that the steps make.")
    var outputDir = "output/demo"

    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp(
            "Tasks to fine-tune for: \(DemoTask.allCases.map(\.rawValue).joined(separator: ", ")). "
                + "All by default.", valueName: "task"))
    var tasks: [DemoTask] = DemoTask.allCases

    @Option(
        help:
            "About how long all steps take on two cores; sets the number of scenes and of passes over them."
    )
    var minutes = DemoPlan.minutes

    @Option(
        parsing: .upToNextOption,
        help: ArgumentHelp(
            "Steps to do again though nothing has changed; those that use their results follow where "
                + "these differ.", valueName: "step"))
    var rerun: [String] = []

    @Flag(help: "Do steps anew that were done with other options, and what follows from them.")
    var overwrite = false

    @Option(help: "Seed of all random choices.")
    var seed: UInt64 = 42

    @OptionGroup var device: DeviceOptions

    func validate() throws {
        guard minutes > 0, minutes.isFinite else {
            throw ValidationError("--minutes must be more than 0")
        }
    }

    func run() throws {
        // Found out before the first step, not by the first one that computes.
        _ = try device.resolved()
        let plan = try DemoPlan(
            directory: outputDir, tasks: tasks, minutes: minutes, seed: seed,
            device: device.arguments)
        let stop = StopSignal()
        stop.watchSignals()
        let runner = StepRunner(
            directory: plan.path("steps"), rerun: Set(rerun), overwrites: overwrite, stop: stop)
        guard let results = try runner(plan.steps) else {
            note("stopped on request; the same command goes on")
            return
        }
        let report = DemoReport(plan: plan, results: results)
        let path = plan.path("report.html")
        try report.page().write(to: path)
        print(try report.summary())
        print("look at \(path)")
    }
}

extension DemoTask: ExpressibleByArgument {}
