import ArgumentParser
import Tasks
import Training

/// `vicha retrieval`
struct RetrievalGroup: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "retrieval",
        abstract: "Find images by texts and texts by images.",
        discussion: """
            EXAMPLES
              vicha retrieval train --config Retrieval_flickr.yaml --data-dir /data \\
                --data-json-dir /data/json --model output/base \\
                --output-dir output/flickr
              vicha retrieval evaluate --data-dir /data \\
                --data-json-dir /data/json --model output/flickr
            """,
        subcommands: [
            Train<RetrievalCommands>.self, Evaluate<RetrievalCommands>.self, IndexImages.self,
            SearchImages.self,
            MatchCaptions.self,
        ])
}

/// Training and evaluation of retrieval.
enum RetrievalCommands: TaskCommands, EvaluatedCommands {
    typealias Training = NoExtras<RetrievalTask>
    typealias Evaluation = RetrievalEvaluationExtras

    static let training = CommandConfiguration(
        commandName: "train",
        abstract: "Fine-tune a pretrained model for retrieval.",
        discussion: """
            Starts from a checkpoint of 'pretrain', evaluates on val_file and test_file after each \
            epoch, and keeps the best epoch by the mean recall on val_file as \
            checkpoint_best.safetensors. Logs are those of 'pretrain'.

            EXAMPLES
              vicha retrieval train --config Retrieval_flickr.yaml --data-dir /data \\
                --data-json-dir /data/json --model output/base \\
                --output-dir output/flickr --device cuda --precision bf16
              vicha retrieval train --config configs/scenes/retrieval.yaml \\
                --data-dir output/demo/scenes --data-json-dir output/demo/annotations \\
                --model output/demo/pretrain \\
                --output-dir output/retrieval
            """)

    static let evaluation = CommandConfiguration(
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
              vicha retrieval evaluate --data-dir /data \\
                --data-json-dir /data/json --model output/coco
              vicha retrieval evaluate --data-dir output/demo/scenes --data-json-dir output/demo/annotations \\
                --model output/retrieval \\
                --set test_file=retrieval_unseen.json
              vicha retrieval evaluate --data-dir /data \\
                --data-json-dir /data/json --model output/coco \\
                --device cuda --processes 4
            """)
}

/// Processes that share the work.
struct RetrievalEvaluationExtras: EvaluationExtras {
    typealias Task = RetrievalTask

    @OptionGroup var processes: ProcessOptions

    func start() throws -> WorkingProcesses { try processes.start() }
}
