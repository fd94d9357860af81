import Batches
import Datasets
import Text
import Torch
import Training
import ViCHA

/// Pretraining: all losses of ViCHA on image-caption pairs (ViCHA section 3).
public enum PretrainingTask: ModelTask {
    /// Everything that its files say.
    public typealias Configuration = PretrainingConfiguration

    /// What model directories call it.
    public static let name = "pretraining"

    /// The temperature.
    public static func limitParameters(of model: PretrainingModel) throws {
        try model.limitTemperature()
    }

    /// Features of earlier steps.
    public static func queue(of model: PretrainingModel) -> FeatureQueue? { model.queue }

    /// All losses; the momentum model's share of the targets rises over the first epoch.
    public static func losses(
        _ batch: ImageTextBatch, of run: TaskRun<PretrainingTask>, _ step: TrainingStep
    ) throws -> TrainingLosses {
        let settings = run.configuration.settings
        let draws = PretrainingDraws(
            for: batch, settings.model, special: SpecialTokens(run.dataset.tokenizer.special),
            generator: step.draws)
        let share = Double(step.iteration) / Double(step.iterationsPerEpoch)
        let losses = try run.model.losses(
            batch.to(device: step.device), draws.to(device: step.device),
            alpha: settings.alpha * (step.epoch > 0 ? 1 : min(1, share)), dropout: step.dropout)
        var parts = [("loss_mlm", losses.mlm), ("loss_ita", losses.ita), ("loss_itm", losses.itm)]
        if let mae = losses.mae { parts.append(("loss_mae", mae)) }
        return TrainingLosses(total: losses.total, parts: parts, features: losses.features)
    }
}

extension SpecialTokens {
    /// Those of a vocabulary.
    public init(_ special: WordPieceTokenizer.Special) {
        self.init(pad: Int(special.pad), cls: Int(special.cls), mask: Int(special.mask))
    }
}
