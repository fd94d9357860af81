import ArgumentParser
import Configuration
import Files
import Foundation
import Tasks
import Torch
import Training

/// The commands of a task whose models are evaluated on annotation files.
protocol EvaluatedCommands {
    /// What only its evaluation takes.
    associatedtype Evaluation: EvaluationExtras

    /// Name, abstract and examples of its evaluation.
    static var evaluation: CommandConfiguration { get }
}

/// What only the evaluation of one task takes.
protocol EvaluationExtras: TaskExtras where Task: EvaluatedTask {
    /// Starts the processes that share the work.
    func start() throws -> WorkingProcesses

    /// Makes sure, before anything is read or computed, that results can be written.
    func check(_ command: EvaluationInputs) throws

    /// Files that a configuration names and no result may replace.
    func inputs(of configuration: Task.Configuration) -> [String]

    /// Evaluates, and writes what is no report.
    func evaluate(_ trained: TrainedModel<Task>, _ source: TaskSource, _ run: EvaluationRun) throws
        -> EvaluationReport
}

extension EvaluationExtras {
    func start() throws -> WorkingProcesses { try WorkingProcesses(count: 1) }
    func check(_ command: EvaluationInputs) throws {}
    func inputs(of configuration: Task.Configuration) -> [String] { [] }

    func evaluate(_ trained: TrainedModel<Task>, _ source: TaskSource, _ run: EvaluationRun) throws
        -> EvaluationReport
    { try Task.report(on: trained, source, run) }
}

extension NoExtras: EvaluationExtras where Task: EvaluatedTask {}

/// Files that an evaluation reads, and a page that it writes.
struct EvaluationInputs {
    var files: [String]
    let page: String?
}

/// `vicha … evaluate`, of every task.
struct Evaluate<Commands: EvaluatedCommands>: ParsableCommand {
    typealias Task = Commands.Evaluation.Task

    static var configuration: CommandConfiguration { Commands.evaluation }

    @OptionGroup var trained: TrainedModelOptions
    @OptionGroup var data: DataOptions

    @Option(help: "Threads that prepare images.")
    var workers = 2

    @Option(name: [.long, .customLong("output_dir")], help: "Directory for log.txt.")
    var outputDir: String?

    @OptionGroup var page: PageOptions
    @OptionGroup var extras: Commands.Evaluation

    func validate() throws {
        guard workers > 0 else { throw ValidationError("--workers must be 1 or more") }
    }

    func run() throws {
        let directory = try trained.directory()
        var inputs = EvaluationInputs(
            files: [
                trained.config ?? directory.configurationFile, directory.weights,
                trained.model.vocabulary,
            ].compactMap(\.self), page: page.html)
        try extras.check(inputs)
        let configuration = try trained.configuration(extras)
        inputs.files += extras.inputs(of: configuration).map(data.file)
        try extras.check(inputs)
        let processes = try extras.start()
        let compute = ComputeOptions(
            device: try trained.model.device.resolved(processes),
            autocast: trained.model.device.autocast, workers: workers)
        let model: TrainedModel<Task> = try trained.open(configuration, compute)
        var run = EvaluationRun(
            compute: compute, examples: page.html == nil ? nil : page.examples)
        run.processes = processes.group
        let report = try extras.evaluate(model, data.source(model.tokenizer), run)
        if processes.isFirst {
            for line in report.lines { print(line) }
            try EvaluationLog.append(report.results, to: outputDir)
            try page.write { report.page }
        }
        processes.finish()
    }
}
