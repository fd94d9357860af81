import ArgumentParser
import Configuration
import Datasets
import Foundation
import Torch
import Training
import ViCHA

/// `vicha retrieval evaluate`
struct EvaluateRetrieval: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate",
        abstract: "Measure how well images and captions find each other.",
        discussion: """
            Computes features once, lets the matching head rank the best k_test candidates of each \
            query anew in both directions, and prints recall at 1, 5 and 10 for val_file and \
            test_file. A pretraining checkpoint is evaluated as it is, without fine-tuning. With \
            --set dual_metrics=True the features alone decide. With --output-dir the results are \
            also written to log.txt in the official form. Several processes share the images and \
            give the same result; those of several machines are started with the variables RANK, \
            WORLD_SIZE, LOCAL_RANK, MASTER_ADDR and MASTER_PORT.

            EXAMPLES
              vicha retrieval evaluate --config Retrieval_coco.yaml --data-dir /data \\
                --data-json-dir /data/json --checkpoint output/coco/checkpoint_best.safetensors
              vicha retrieval evaluate --config configs/scenes/retrieval.yaml \\
                --data-dir output/demo/scenes --data-json-dir output/demo/annotations \\
                --vocabulary output/demo/scenes/vocab.txt \\
                --checkpoint output/retrieval/checkpoint_best.safetensors \\
                --set test_file=retrieval_unseen.json
              vicha retrieval evaluate --config Retrieval_coco.yaml --data-dir /data \\
                --data-json-dir /data/json --checkpoint output/coco/checkpoint_best.safetensors \\
                --device cuda --processes 4
            """)

    @OptionGroup var model: ModelRunOptions

    @OptionGroup var evaluation: EvaluatedModelOptions
    @OptionGroup var page: PageOptions

    @OptionGroup var processes: ProcessOptions

    func run() throws {
        let configuration: RetrievalConfiguration = try model.configuration()
        let processes = try processes.start()
        let device = try model.model.device.resolved(processes)
        let run = try RetrievalRun(
            configuration, model, checkpoint: evaluation.checkpoint, isTrained: false,
            device: device)
        let sets = try run.evaluationSets()
        guard !sets.named.isEmpty else {
            throw ConfigurationKeyError(
                key: "test_file", expected: "an annotation file, here or as val_file")
        }
        var log: [(name: String, value: Double)] = []
        var body = ""
        for (name, set) in sets.named {
            let count = processes.group?.size ?? 1
            guard min(set.records.count, set.texts.count) >= count else {
                throw ValidationError(
                    "\(count) processes are more than the images or captions of \(name)_file")
            }
            var options = RetrievalSearch.Options(
                configuration, device: device, autocast: model.model.device.autocast,
                workers: model.workers)
            options.processes = processes.group
            options.showsProgress = processes.isFirst
            let measured = try RetrievalEvaluation(set, run.model.scorer, options)
            guard processes.isFirst else { continue }
            let part = RetrievalPage(
                set: set, evaluation: measured, candidates: options.candidates)
            print(part.title(name))
            print(textTable(part.rows, indent: "  "))
            let metrics = measured.matchingMetrics ?? measured.dualMetrics
            log += metrics.named.map { ("\(name)_\($0.name)", $0.value) }
            let chance = RetrievalMetrics(chanceFor: set.records.map(\.captions.count))
            for (kind, metrics) in [("dual", measured.dualMetrics), ("chance", chance)] {
                log += metrics.named.map { ("\(name)_\(kind)_\($0.name)", $0.value) }
            }
            if page.html != nil {
                body += try part.table(name) + part.queries(page.chosen(of: set.texts.count))
            }
        }
        if processes.isFirst {
            try EvaluationLog.append(log, to: evaluation.outputDir)
            try page.write { Page(title: "Captions and the images that fit best", body: body) }
        }
        processes.finish()
    }
}
