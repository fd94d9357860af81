import Foundation
import Images

/// Gives changed files to a reader and says what it does wrong.
struct Fuzzer {
    /// What an input may take.
    struct Bounds: Sendable {
        /// seconds
        var time: Double
        /// Growth of the process. bytes
        var memory: Int
    }

    /// Something that a reader does wrong.
    struct Finding: Equatable {
        let reader: String
        let input: [UInt8]
        let reason: String
    }

    /// What came of the inputs of a reader.
    struct Tally {
        var inputs = 0
        /// Uses of the reader that gave a value for some input, by their numbers.
        var usesThatAccepted: Set<Int> = []
        /// Inputs of which every use gave a value.
        var accepted = 0
        /// Inputs of which some use gave an error.
        var refused = 0
        /// seconds
        var time = 0.0
        /// seconds
        var longest = 0.0
        /// bytes
        var largestGrowth = 0
        var findings: [Finding] = []
    }

    /// Parts of texts that say something to programmers in Swift only.
    private static let internalNames = [
        "CodingKeys", "DecodingError", "Swift.", "NSCocoaErrorDomain", "Error Domain=",
    ]
    /// Bytes of an error's text, beyond which nobody reads it.
    private static let longestText = 4096

    private let bounds: Bounds
    private let directory: String
    private let memory = ProcessMemory()

    /// - Parameter directory: each reader gets a directory of its own in it
    init(bounds: Bounds, directory: String) {
        self.bounds = bounds
        self.directory = directory
    }

    /// Where the input of a reader lies while it is read.
    func path(of reader: Reader) -> String { directory + "/" + reader.name + "/" + reader.file }

    /// Tries changed files.
    ///
    /// - Parameters:
    ///   - count: how many; whole files are tried before
    ///   - seed: decides about all of them, whatever other readers are tried
    ///   - before: gets each input before it is read
    ///   - after: is called when the reader is done with it
    /// - Throws: what making the whole files throws, and where one of them is refused
    func run(
        _ reader: Reader, count: Int, seed: UInt64, before: ([UInt8]) -> Void = { _ in },
        after: () -> Void = {}
    ) throws -> Tally {
        let seeds = try prepare(reader)
        var mutator = Mutator(
            seeds: seeds, form: reader.form,
            random: SeededGenerator(seed, reader.name.utf8.reduce(0) { $0 &* 31 &+ UInt64($1) }),
            repair: reader.repair)
        var tally = Tally()
        let start = ContinuousClock.now
        for number in 0..<count {
            let input = number < seeds.count ? seeds[number] : mutator.next()
            before(input)
            tally.add(try read(input, reader))
            after()
        }
        tally.time = start.duration(to: .now).inSeconds
        return tally
    }

    /// Tries one file.
    /// - Throws: what preparing the reader throws
    func replay(_ reader: Reader, _ input: [UInt8]) throws -> (tally: Tally, answers: [String]) {
        _ = try prepare(reader)
        var tally = Tally()
        let result = try read(input, reader)
        tally.add(result)
        return (tally, result.answers)
    }

    private func prepare(_ reader: Reader) throws -> [[UInt8]] {
        let place = directory + "/" + reader.name
        try FileManager.default.createDirectory(
            atPath: place, withIntermediateDirectories: true)
        return try reader.seeds(place).map { [UInt8]($0) }
    }

    fileprivate struct Result {
        var answers: [String] = []
        var usesThatAccepted: Set<Int> = []
        var isAccepted = true
        var time = 0.0
        var growth = 0
        var findings: [Finding] = []
    }

    private func read(_ bytes: [UInt8], _ reader: Reader) throws -> Result {
        let data = Data(bytes)
        let path = path(of: reader)
        // A file of its own, since the one before may still be mapped.
        unlink(path)
        try data.write(to: URL(fileURLWithPath: path))
        let input = Reader.Input(
            bytes: data, path: path, directory: directory + "/" + reader.name)
        let resident = memory.resident
        if memory.peak - resident > bounds.memory / 4 { memory.forgetPeak() }
        let peak = memory.peak
        var result = Result()
        func found(_ reason: String) {
            result.findings.append(Finding(reader: reader.name, input: bytes, reason: reason))
        }
        let start = ContinuousClock.now
        for (number, use) in reader.uses.enumerated() {
            do {
                try use(input)
                result.answers.append("accepted")
                result.usesThatAccepted.insert(number)
            } catch {
                result.isAccepted = false
                let text = "\(error)"
                result.answers.append(text)
                if let name = Self.internalNames.first(where: text.contains) {
                    found("an error says '\(name)' to its reader: \(text.prefix(300))")
                }
                if text.utf8.count > Self.longestText {
                    found("an error has \(text.utf8.count) bytes: \(text.prefix(200))…")
                }
            }
        }
        result.time = start.duration(to: .now).inSeconds
        if memory.peak > peak { result.growth = max(0, memory.peak - resident) }
        if result.time > bounds.time {
            found(String(format: "it took %.1f s", result.time))
        }
        if result.growth > bounds.memory { found("it took \(result.growth >> 20) MB") }
        return result
    }
}

extension Fuzzer.Tally {
    fileprivate mutating func add(_ result: Fuzzer.Result) {
        inputs += 1
        usesThatAccepted.formUnion(result.usesThatAccepted)
        if result.isAccepted { accepted += 1 } else { refused += 1 }
        longest = max(longest, result.time)
        largestGrowth = max(largestGrowth, result.growth)
        findings += result.findings
    }
}

extension Duration {
    fileprivate var inSeconds: Double {
        Double(components.seconds) + Double(components.attoseconds) * 1e-18
    }
}
