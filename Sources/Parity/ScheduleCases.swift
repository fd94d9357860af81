import Foundation
import Training

extension ParityCase {
    private struct ScheduleFields: Decodable {
        struct Optimizer: Decodable { let lr: Double }
        struct Case: Decodable {
            let optimizer: Optimizer
            let schedular: LearningRateSchedule.Configuration
            let lrAfterSchedulerConstruction: Double
            let points: [[Double]]

            private enum CodingKeys: String, CodingKey {
                case optimizer
                case schedular
                case lrAfterSchedulerConstruction = "lr_after_scheduler_construction"
                case points
            }
        }
        let cases: [String: Case]
    }

    /// Learning rates at recorded iterations.
    func compareLearningRates() throws -> Comparison {
        let fields: ScheduleFields = try fields()
        var comparison = Comparison()
        for (name, item) in fields.cases {
            let schedule = LearningRateSchedule(item.schedular, learningRate: item.optimizer.lr)
            comparison.number(
                "\(name) at the start", schedule.rate(epoch: 0, iteration: 0),
                item.lrAfterSchedulerConstruction, relative: 1e-12, absolute: 0)
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
