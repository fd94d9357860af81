import Foundation
import Testing

@testable import Files

@Suite struct PickleTests {
    @Test func writtenValuesAreReadBack() throws {
        let value = PickleValue.dictionary([
            "none": .none, "yes": .bool(true), "no": .bool(false),
            "numbers": .list([
                .int(0), .int(-1), .int(255), .int(70_000), .int(1 << 40), .int(.min),
            ]),
            "real": .double(-2.5), "text": .string("a 'quoted' é 😀"), "empty": .list([]),
            "nested": .list([.dictionary(["a": .list([.string("")])])]),
        ])
        #expect(try PickleReader.value(of: PickleWriter.data(value)) == value)
    }

    /// What Python 3.11 writes of ["a", -7, True, 1.5, None, e, e] with e = {"1é\\": (64, 2)}.
    @Test func protocolZeroIsRead() throws {
        let data = try #require(
            Data(
                base64Encoded:
                    "KGxwMApWYQpwMQphSS03CmFJMDEKYUYxLjUKYU5hKGRwMgpWMelcdTAwNWMKcDMKKEk2"
                    + "NApJMgp0cDQKc2FnMgphLg=="))
        let entry = PickleValue.dictionary(["1é\\": .list([.int(64), .int(2)])])
        #expect(
            try PickleReader.value(of: data)
                == .list([.string("a"), .int(-7), .bool(true), .double(1.5), .none, entry, entry]))
    }

    /// Python 2's texts are bytes with escapes.
    @Test func quotedTextsAreRead() throws {
        let data = Data("(lp0\nS'it\\'s \\xc3\\xa9\\n'\np1\naS\"\\xff\"\na.".utf8)
        #expect(
            try PickleReader.value(of: data) == .list([.string("it's é\n"), .bytes([0xff])]))
    }

    /// Protocols 2 and 4 of {"k": [1, 2.0, "x", (None, True)], "big": 2**40}.
    @Test(arguments: [
        "gAJ9cQAoWAEAAABrcQFdcQIoSwFHQAAAAAAAAABYAQAAAHhxA06IhnEEZVgDAAAAYmlncQWKBgAAAAAAAXUu",
        "gASVLgAAAAAAAAB9lCiMAWuUXZQoSwFHQAAAAAAAAACMAXiUToiGlGWMA2JpZ5SKBgAAAAAAAXUu",
    ]) func laterProtocolsAreRead(_ base64: String) throws {
        let data = try #require(Data(base64Encoded: base64))
        #expect(
            try PickleReader.value(of: data)
                == .dictionary([
                    "k": .list([.int(1), .double(2), .string("x"), .list([.none, .bool(true)])]),
                    "big": .int(1 << 40),
                ]))
    }

    /// Classes, calls and objects, in all the ways that a pickle has for them.
    @Test(arguments: [
        "cos\nsystem\n(S'true'\ntR.", "(S'true'\nios\nsystem\n.", "(cos\nsystem\nS'true'\no.",
        "\u{8c}\u{2}os\u{8c}\u{6}system\u{93}.", "]}b.", "))\u{81}.",
    ]) func callsAreRefused(_ text: String) throws {
        let data = Data(text.unicodeScalars.map { UInt8($0.value) })
        let error = try #require(throws: PickleError.self) { try PickleReader.value(of: data) }
        let reasons = [
            "names the class or function 'os.system'", "builds an object", "is no object",
            "is no name",
        ]
        #expect(reasons.contains { error.reason.contains($0) }, "\(error.reason)")
    }

    @Test func damagedFilesAreRefused() throws {
        let whole = PickleWriter.data(.list([.string("abc"), .int(70_000), .double(1)]))
        for count in 0..<whole.count {
            #expect(throws: PickleError.self) { try PickleReader.value(of: whole.prefix(count)) }
        }
        for text in [
            "a.", "]]s.", "e.", "h\u{5}.", "X\u{ff}\u{ff}\u{ff}\u{ff}a.", "I1x\n.", "\u{fe}.",
        ] {
            let data = Data(text.unicodeScalars.map { UInt8($0.value) })
            #expect(throws: PickleError.self) { try PickleReader.value(of: data) }
        }
    }

    /// A list that holds itself, and lists that double thirty times.
    @Test func filesThatUnfoldWithoutEndAreRefused() {
        var bytes = Array("]q".utf8) + [0] + Array("h".utf8) + [0] + Array("a.".utf8)
        #expect(throws: PickleError.self) { try PickleReader.value(of: Data(bytes)) }
        bytes = Array("]q".utf8) + [0]
        for level in 1...UInt8(30) {
            bytes += Array("(h".utf8) + [level - 1] + Array("h".utf8) + [level - 1]
            bytes += Array("lq".utf8) + [level]
        }
        #expect(throws: PickleError.self) {
            try PickleReader.value(of: Data(bytes) + Data(".".utf8))
        }
    }
}
