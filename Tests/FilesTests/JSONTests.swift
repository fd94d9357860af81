import Foundation
import Testing

@testable import Files

/// JSON as other programs write it.
@Suite struct JSONTests {
    private struct Record: Decodable, Equatable {
        let name: String
        let count: Int?
        let tags: [String]?
    }

    private func decode<Value: Decodable>(_ text: String, as type: Value.Type = Value.self) throws
        -> Value
    { try JSONDocument(NSData(data: Data(text.utf8))).decode(type) }

    /// Byte order marks, and the encodings that Python's reader tells apart without one.
    @Test func encodings() throws {
        let text = #"[{"name": "é🐶", "count": 3}]"#
        func bytes<Unit: FixedWidthInteger>(_ units: some Sequence<Unit>, big: Bool) -> [UInt8] {
            units.flatMap { unit in
                withUnsafeBytes(of: big ? unit.bigEndian : unit.littleEndian) { Array($0) }
            }
        }
        let scalars = text.unicodeScalars.map(\.value)
        let files: [[UInt8]] = [
            Array(text.utf8), [0xef, 0xbb, 0xbf] + Array(text.utf8),
            [0xff, 0xfe] + bytes(text.utf16, big: false),
            [0xfe, 0xff] + bytes(text.utf16, big: true),
            bytes(text.utf16, big: false), bytes(text.utf16, big: true),
            [0xff, 0xfe, 0, 0] + bytes(scalars, big: false),
            [0, 0, 0xfe, 0xff] + bytes(scalars, big: true), bytes(scalars, big: false),
            bytes(scalars, big: true),
        ]
        for file in files {
            let records = try JSONDocument(NSData(data: Data(file))).decode([Record].self)
            #expect(records == [Record(name: "é🐶", count: 3, tags: nil)], "\(file.prefix(8))")
        }
        let cut = Data([0xff, 0xfe] + bytes(text.utf16, big: false)).dropLast()
        #expect(throws: JSONError.self) { try JSONDocument(NSData(data: cut)) }
    }

    @Test(
        arguments: [
            // Numbers that are none, where nobody asks for them.
            (#"{"name": "a", "sim": NaN, "x": [-Infinity, Infinity, -0, 1E5, 2.5e-3]}"#, "a", nil),
            // Of a name that stands there twice, the last value counts; escapes name the same.
            (#"{"name": 7, "\u006eame": "b", "name": "a", "count": 1, "count": 2.0}"#, "a", 2),
            // Half of a pair is no character; a pair is one.
            (
                #"{"name": "x\ud83dy\ude00 \ud83d\ude00 \ud83d\ud83d\ude00"}"#,
                "x\u{fffd}y\u{fffd} 😀 \u{fffd}😀", nil
            ),
            (#"{"name": "\"\\\/\b\f\n\r\t\u00e9", "count": null}"#, "\"\\/\u{8}\u{c}\n\r\té", nil),
            ("\r\n\t {\"name\"\r\n:\"a\",\r\n\"count\":1e2}\r\n", "a", 100),
        ] as [(String, String, Int?)]) func unusualRecords(
            _ text: String, _ name: String, _ count: Int?
        )
        throws
    {
        let record: Record = try decode(text)
        #expect(ExactString(record.name) == ExactString(name) && record.count == count)
    }

    @Test(arguments: [
        (
            "[{\"name\": \"a\"},\n {\"name\": \"b\"},\n]",
            "comma before ']' at line 2, column 15, in record 2"
        ),
        ("[{\"name\": \"é\",}]", "comma before '}' at line 1, column 14, in record 0"),
        ("[1 2]", "',' or ']' is expected at line 1, column 4"), ("[1, 2", "inside of a list"),
        ("{\"a\" 1}", "':' is expected"), ("[1]x", "something follows"), ("", "too early"),
        ("[01]", "number is malformed"), ("[1.]", "number is malformed"),
        ("[.5]", "a value is expected"), ("[1e]", "number is malformed"), ("[-]", "a value"),
        ("[+1]", "a value"), ("[nul]", "a value"), ("['a']", "a value"),
        ("{a: 1}", "double quotes"),
        (#"["\x"]"#, "unknown escape"), (#"["\u12g4"]"#, "hexadecimal"), ("[\"a\nb\"]", "control"),
        ("[\"a", "does not end"), ("[\"a\\", "does not end"), ("[\"\\u12", "hexadecimal"),
        (String(repeating: "[", count: 100_000), "nested too deeply"),
        (String(repeating: "{\"a\":", count: 100_000), "nested too deeply"),
    ]) func malformedTexts(_ text: String, _ problem: String) throws {
        let error = try #require(throws: JSONError.self) {
            try self.decode(text, as: [Record].self)
        }
        #expect("\(error)".contains(problem), "\(error)")
    }

    @Test(arguments: [
        (
            #"[{"name": "a"}, {"name": 7}]"#,
            "record 1 (counted from 0): 'name' must be a text, not the number 7"
        ),
        (#"[{"count": 1}]"#, "record 0 (counted from 0): 'name' is missing; a text is expected"),
        (#"[{"name": null}]"#, "'name' must be a text, not null"),
        (#"[{"name": "a", "count": "3"}]"#, "'count' must be a whole number, not the text '3'"),
        (#"[{"name": "a", "count": 1.5}]"#, "'count' must be a whole number, not the number 1.5"),
        (#"[{"name": "a", "count": 1e30}]"#, "'count' must be a whole number, not the number 1e30"),
        (#"[{"name": "a", "tags": ["x", {}]}]"#, "'tags[1]' must be a text, not an object"),
        (#"[{"name": "a", "tags": "x"}]"#, "'tags' must be a list, not the text 'x'"),
        (
            #"[{"name": "a"}, [1, 2]]"#,
            "record 1 (counted from 0) must be an object, not a list of 2"
        ),
        (#"{"name": "a"}"#, "the whole file must be a list, not an object"),
    ]) func wrongValues(_ text: String, _ problem: String) throws {
        let error = try #require(throws: JSONError.self) {
            try self.decode(text, as: [Record].self)
        }
        #expect("\(error)".hasSuffix(problem), "\(error)")
        #expect(!"\(error)".contains("Swift") && !"\(error)".contains("Array<"))
    }

    @Test func numbersThatAreNone() throws {
        #expect(try decode("[1, -2.5e2, 3]") == [1, -250, 3])
        for text in ["NaN", "Infinity", "-Infinity", "1e999"] {
            #expect(throws: JSONError.self) { try self.decode("[\(text)]", as: [Double].self) }
        }
        let bytes = Data(#"["a"#.utf8) + Data([0xff]) + Data(#""]"#.utf8)
        let error = try #require(throws: JSONError.self) {
            try JSONDocument(NSData(data: bytes)).decode([String].self)
        }
        #expect("\(error)".contains("no UTF-8 text"), "\(error)")
    }

    /// Objects of many names are looked up in a table, and names are what their code points are.
    @Test func largeObjects() throws {
        let many = (0..<1000).map { #""k\#($0)": \#($0)"# }.joined(separator: ",")
        let numbers: [String: Int] = try decode("{\(many), \"k7\": 70}")
        #expect(numbers.count == 1000 && numbers["k7"] == 70 && numbers["k999"] == 999)
        struct Composed: Decodable {
            let value: Int
            enum CodingKeys: String, CodingKey { case value = "\u{e9}" }
        }
        #expect(try decode("{\"\u{e9}\": 1, \"e\u{301}\": 2}", as: Composed.self).value == 1)
    }

    // MARK: Texts

    @Test func textsAreTheirCodePoints() {
        let (one, two) = (ExactString("caf\u{e9}"), ExactString("cafe\u{301}"))
        #expect(one != two && Set([one, two]).count == 2 && [one: 1][two] == nil)
        #expect(ExactString("\u{212a}") != "K" && ExactString("a") == "a")
        // By code point, not by the order of canonical forms.
        #expect(
            ExactString("e\u{301}") < ExactString("f") && ExactString("f") < ExactString("\u{e9}"))
        #expect(ExactString("\u{ffff}") < ExactString("\u{10000}"))
    }

    @Test(
        arguments: [
            ("a\nb\n", ["a", "b"]), ("a\r\nb", ["a", "b"]), ("\u{feff}a\rb\r", ["a", "b"]),
            ("\r\n\n\r\ra\u{2028}b\u{85}", ["", "", "", "", "a\u{2028}b\u{85}"]), ("", []),
            ("\n", [""]),
        ] as [(String, [String])]) func linesOfAnySystem(_ text: String, _ lines: [String])
    {
        #expect(
            TextFile.lines(of: Data(text.utf8)).map { String(decoding: $0, as: UTF8.self) } == lines
        )
    }
}
