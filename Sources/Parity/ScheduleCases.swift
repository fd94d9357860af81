import Foundation
import Training

extension ParityCase {
    private struct ScheduleFields: Decodable {
        /// When the official script steps the scheduler: before an epoch or after it.
        enum Style: String, Decodable {
            case start
            case end
        }
        struct Case: Decodable {
            @Recorded var optimizer: OptimizerConfiguration
            @Recorded var schedular: LearningRateSchedule.Configuration
            let lrAfterSchedulerConstruction: Double
            let lrAfterTraining: Double?
            let style: Style
            let epochs: Int
            let iterations: Int
            let points: [[Double]]

            private enum CodingKeys: String, CodingKey {
                case optimizer
                case schedular
                case lrAfterSchedulerConstruction = "lr_after_scheduler_construction"
                case lrAfterTraining = "lr_after_training"
                case style, epochs, points
                case iterations = "iters_per_epoch"
            }
        }
        let cases: [String: Case]
    }

    /// Learning rates at recorded iterations.
    func compareLearningRates() throws -> Comparison {
        let fields: ScheduleFields = try fields()
        var comparison = Comparison()
        for (name, item) in fields.cases {
            let schedule = LearningRateSchedule(
                item.schedular, learningRate: item.optimizer.learningRate)
            comparison.number(
                "\(name) at the start", schedule.rate(epoch: 0, iteration: 0),
                item.lrAfterSchedulerConstruction, relative: 1e-12, absolute: 0)
            if let wanted = item.lrAfterTraining {
                // What is set last: for the epoch behind the training, or inside its last one.
                let last =
                    item.style == .end
                    ? schedule.rate(epoch: item.epochs, iteration: 0)
                    : schedule.rate(epoch: item.epochs - 1, iteration: item.iterations)
                comparison.number(
                    "\(name) after training", last, wanted, relative: 1e-12, absolute: 0)
            }
            for point in item.points {
                comparison.number(
                    "\(name) epoch \(Int(point[0])) iteration \(Int(point[1]))",
                    schedule.rate(epoch: Int(point[0]), iteration: Int(point[1])), point[2],
                    relative: 1e-12, absolute: 0)
            }
        }
        return comparison
    }
}
