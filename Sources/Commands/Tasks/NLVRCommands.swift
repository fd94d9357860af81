import ArgumentParser
import Tasks
import Training

/// `vicha nlvr`
struct NLVRGroup: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "nlvr",
        abstract: "Say whether a sentence is true of two images (NLVR2).",
        discussion: """
            EXAMPLES
              vicha nlvr assign --config NLVR_pretrain.yaml --data-dir /data --data-json-dir /data/json \\
                --model output/base --output-dir output/assigned
              vicha nlvr train --config NLVR.yaml --data-dir /data --data-json-dir /data/json \\
                --model output/assigned --output-dir output/nlvr
              vicha nlvr evaluate --data-dir /data --data-json-dir /data/json \\
                --model output/nlvr
            """,
        subcommands: [
            Train<AssignmentCommands>.self, Train<NLVRCommands>.self, Evaluate<NLVRCommands>.self,
        ])
}

/// Training and evaluation of sentences about two images.
enum NLVRCommands: TaskCommands, EvaluatedCommands {
    typealias Training = NoExtras<ImagePairTask>
    typealias Evaluation = NoExtras<ImagePairTask>

    static let training = CommandConfiguration(
        commandName: "train",
        abstract: "Fine-tune a model for sentences about two images.",
        discussion: """
            Starts from a checkpoint of 'nlvr assign', or of 'pretrain', whose fusion layers are then \
            doubled. Evaluates on val_file and test_file after each epoch, and keeps the best epoch by \
            the accuracy on val_file as checkpoint_best.safetensors. Logs are those of 'pretrain'.

            EXAMPLES
              vicha nlvr train --config NLVR.yaml --data-dir /data --data-json-dir /data/json \\
                --model output/assigned --output-dir output/nlvr \\
                --device cuda --precision bf16
              vicha nlvr train --config configs/scenes/nlvr.yaml --data-dir output/scenes \\
                --data-json-dir output/scenes \\
                --model output/assigned --output-dir output/nlvr
            """)

    static let evaluation = CommandConfiguration(
        commandName: "evaluate",
        abstract: "Measure how often a model judges sentences about two images rightly.",
        discussion: """
            Prints the accuracy on val_file and test_file beside that of always giving the commonest \
            answer, the share of sentences that are judged rightly for all of their pairs \
            (consistency), and what is taken for what. With --output-dir the accuracy is also written \
            to log.txt in the official form.

            EXAMPLES
              vicha nlvr evaluate --data-dir /data --data-json-dir /data/json \\
                --model output/nlvr
              vicha nlvr evaluate --data-dir output/scenes \\
                --data-json-dir output/scenes \\
                --model output/nlvr
            """)
}

/// `vicha nlvr assign`
enum AssignmentCommands: TaskCommands {
    typealias Training = NoExtras<TextAssignmentTask>

    static let training = CommandConfiguration(
        commandName: "assign",
        abstract: "Let a pretrained model learn to look at two images, before NLVR2.",
        discussion: """
            Text assignment: of two images and a caption the model says which image the caption belongs \
            to, or neither. Starts from a checkpoint of 'pretrain', whose fusion layers are doubled, and \
            trains on the data of pretraining. 'nlvr train' goes on from the result.

            EXAMPLES
              vicha nlvr assign --config NLVR_pretrain.yaml --data-dir /data --data-json-dir /data/json \\
                --model output/base --output-dir output/assigned \\
                --device cuda --precision bf16
              vicha nlvr assign --config configs/scenes/assign.yaml --data-dir output/scenes \\
                --data-json-dir output/scenes \\
                --model output/pretrain --output-dir output/assigned
            """)
}
