import Configuration
import Reports
import Torch
import Training

/// A task whose models are evaluated on annotation files.
public protocol EvaluatedTask: ModelTask {
    /// Evaluates a model on every set that its configuration names.
    ///
    /// - Parameters:
    ///   - trained: what is evaluated
    ///   - source: where files lie
    ///   - options: how it is done
    static func report(
        on trained: TrainedModel<Self>, _ source: TaskSource, _ options: EvaluationRun
    ) throws -> EvaluationReport
}

extension EvaluatedTask {
    /// A report of the validation and the test set.
    ///
    /// - Parameters:
    ///   - title: of the report
    ///   - trained: what is evaluated
    ///   - source: where files lie
    ///   - add: adds what one set, under this name, gives
    /// - Throws: `ConfigurationKeyError` where the configuration names no set
    static func report<Set>(
        _ title: String, on trained: TrainedModel<Self>, _ source: TaskSource,
        _ add: (String, Set, inout EvaluationReport) throws -> Void
    ) throws -> EvaluationReport where Evaluated == EvaluationSets<Set> {
        guard let sets = try evaluated(trained.configuration, trained.model, source)?.named else {
            throw ConfigurationKeyError(
                key: "test_file", expected: "an annotation file, here or as val_file")
        }
        var report = EvaluationReport(title: title)
        for (name, set) in sets { try add(name, set, &report) }
        return report
    }
}

/// How a model is evaluated.
public struct EvaluationRun: Sendable {
    /// Where the model computes.
    public var compute: ComputeOptions
    /// Examples on a page to look at; nil where no page is wanted.
    public var examples: Int?
    /// Processes that share the work; nil for this one alone.
    public var processes: ProcessGroup?

    /// Without a page.
    public init(compute: ComputeOptions = .init(), examples: Int? = nil) {
        self.compute = compute
        self.examples = examples
    }

    /// Numbers of the examples among so many, at even distances; none where no page is wanted.
    public func chosen(of count: Int) -> [Int] { (0..<count).evenly(examples ?? 0) }
}

/// What an evaluation found.
public struct EvaluationReport {
    /// For people, line by line.
    public var lines: [String] = []
    /// What `log.txt` gets, by the official names.
    public var results: [(name: String, value: Double)] = []
    /// A page to look at.
    public var page: Page

    /// Nothing yet.
    public init(title: String) { page = Page(title: title, body: "") }
}
