import Configuration
import Foundation
import Steps
import Tasks
import Training

/// A downstream task of the demo.
enum DemoTask: String, CaseIterable {
    case retrieval
    case vqa
    case entailment
    case nlvr
    case grounding
}

/// What the demo does, as commands that a user could type.
struct DemoPlan {
    /// Minutes on two cores that the sizes below are made for.
    static let minutes = 10.0
    /// The most frequent nouns that make the vocabulary. Rarer ones are synonyms that the small CLIP
    /// hardly sees.
    private static let vocabularySize = 40
    /// Concepts of an image; few, since a scene shows few things.
    static let conceptsOfImage = 4
    /// Share of the captions of an image that filtering keeps.
    private static let keptCaptions = 0.75
    /// More images than this do not make a short run better.
    private static let mostImages = 8000.0
    /// Candidates that the matching head ranks anew.
    private static let candidates = 16
    /// Configuration of pretraining, which says the batch size and the passes of ten minutes.
    private static let pretrainingFile = "configs/scenes/pretrain.yaml"

    /// Where everything goes.
    let directory: String
    let tasks: [DemoTask]
    let seed: UInt64
    /// Where to compute, as arguments of every command that does.
    let device: [String]
    /// Scenes in all.
    let images: Int
    /// How often more is trained than ``images`` alone bring about.
    private let passes: Int
    private let pretraining: PretrainingConfiguration

    /// Scales the demo to about so many minutes on two cores: up to twenty by the number of images,
    /// beyond that by passes over them.
    ///
    /// - Throws: ``ConfigurationError``
    init(
        directory: String, tasks: [DemoTask], minutes: Double, seed: UInt64, device: [String]
    ) throws {
        self.directory = directory
        self.tasks = tasks
        self.seed = seed
        self.device = device
        let share = minutes / Self.minutes
        images = Int(max(80, min(Self.mostImages, 4000 * share)))
        passes = max(1, Int((4000 * share / Self.mostImages).rounded()))
        pretraining = try ConfigurationFile.load(
            PretrainingConfiguration.self, Self.pretrainingFile
        ).configuration
    }

    /// A path below the demo's directory.
    func path(_ name: String) -> String { (directory as NSString).appendingPathComponent(name) }

    /// The weights that tasks start from.
    var pretrained: String { path("pretrain/checkpoint_last.safetensors") }
    /// Images and their truth.
    var scenes: String { path("scenes") }
    /// Annotation files with concepts.
    var annotations: String { path("annotations") }

    /// All steps in their order.
    var steps: [Step] {
        [
            makeScenes, trainCLIP, findConcepts, attachConcepts, filterCaptions, pretrain,
            findUntuned,
        ]
            + tasks.map(step)
    }

    // MARK: Data and concepts

    /// Annotation files that get concepts, the first of which is for pretraining.
    private var files: [String] {
        let splits = ["train", "val", "test", "unseen"]
        let names =
            ["pretrain"] + splits.map { "retrieval_\($0)" } + splits.map { "vqa_\($0)" } + ["vg_qa"]
            + ["train", "dev", "test", "unseen"].flatMap { ["ve_\($0)", "nlvr_\($0)"] }
            + ["train", "val", "test"].map { "refcoco+_\($0)" }
        return names.map { "\(scenes)/\($0).json" }
    }

    /// What belongs beside the annotation files.
    private var companions: [String] {
        ["refcoco+", "answer_list.json", "vqa_test_annotations.json"].map { "\(scenes)/\($0)" }
    }

    private var makeScenes: Step {
        Step(
            name: "scenes", title: "draw scenes with captions, questions and boxes",
            directory: scenes,
            commands: [
                .init(arguments: ["scenes", scenes, "--images", "\(images)", "--seed", "\(seed)"])
            ], inputs: [], outputs: [scenes + "/dataset.json"])
    }

    private var trainCLIP: Step {
        let config = "configs/scenes/clip.yaml"
        return Step(
            name: "clip", title: "train a small CLIP", directory: path("clip"),
            commands: [
                .init(
                    arguments: [
                        "concepts", "train-clip", "--config", config, "--data-dir", scenes,
                        "--data-json-dir", scenes, "--output-dir", path("clip"), "--seed",
                        "\(seed)",
                    ] + device, run: path("clip"))
            ], inputs: [config, files[0]],
            outputs: [path("clip/checkpoint_last.safetensors")])
    }

    private var findConcepts: Step {
        let (vocabulary, clip) = (path("concepts/concepts.json"), ["--clip", path("clip")])
        return Step(
            name: "concepts", title: "mine the nouns of the captions, embed them and the images",
            directory: path("concepts"),
            commands: [
                [
                    "concepts", "extract", files[0], "--max-concepts", "\(Self.vocabularySize)",
                    "--output-dir", path("concepts"),
                ],
                ["concepts", "embed-text", vocabulary, "--output-dir", path("concepts/text")]
                    + clip + device,
                ["concepts", "embed-images"] + files + [
                    "--image-extension", ".jpg", "--data-dir", scenes, "--output-dir",
                    path("concepts/images"),
                ] + clip + device,
            ].enumerated().map { .init(arguments: $1, keepsResults: $0 == 0) },
            inputs: files + [path("clip/checkpoint_last.safetensors")],
            outputs: [vocabulary, path("concepts/text"), path("concepts/images")])
    }

    private var attachConcepts: Step {
        Step(
            name: "annotations", title: "give each image its nearest concepts",
            directory: annotations,
            commands: [
                .init(
                    arguments: ["concepts", "attach"] + files + [
                        "--concepts", path("concepts/text"), "--images", path("concepts/images"),
                        "--top", "\(Self.conceptsOfImage)", "--output-dir", annotations, "--copy",
                    ] + companions, keepsResults: true)
            ], inputs: files + companions + [path("concepts/text"), path("concepts/images")],
            outputs: [annotations + "/pretrain.json"])
    }

    private var filterCaptions: Step {
        let file = annotations + "/pretrain.json"
        return Step(
            name: "filtered", title: "keep the captions that fit their images best",
            directory: path("filtered"),
            commands: [
                [
                    "concepts", "embed-text", file, "--clip", path("clip"), "--output-dir",
                    path("filtered/captions"),
                ] + device,
                [
                    "filter", "per-image", file, "--share", "\(Self.keptCaptions)", "--images",
                    path("concepts/images"), "--captions", path("filtered/captions"),
                    "--output-dir", path("filtered"),
                ],
            ].enumerated().map { .init(arguments: $1, keepsResults: $0 == 1) },
            inputs: [file, path("concepts/images"), path("clip/checkpoint_last.safetensors")],
            outputs: [path("filtered/pretrain.json")])
    }

    // MARK: Training

    private var pretrain: Step {
        // Filtering makes a record of each caption; a pass is still one look at each image.
        let steps = max(1, images * 8 / 10 / pretraining.batchSize)
        let epochs = pretraining.settings.schedule.epochs * passes
        return Step(
            name: "pretrain", title: "pretrain", directory: path("pretrain"),
            commands: [
                .init(
                    arguments: [
                        "pretrain", "--config", Self.pretrainingFile, "--data-dir", scenes,
                        "--data-json-dir",
                        path("filtered"), "--vocabulary", scenes + "/vocab.txt", "--output-dir",
                        path("pretrain"), "--seed", "\(seed)", "--steps-per-epoch",
                        "\(steps)", "--set", "schedular.epochs=\(epochs)",
                    ] + device, run: path("pretrain"))
            ],
            inputs: [
                Self.pretrainingFile, path("filtered/pretrain.json"), scenes + "/vocab.txt",
            ],
            outputs: [pretrained])
    }

    /// Retrieval with the pretrained model as it is.
    private var findUntuned: Step {
        let directory = path("zero-shot")
        return Step(
            name: "zero-shot", title: "find images by captions without fine-tuning",
            directory: directory,
            commands: evaluations(
                "retrieval", checkpoint: pretrained, directory,
                [("test", "retrieval_test.json"), ("unseen", "retrieval_unseen.json")].map {
                    ($0, ["test_file=\($1)", "val_file=null", "dual_metrics=True"], [])
                }),
            inputs: [
                pretrained, configuration("retrieval"), annotations + "/retrieval_test.json",
                annotations + "/retrieval_unseen.json",
            ], outputs: [directory + "/test.html", directory + "/unseen.html"])
    }

    private func step(_ task: DemoTask) -> Step {
        switch task {
        case .retrieval:
            tuned(
                task, title: "fine-tune for retrieval", steps: 120, training: "retrieval_train",
                evaluated: [("test", "retrieval_test"), ("unseen", "retrieval_unseen")].map {
                    (
                        $0, ["test_file=\($1).json", "val_file=null", "k_test=\(Self.candidates)"],
                        []
                    )
                }, files: ["retrieval_test.json", "retrieval_unseen.json"])
        case .vqa:
            tuned(
                task, title: "fine-tune for questions", steps: 150, training: "vqa_train",
                evaluated: [
                    (
                        "test", ["val_file=null", "k_test=\(Self.candidates)"],
                        ["--annotations", annotations + "/vqa_test_annotations.json"]
                    )
                ], files: ["vqa_test.json", "vqa_test_annotations.json", "answer_list.json"])
        case .entailment:
            tuned(
                task, title: "fine-tune for entailment", steps: 150, training: "ve_train",
                evaluated: [("test", ["val_file=null"], [])], files: ["ve_test.json"])
        case .nlvr:
            tuned(
                task, title: "fine-tune for sentences about two images", steps: 120,
                training: "nlvr_train", evaluated: [("test", ["val_file=null"], [])],
                files: ["nlvr_test.json"])
        case .grounding:
            tuned(
                task, title: "fine-tune for grounding", steps: 90, training: "refcoco+_train",
                before: [("before", [], [])], evaluated: [("test", [], [])],
                files: ["refcoco+_val.json", "refcoco+_test.json", "refcoco+"])
        }
    }

    /// Its name, values of the configuration, and more options.
    private typealias Evaluation = (name: String, values: [String], extra: [String])

    private func configuration(_ task: String) -> String { "configs/scenes/\(task).yaml" }

    /// Training in three short epochs without evaluations, then evaluations.
    ///
    /// - Parameters:
    ///   - task: the task
    ///   - title: for people
    ///   - steps: of training, for ten minutes in all
    ///   - training: annotation file
    ///   - before: an evaluation of the pretrained model
    ///   - evaluated: as in ``evaluations(_:checkpoint:_:_:)``
    ///   - files: what the evaluations read beside the model
    private func tuned(
        _ task: DemoTask, title: String, steps: Int, training: String,
        before: [Evaluation] = [], evaluated: [Evaluation], files: [String]
    ) -> Step {
        let (name, epochs) = (task.rawValue, 3)
        let directory = path(name)
        let checkpoint = directory + "/checkpoint_last.safetensors"
        let train =
            [name, "train", "--config", configuration(name)] + data + [
                "--checkpoint", pretrained, "--output-dir", directory, "--seed", "\(seed)",
                "--steps-per-epoch", "\(max(1, steps * images / 4000 / epochs))",
            ] + Self.values(Self.unevaluated(task) + ["schedular.epochs=\(epochs * passes)"])
            + device
        return Step(
            name: name, title: title, directory: directory,
            commands: evaluations(name, checkpoint: pretrained, directory, before)
                + [.init(arguments: train, run: directory)]
                + evaluations(name, checkpoint: checkpoint, directory, evaluated),
            inputs: [configuration(name), pretrained, scenes + "/vocab.txt"]
                + (["\(training).json"] + files).map { "\(annotations)/\($0)" },
            outputs: [checkpoint] + (before + evaluated).map { "\(directory)/\($0.name).html" })
    }

    private static func unevaluated(_ task: DemoTask) -> [String] {
        task == .grounding ? ["test_file=null"] : ["val_file=null", "test_file=null"]
    }

    private var data: [String] {
        [
            "--data-dir", scenes, "--data-json-dir", annotations, "--vocabulary",
            scenes + "/vocab.txt",
        ]
    }

    /// Evaluations, each of which writes a page and a directory with its log, named after it.
    private func evaluations(
        _ task: String, checkpoint: String, _ directory: String,
        _ evaluated: [Evaluation]
    ) -> [Step.Command] {
        evaluated.map { name, values, extra in
            .init(
                arguments: [task, "evaluate", "--config", configuration(task)] + data + [
                    "--checkpoint", checkpoint, "--output-dir", "\(directory)/\(name)", "--html",
                    "\(directory)/\(name).html", "--examples", task == "retrieval" ? "6" : "12",
                ] + extra + Self.values(values) + device)
        }
    }

    private static func values(_ pairs: [String]) -> [String] { pairs.flatMap { ["--set", $0] } }
}
