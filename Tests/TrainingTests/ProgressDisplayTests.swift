import Foundation
import Testing

@testable import Training

struct ProgressDisplayTests {
    @Test func linesOfALog() throws {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try Data().write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let display = ProgressDisplay(
            total: 40, first: 10, unit: "images", output: try FileHandle(forWritingTo: file))
        display.update(10, items: 0, title: "train")
        // Too soon after the line before.
        display.update(11, items: 32, title: "train")
        display.update(40, items: 960, title: "train", values: [("loss", "0.500")])
        display.update(40, items: 960, title: "train")
        let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n")
        #expect(lines.count == 2)
        #expect(lines.first == "train 10/40")
        #expect(
            lines.last?.wholeMatch(of: /train 40\/40  loss 0\.500  [0-9.]+ images\/s  in 0:00/)
                != nil,
            "\(lines)")
    }

    @Test(arguments: [(0.4, "0:00"), (59.6, "1:00"), (61, "1:01"), (3_725, "1:02:05")])
    func timesToRead(_ seconds: Double, _ text: String) {
        #expect(ProgressDisplay.time(seconds) == text)
    }
}
