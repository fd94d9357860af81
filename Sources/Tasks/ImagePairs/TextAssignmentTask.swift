import Batches
import Datasets
import Torch
import Training

/// Text assignment: what comes between pretraining and NLVR2 (Li et al. 2021, section 5), on the data of
/// pretraining.
public enum TextAssignmentTask: ModelTask {
    /// It has no momentum model.
    public typealias Model = TextAssignmentModel
    /// Everything that its files say.
    public typealias Configuration = TextAssignmentConfiguration

    /// What model directories call it.
    public static let name = "text assignment"

    /// The loss, for which other images are drawn.
    public static func losses(
        _ batch: ImageTextBatch, of run: TaskRun<TextAssignmentTask>, _ step: TrainingStep
    ) throws -> TrainingLosses {
        func uniform(_ shape: [Int]) -> Tensor {
            Tensor.uniform(shape, generator: step.draws).to(device: step.device)
        }
        let pairs = uniform([batch.count, batch.count])
        let loss = run.model.loss(
            batch.to(device: step.device), .drawn(pairs: pairs, texts: uniform([2, batch.count])),
            dropout: step.dropout)
        return TrainingLosses(loss)
    }
}
