import Foundation
import Testing

@testable import Commands
@testable import Steps
@testable import Tasks

/// Commands that are made of other commands: the demo and the ablation.
extension CommandsTests {
    @Test func demoWalksTheWholeRoadOnce() throws {
        let output = Self.temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: output) }
        let demo = ["demo", "--output-dir", output, "--minutes", "0.2", "--threads", "1"]
        // Results of a step that did not end are its own and are made again.
        let early = try vicha(demo, interruptAfter: output + "/concepts/counts.json")
        #expect(early.status == 0 && !early.errors.contains("[4/12]"), "\(early.errors)")
        let stopped = try vicha(demo, interruptAfter: output + "/pretrain/metrics.jsonl")
        #expect(stopped.errors.contains("/concepts --overwrite\n"), "\(stopped.errors)")
        #expect(stopped.status == 0, "\(stopped.errors)")
        #expect(stopped.errors.contains("the same command goes on"), "\(stopped.errors)")
        #expect(!stopped.errors.contains("[7/12]"), "\(stopped.errors)")

        // What was there is not done again, and training goes on where it was.
        func resumed(_ errors: String) -> [Substring] {
            errors.split(separator: "\n").filter { $0.hasSuffix("--resume") }
        }
        let again = try vicha(demo, interruptAfter: output + "/retrieval/metrics.jsonl")
        #expect(again.status == 0, "\(again.errors)")
        #expect(Self.done(again.errors) == [6, 7, 8], "\(again.errors)")
        #expect(resumed(again.errors).count == 1, "\(again.errors)")
        #expect(resumed(again.errors).allSatisfy { $0.contains("vicha pretrain ") })
        let first = try vicha(demo)
        #expect(first.status == 0, "\(first.errors)")
        #expect(Self.done(first.errors) == Array(8...12), "\(first.errors)")
        #expect(resumed(first.errors).count == 1, "\(first.errors)")
        #expect(resumed(first.errors).allSatisfy { $0.contains("vicha retrieval train ") })
        #expect(first.output.contains("questions answered as people do"), "\(first.output)")
        let html = try String(contentsOfFile: output + "/report.html", encoding: .utf8)
        // Captions with up to six of 8 and of 4 images, before and after; questions; sentences about
        // one and two images; phrases; concepts; filtered captions; restored images.
        let images = 2 * (6 * 6 + 6 * 4) + 12 + 12 + 2 * 12 + 2 * 12 + 8 + 5 + 3 * 6
        #expect(html.components(separatedBy: "data:image/jpeg;base64,").count == 1 + images)
        // Four losses of pretraining, two of retrieval and of grounding, one of the others.
        #expect(html.components(separatedBy: "class='mean'").count == 1 + 4 + 2 + 2 + 3)
        let links = html.components(separatedBy: "http").dropFirst()
        #expect(links.allSatisfy { $0.hasPrefix("://www.w3.org/2000/svg'") })

        let second = try vicha(demo)
        #expect(second.status == 0 && Self.done(second.errors).isEmpty, "\(second.errors)")
        #expect(second.output == first.output)

        // A changed input, a missing output and a wish each bring one step about.
        let file = output + "/annotations/ve_test.json"
        let records = try #require(
            JSONSerialization.jsonObject(with: Data(contentsOf: URL(fileURLWithPath: file)))
                as? [Any])
        try JSONSerialization.data(withJSONObject: Array(records.dropLast()))
            .write(to: URL(fileURLWithPath: file))
        try FileManager.default.removeItem(atPath: output + "/grounding/before.html")
        let third = try vicha(demo + ["--rerun", "zero-shot"])
        #expect(third.status == 0 && Self.done(third.errors) == [7, 10, 12], "\(third.errors)")
        let unknown = try vicha(demo + ["--rerun", "vision"])
        #expect(unknown.status != 0 && unknown.errors.contains("the steps are scenes, clip"))

        // What fails says which command, and where its output is.
        try FileManager.default.removeItem(atPath: output + "/nlvr")
        try "[]".write(
            toFile: output + "/annotations/nlvr_train.json", atomically: true, encoding: .utf8)
        let failed = try vicha(demo + ["--tasks", "nlvr"])
        #expect(failed.status != 0, "\(failed.errors)")
        #expect(failed.errors.contains("the step 'nlvr' failed with status 1"), "\(failed.errors)")
        #expect(failed.errors.contains(output + "/steps/nlvr.txt"), "\(failed.errors)")
    }

    /// Numbers of the steps that were done, by what the program says.
    private static func done(_ errors: String) -> [Int] {
        errors.split(separator: "\n").compactMap { line in
            guard line.hasPrefix("["), !line.hasSuffix("is there already") else { return nil }
            return Int(line.dropFirst().prefix { $0.isNumber })
        }
    }

    @Test func ablationComparesVariantsAndGoesOn() throws {
        let directory = Self.temporaryDirectory()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let (scenes, output) = (directory + "/scenes", directory + "/ablation")
        let made = try vicha([
            "scenes", scenes, "--images", "60", "--size", "48", "--concepts", "generator",
        ])
        #expect(made.status == 0, "\(made.errors)")
        let ablate =
            [
                "ablate", "--config", "configs/scenes/pretrain.yaml", "--retrieval-config",
                "configs/scenes/retrieval.yaml", "--data-dir", scenes, "--data-json-dir", scenes,
                "--vocabulary", scenes + "/vocab.txt", "--output-dir", output, "--threads", "1",
            ] + Self.small + ["--set", "schedular.epochs=1", "--set", "batch_size=32"]
            + Self.small.map { $0 == "--set" ? "--retrieval-set" : $0 }
            + ["--retrieval-set", "schedular.epochs=2", "--retrieval-steps-per-epoch", "1"]
        let one = try vicha(ablate + ["--variants", "baseline", "--seeds", "1"])
        #expect(one.status == 0, "\(one.errors)")
        let both = try vicha(ablate + ["--variants", "baseline", "all", "--seeds", "1", "2"])
        #expect(both.status == 0, "\(both.errors)")
        // The run that was there is not repeated.
        #expect(Self.done(both.errors) == Array(4...12), "\(both.errors)")
        #expect(both.output.contains("all three"), "\(both.output)")
        let csv = try String(contentsOfFile: output + "/ablation.csv", encoding: .utf8)
        let lines = csv.split(separator: "\n").map { $0.split(separator: ",") }
        #expect(
            lines.map { $0.prefix(2).joined(separator: "-") }.dropFirst()
                == ["baseline-1", "all-1", "baseline-2", "all-2"])
        #expect(lines.allSatisfy { $0.count == lines[0].count })
        let html = try String(contentsOfFile: output + "/ablation.html", encoding: .utf8)
        #expect(html.components(separatedBy: "<circle").count == 1 + 4 * 4)
        // Each variant is what it says.
        func weights(_ run: String) throws -> String {
            try String(
                contentsOfFile: output + "/runs/\(run)/pretrain/config.yaml", encoding: .utf8)
        }
        #expect(try weights("baseline-1").contains("mae: false"))
        #expect(try weights("all-1").contains("mae: true"))
        #expect(try weights("all-1").contains("return_hidden_state: true"))
        func steps(_ part: String) throws -> Int {
            try String(
                contentsOfFile: output + "/runs/all-1/\(part)/metrics.jsonl", encoding: .utf8
            ).split(separator: "\n").count
        }
        // 48 images in batches of 32; two epochs of one step.
        #expect(try (steps("pretrain"), steps("fine-tuned")) == (1, 2))
        // Other data for the evaluation, and pretraining stays.
        let file = try #require(FileHandle(forUpdatingAtPath: scenes + "/retrieval_test.json"))
        try file.seekToEnd()
        try file.write(contentsOf: Data("\n".utf8))
        try file.close()
        let anew = try vicha(ablate + ["--variants", "baseline", "--seeds", "1"])
        #expect(anew.status == 0 && Self.done(anew.errors) == [2, 3], "\(anew.errors)")
        let twice = try vicha(ablate + ["--seeds", "1", "1"])
        #expect(twice.status != 0 && twice.errors.contains("named twice"), "\(twice.errors)")
    }
}

/// The table of an ablation, from numbers.
@Suite struct AblationTableTests {
    private func table(_ values: [AblationVariant: [Double]]) -> AblationTable {
        let variants = AblationVariant.allCases.filter { values[$0] != nil }
        return AblationTable(
            variants: variants,
            runs: variants.flatMap { variant in
                (values[variant] ?? []).enumerated().map { seed, value in
                    let log = [
                        "test_dual_r_mean": value, "test_r_mean": value, "test_chance_r_mean": 0.5,
                    ]
                    return .init(
                        variant: variant, seed: UInt64(seed),
                        logs: ["zero-shot": log, "fine-tuned": log])
                }
            })
    }

    @Test func meansDeviationsAndFindings() {
        let table = table([
            .baseline: [10, 12, 14], .alignment: [13, 15, 17.3], .masking: [11, 11, 15],
            .concepts: [7, 9.2, 11],
        ])
        #expect(
            table.rows.map { $0[1] }.dropFirst() == [
                "12.0 ± 2.0", "15.1 ± 2.2", "12.3 ± 2.3", "9.1 ± 2.0", "0.5",
            ])
        // Differences are taken seed by seed: the seeds differ by more than the variants do.
        #expect(
            table.findings.prefix(3) == [
                "zero-shot, features: + hierarchical alignment is better (+3.1 ± 0.1)",
                "zero-shot, features: + masked image modelling does not differ from the baseline beyond "
                    + "the seeds (+0.3 ± 0.7)",
                "zero-shot, features: + visual concepts is worse (-2.9 ± 0.1)",
            ])
        #expect(table.csv.split(separator: "\n").count == 13)
        let lone = self.table([.baseline: [1], .all: [2]])
        #expect(lone.rows[1][1] == "1.0")
        #expect(lone.findings[0].hasSuffix("differs by +1.0; one seed decides nothing"))
        #expect(self.table([.all: [2]]).findings.isEmpty)
        #expect(lone.orders.isEmpty)
    }

    @Test func orderOfThePaper() {
        let ordered = table([.baseline: [1, 3], .alignment: [3, 3], .all: [4, 4]])
        #expect(ordered.orders.first == "zero-shot, features: the paper's order holds")
        #expect(ordered.orders.count == 4)
        let other = table([
            .baseline: [2, 2], .alignment: [3, 3], .masking: [1, 1], .all: [2.5, 2.5],
        ])
        #expect(
            other.orders.first
                == "zero-shot, features: the paper's order does not hold (not above the baseline: "
                + "+ masked image modelling; not below all three: + hierarchical alignment)")
    }
}
