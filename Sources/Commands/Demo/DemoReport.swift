import Concepts
import Configuration
import Datasets
import Files
import Foundation
import Images
import Reports
import Scenes
import Steps
import Tasks
import Torch
import Training
import ViCHA

/// The page that the demo ends with: what each step has found, put together from its files.
struct DemoReport {
    private static let shownConcepts = 8
    private static let shownFilterings = 5
    private static let shownRestorations = 6

    let plan: DemoPlan
    /// How each step of the plan went.
    let results: [StepRecord.Result]

    /// - Throws: ``PageError``, and what reading the files of the steps throws
    func page() throws -> Page {
        let parts = try [
            overview(), pretraining(), zeroShot(), plan.tasks.map(task).joined(), concepts(),
            filtering(), restorations(), steps(),
        ]
        return Page(title: "ViCHA on generated scenes", body: parts.joined(separator: "\n"))
    }

    /// The results beside what guessing reaches, to print.
    func summary() throws -> String {
        textTable(try measured().map { row in [row.name] + row.values.map { $0 ?? "–" } })
    }

    // MARK: Results

    /// Heads and rows of the overview.
    private func measured() throws -> [(name: String, values: [String?])] {
        func percent(_ value: Double?) -> String? {
            value.map { String(format: $0 < 1 ? "%.2f %%" : "%.1f %%", $0) }
        }
        var rows: [(name: String, values: [String?])] = [
            ("", ["fine-tuned", "before", "guessing"])
        ]
        let tests = try log("zero-shot/test")
        let unseen = try log("zero-shot/unseen")
        for (name, directory, before) in [
            ("test", "retrieval/test", tests), ("unseen combinations", "retrieval/unseen", unseen),
        ] {
            let after = plan.tasks.contains(.retrieval) ? try log(directory) : [:]
            let title = "captions that find their image first, \(name)"
            rows.append(
                (
                    title,
                    [
                        percent(after["test_dual_img_r1"]), percent(before["test_dual_img_r1"]),
                        percent(before["test_chance_img_r1"]),
                    ]
                ))
            if let matched = after["test_img_r1"] {
                rows.append(("… ranked anew by the matching head", [percent(matched), nil, nil]))
            }
        }
        for task in plan.tasks where task != .retrieval {
            let found = try log("\(task.rawValue)/test")
            switch task {
            case .retrieval: break
            case .vqa:
                rows.append(
                    (
                        "questions answered as people do",
                        [percent(found["test_acc"]), nil, percent(found["test_majority_acc"])]
                    ))
            case .entailment, .nlvr:
                let name =
                    task == .nlvr
                    ? "sentences about two images judged rightly"
                    : "entailment, neutral or contradiction (from the words alone: two thirds)"
                let shares = [found["test_acc"], nil, found["test_majority_acc"]]
                rows.append((name, shares.map { percent($0.map { 100 * $0 }) }))
            case .grounding:
                let before = try log("grounding/before")
                for split in GroundingEvaluation.splits {
                    let shares = [
                        found["\(split)_d"], before["\(split)_d"], found["\(split)_chance"],
                    ]
                    rows.append(
                        (
                            "phrases whose heat map picks the right box, \(split)",
                            shares.map { percent($0.map { 100 * $0 }) }
                        ))
                }
            }
        }
        return rows
    }

    /// What an evaluation logged.
    private func log(_ directory: String) throws -> [String: Double] {
        try EvaluationLog.last(in: plan.path(directory))
    }

    private func overview() throws -> String {
        let seconds = results.reduce(0) { $0 + $1.seconds }
        return """
            <p>From random weights, in \(Self.minutes(seconds)): a small CLIP mined visual concepts for \
            images that <code>vicha scenes</code> drew, a small model was pretrained on them, and the \
            same weights were then fine-tuned briefly for each task. Every number is of images that no \
            training saw; the unseen combinations are pairs of colour and shape that it never showed. \
            Guessing means the commonest answer, or a random image or box.</p>
            \(HTML.table(try measured().map { [$0.name] + $0.values.map { $0 ?? "" } }))
            <p>These are minutes where the paper takes days on four GPUs. <code>--minutes</code> sets the number \
            of images and of passes over them.</p>
            """
    }

    private func pretraining() throws -> String {
        "<h2>Pretraining</h2>\(try LossCurves(directory: plan.path("pretrain")).svg)"
    }

    private func zeroShot() throws -> String {
        """
        <h2>Retrieval without fine-tuning</h2>
        <p>By the cosine of the features. The image that a caption was written for has a green \
        frame. Captions are taken at even distances, not picked.</p>
        \(try part("zero-shot/test"))<h3>Unseen combinations of colour and shape</h3>
        \(try part("zero-shot/unseen"))
        """
    }

    private func task(_ task: DemoTask) throws -> String {
        let curves = try LossCurves(directory: plan.path(task.rawValue)).svg
        let test = try part("\(task.rawValue)/test")
        return switch task {
        case .retrieval:
            """
            <h2>Retrieval, fine-tuned</h2>\(curves)\(test)
            <h3>Unseen combinations of colour and shape</h3>\(try part("retrieval/unseen"))
            """
        case .vqa:
            """
            <h2>Questions about images</h2><p>The likeliest answers of the list with their \
            probabilities. Green bars: an answer that an annotator gave; some annotators are wrong on \
            purpose.</p>\(curves)\(test)
            """
        case .entailment:
            """
            <h2>Sentences about an image</h2><p>Whether the image entails the sentence, contradicts \
            it, or neither. The true class is green. Two thirds can be had from the words alone; the rest \
            needs the image.</p>\(curves)\(test)
            """
        case .nlvr:
            """
            <h2>Sentences about two images</h2><p>Whether the sentence is true of the pair. This \
            leaves guessing last: with text assignment and ten minutes of its own it does \
            (Documentation/nlvr.md).</p>\(curves)\(test)
            """
        case .grounding:
            """
            <h2>Grounding</h2><p>Where the model looks for a phrase, without ever having seen a box: \
            gradients of the similarity weigh the attention. Most phrases fit many images, so at this \
            size captions teach more than they do: the pretrained model can be better.</p>\(curves)\(test)
            """
        }
    }

    /// What an evaluation's page says.
    private func part(_ name: String) throws -> String {
        try Page(reading: plan.path(name) + ".html").body
    }

    // MARK: Data

    private func concepts() throws -> String {
        let tables = (
            images: try ShardedTable(path: plan.path("concepts/images")),
            concepts: try ShardedTable(path: plan.path("concepts/text"))
        )
        let records: [RetrievalRecord] = try AnnotationFile.load(
            files: [plan.annotations + "/retrieval_test.json"], requiresConcepts: true)
        let names = records.evenly(Self.shownConcepts).map(\.image)
        let paths = ImagePaths(dataDirectory: plan.scenes, absolutePaths: .shortened)
        let ranking = try ConceptRanking(
            concepts: tables.concepts.rows,
            count: min(DemoPlan.conceptsOfImage, tables.concepts.count),
            path: tables.concepts.path)
        let figures = try ranking.images(
            names.map(paths.resolve),
            rows: tables.images.rows(names.compactMap { tables.images.names.number(of: $0) }),
            names: tables.concepts.names
        ).map { try $0.figure() }
        return """
            <h2>Visual concepts</h2><p>Nouns of the training captions that are nearest to each image \
            by the cosine of the small CLIP's embeddings. The model gets their words with the image.</p>
            \(HTML.gallery(figures))
            """
    }

    private func filtering() throws -> String {
        let files = [plan.annotations, plan.path("filtered")].map { $0 + "/pretrain.json" }
        let (all, kept): ([PretrainingRecord], [PretrainingRecord]) = try (
            AnnotationFile.load(files: [files[0]], requiresConcepts: true),
            AnnotationFile.load(files: [files[1]], requiresConcepts: true)
        )
        let captions = kept.reduce(into: [ExactString: Set<ExactString>]()) {
            $0[ExactString($1.image), default: []].formUnion($1.captions.map { ExactString($0) })
        }
        let paths = ImagePaths(dataDirectory: plan.scenes, absolutePaths: .shortened)
        let figures = try all.evenly(Self.shownFilterings).map { record in
            let lines = record.captions.map { caption in
                let text = HTML.escaped(caption)
                return captions[ExactString(record.image)]?.contains(ExactString(caption)) == true
                    ? text : "<del>\(text)</del>"
            }
            return
                "<figure style='width:190px'>\(try HTML.image(.thumbnail(paths.resolve(record.image))))"
                + "<figcaption>\(lines.joined(separator: "<br>"))</figcaption></figure>"
        }
        let count = (
            all: all.reduce(0) { $0 + $1.captions.count },
            kept: kept.reduce(0) { $0 + $1.captions.count }
        )
        return """
            <h2>Filtered captions</h2><p>\(count.kept) of \(count.all) captions are pretrained on: those \
            of each image that fit it best by the small CLIP. The others are struck out.</p>
            \(HTML.gallery(figures))
            """
    }

    // MARK: Masked patches

    private func restorations() throws -> String {
        let configuration = try ConfigurationFile.load(
            PretrainingConfiguration.self, plan.path("pretrain/config.yaml"), overrides: []
        ).configuration
        let model = try PretrainingModel(configuration.settings.model)
        _ = try model.load(
            SafetensorsFile(path: plan.pretrained).tensors(),
            allowingUnexpected: TrainingCheckpoint.statePrefixes)
        let records: [RetrievalRecord] = try AnnotationFile.load(
            files: [plan.annotations + "/retrieval_test.json"], requiresConcepts: true)
        let paths = ImagePaths(dataDirectory: plan.scenes, absolutePaths: .shortened)
        let side = configuration.settings.model.vision.imageSize
        let originals = try records.evenly(Self.shownRestorations).map {
            try ImageDecoder.decode(path: paths.resolve($0.image)).resized(
                width: side, height: side)
        }
        let normalization = PixelNormalization.clip
        let images = Tensor(
            originals.flatMap { normalization($0) }, shape: [originals.count, 3, side, side])
        let mask = PatchMask(
            noise: .uniform(
                [originals.count, configuration.settings.model.vision.patchCount],
                generator: try Generator(seed: plan.seed)),
            ratio: configuration.settings.model.maskRatio)
        guard let shown = model.restoredImages(images, mask) else { return "" }
        func rows(_ tensor: Tensor) throws -> [RGBImage] {
            let values = try tensor.contiguous().array(of: Float.self)
            let count = 3 * side * side
            return originals.indices.map {
                normalization.image(
                    Array(values[$0 * count..<($0 + 1) * count]), width: side, height: side)
            }
        }
        let (masked, restored) = (try rows(shown.masked), try rows(shown.restored))
        let figures = try originals.indices.map {
            try Figure(images: [originals[$0], masked[$0], restored[$0]], caption: "").html()
        }
        return """
            <h2>Masked patches</h2><p>The image, what is left of it, and what the model makes of that. \
            Each restored patch has the mean and contrast of the removed one, since only what lies \
            between is predicted.</p>\(HTML.gallery(figures))
            """
    }

    // MARK: Steps

    private func steps() -> String {
        let steps = plan.steps
        let rows = zip(steps, results).map { step, result in
            [
                step.name, step.title, Self.minutes(result.seconds),
                String(format: "%.0f MB", Double(result.peakMemory) / 1e6),
            ]
        }
        let total = [
            "", "all", Self.minutes(results.reduce(0) { $0 + $1.seconds }),
            String(format: "%.0f MB", Double(results.map(\.peakMemory).max() ?? 0) / 1e6),
        ]
        let commands = steps.map { step in
            (["# \(step.title)"] + step.commands.map { StepRunner.line($0.arguments) })
                .map(HTML.escaped).joined(separator: "\n")
        }
        return """
            <h2>Steps</h2>
            \(HTML.table([["step", "", "time", "peak memory"]] + rows + [total], class: "words"))
            <p>Each can be done again by itself: <code>vicha demo --output-dir \
            \(HTML.escaped(plan.directory)) --rerun STEP</code>, or by its commands:</p>
            <pre>\(commands.joined(separator: "\n\n"))</pre>
            """
    }

    /// `m:ss`
    private static func minutes(_ seconds: Double) -> String {
        let whole = Int(seconds.rounded())
        return String(format: "%d:%02d min", whole / 60, whole % 60)
    }
}
