import Training

/// What a model is evaluated on after each epoch.
public struct EvaluationSets<Set> {
    /// What the best checkpoint is chosen by.
    public var validation: Set?
    /// What is reported beside it.
    public var test: Set?

    /// Sets that are there or not.
    public init(validation: Set?, test: Set?) {
        self.validation = validation
        self.test = test
    }

    /// The sets that there are, under the beginnings that their results have in the logs.
    public var named: [(name: String, set: Set)] {
        [("val", validation), ("test", test)].compactMap { name, set in set.map { (name, $0) } }
    }

    /// nil where there is none.
    var orNil: EvaluationSets? { named.isEmpty ? nil : self }

    /// The results of all sets under the official names; the first set's score counts.
    func evaluated(
        _ evaluate: (Set) throws -> (results: [(name: String, value: Double)], score: Double)
    ) rethrows -> EpochEvaluation? {
        var results: [(name: String, value: Double)] = []
        var score: Double?
        for (name, set) in named {
            let found = try evaluate(set)
            results += found.results.map { ("\(name)_\($0.name)", $0.value) }
            score = score ?? found.score
        }
        return score.map { EpochEvaluation(results: results, score: $0) }
    }
}
