import Foundation
import Testing

@testable import Configuration

/// What follows from the one declaration of a key, in a configuration that no task has.
@Suite struct KeyTests {
    enum Color: String, KeyValue, CaseIterable { case red, green }

    struct Inner: KeyedConfiguration {
        @Key("width", 1...8, "columns") var width = 4
        @Key("ratio", .belowOne, "share of something") var ratio = 0.5

        func validateTogether() throws {
            try ConfigurationKeyError.require(
                width != 7, $width.name, "no prime above 5", found: width)
        }
    }

    struct Group: KeyedConfiguration {
        static let title: String? = "A group"
        @Key("steps", 0...10, "how many") var steps: Int? = nil
        @Section("inner") var inner = Inner()
        static let fixedKeys = [FixedKey("mode", .text("fast"), because: "the only one")]
        static let keysWithoutEffect = ["seed"]
    }

    struct Outer: KeyedConfiguration {
        static let title: String? = "All"
        var group = Self.preset
        @Key("files", .someFiles, "what is read") var files: [String] = ["a"]
        @Key("color", "of the line") var color = Color.red
        @Key("weights", "one for each") var weights: [Double]? = nil
        @Key("name", isRequired: true, "what it is called") var name = ""
        @Key("late", 0...1, when: .whereUsed, "checked by its owner") var late = 5.0

        static var preset: Group {
            var group = Group()
            group.inner.width = 6
            return group
        }

        mutating func adjust(stated: Set<String>) throws {
            if !stated.contains($color.name), name == "grass" { color = .green }
            guard name != "none" else { throw UnexpectedValue(key: "name", "expected a name") }
        }
    }

    private func load(_ text: String, _ overrides: [String] = []) throws
        -> ConfigurationFile.Loaded<Outer>
    {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent(
            UUID().uuidString
        ).path
        defer { try? FileManager.default.removeItem(atPath: path) }
        try text.write(toFile: path, atomically: true, encoding: .utf8)
        return try ConfigurationFile.load(Outer.self, path, overrides: overrides)
    }

    private func message(_ text: String) -> String {
        do {
            try load(text).configuration.validate()
            return ""
        } catch {
            return "\(error)"
        }
    }

    @Test func valuesAreRead() throws {
        let c = try load(
            "name: x\nsteps: 3\nfiles: b\ncolor: green\nweights: [1, 0.5]\ninner: {ratio: 0}"
        ).configuration
        #expect(c.name == "x" && c.group.steps == 3 && c.files == ["b"] && c.color == .green)
        #expect(c.weights == [1, 0.5] && c.group.inner.ratio == 0)
        // What the file leaves out is as the owner has it, not as its type has it.
        #expect(c.group.inner.width == 6)
        #expect(try load("name: x\nsteps: null\ninner: null").configuration.group.steps == nil)
        #expect(try load("name: grass").configuration.color == .green)
        #expect(try load("name: grass\ncolor: red").configuration.color == .red)
        #expect(try load("name: x", ["inner.width=2"]).configuration.group.inner.width == 2)
    }

    @Test func whatIsWrittenReadsBackEqual() throws {
        var c = try load("name: x").configuration
        (c.group.inner.width, c.weights, c.files) = (3, [2, 1e-7], ["a", "b"])
        let text = try ConfigurationFile.text(c)
        let again = try load(text)
        #expect(again.configuration == c && again.warnings == [])
        #expect(!text.contains("steps") && text.contains("width: 3"))
        let object = ConfigurationFile.object(c)
        #expect((object["inner"] as? [String: Any])?["width"] as? Int == 3)
    }

    @Test(arguments: [
        ("steps: many", "key 'steps': expected a whole number, found 'many'"),
        ("name: [1]", "key 'name': expected a single value, found a list"),
        ("color: blue", "key 'color': expected one of red, green, found 'blue'"),
        ("weights: [1, x]", "key 'weights.1': expected a number, found 'x'"),
        ("inner: 3", "key 'inner': expected a section of keys with values, found '3'"),
        ("inner: {width: x}", "key 'inner.width': expected a whole number, found 'x'"),
        ("mode: slow", "key 'mode': expected fast (the only one), found 'slow'"),
        ("steps: 1", "key 'name': expected a value, found nothing"),
        ("name: none", "key 'name': expected a name, found 'none'"),
    ])
    func wrongValuesAreNamed(_ text: String, _ expected: String) {
        let found = message(
            text.contains("name") || expected.contains("'name'") ? text : "name: x\n" + text)
        #expect(found.hasSuffix(expected), "\(found)")
    }

    @Test(arguments: [
        ("steps: 11", "'steps' must be a whole number between 0 and 10, or left out, found 11"),
        ("inner: {width: 0}", "'inner.width' must be a whole number between 1 and 8, found 0"),
        ("inner: {width: 7}", "'inner.width' must be no prime above 5, found 7"),
        (
            "inner: {ratio: .nan}",
            "'inner.ratio' must be a number from 0 on and below 1, found .nan"
        ),
        ("files: []", "'files' must be a list of annotation files, found []"),
        ("files: ''", "'files' must be a list of annotation files, found []"),
    ])
    func impossibleValuesAreNamed(_ text: String, _ expected: String) {
        let found = message("name: x\n" + text)
        #expect(found == "configuration key " + expected)
    }

    /// A value that is checked where it is used may be anything elsewhere.
    @Test func ownersCheckWhatTheyUse() throws {
        let c = try load("name: x").configuration
        try c.validate()
        let error = #expect(throws: ConfigurationKeyError.self) { try c.$late.validate() }
        #expect(error?.key == "late" && error?.expected == "a number between 0 and 1")
    }

    @Test func unknownKeysAreWarnedOf() throws {
        let warnings = try load(
            "name: x\nfile: b\nseed: 1\nmode: FAST\ninner: {widht: 2}"
        ).warnings
        #expect(warnings.count == 2)
        #expect(warnings.contains { $0.contains("'file'") && $0.contains("'files'") })
        #expect(warnings.contains { $0.contains("'inner.widht'") && $0.contains("'inner.width'") })
    }

    @Test func allKeysAreDescribed() throws {
        let keys = Outer.keyDescriptions
        #expect(
            keys.map(\.name) == [
                "steps", "inner.width", "inner.ratio", "mode", "files", "color", "weights", "name",
                "late",
            ])
        #expect(keys.map(\.title).prefix(4).allSatisfy { $0 == "A group" })
        #expect(keys[1].defaultText == "6" && keys[1].documentation == "columns")
        #expect(keys[0].defaultText == "none" && keys[7].defaultText == "must be stated")
        #expect(keys[4].expected == "a list of annotation files" && keys[5].expected == nil)
    }
}
