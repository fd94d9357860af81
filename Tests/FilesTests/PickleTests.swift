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

    /// Numbers and a text of NumPy, as NumPy 1 and 2 write them in protocols 0, 2 and 4 of
    /// [int64(-5), int32(70000), uint16(9), float32(1.5), float64(-2.25), bool_(True), str_("tést")].
    private static let numPyPickles = [
        "KGxwMApjbnVtcHkuY29yZS5tdWx0aWFycmF5CnNjYWxhcgpwMQooY251bXB5CmR0eXBlCnAyCihWaTgK"
            + "cDMKSTAwCkkwMQp0cDQKUnA1CihJMwpWPApwNgpOTk5JLTEKSS0xCkkwCnRwNwpiY19jb2RlY3MKZW5j"
            + "b2RlCnA4CihW+/////////8KcDkKVmxhdGluMQpwMTAKdHAxMQpScDEyCnRwMTMKUnAxNAphZzEKKGcy"
            + "CihWaTQKcDE1CkkwMApJMDEKdHAxNgpScDE3CihJMwpnNgpOTk5JLTEKSS0xCkkwCnRwMTgKYmc4CihW"
            + "cBEBXHUwMDAwCnAxOQpnMTAKdHAyMApScDIxCnRwMjIKUnAyMwphZzEKKGcyCihWdTIKcDI0CkkwMApJ"
            + "MDEKdHAyNQpScDI2CihJMwpnNgpOTk5JLTEKSS0xCkkwCnRwMjcKYmc4CihWCVx1MDAwMApwMjgKZzEw"
            + "CnRwMjkKUnAzMAp0cDMxClJwMzIKYWcxCihnMgooVmY0CnAzMwpJMDAKSTAxCnRwMzQKUnAzNQooSTMK"
            + "ZzYKTk5OSS0xCkktMQpJMAp0cDM2CmJnOAooVlx1MDAwMFx1MDAwMMA/CnAzNwpnMTAKdHAzOApScDM5"
            + "CnRwNDAKUnA0MQphZzEKKGcyCihWZjgKcDQyCkkwMApJMDEKdHA0MwpScDQ0CihJMwpnNgpOTk5JLTEK"
            + "SS0xCkkwCnRwNDUKYmc4CihWXHUwMDAwXHUwMDAwXHUwMDAwXHUwMDAwXHUwMDAwXHUwMDAwAsAKcDQ2"
            + "CmcxMAp0cDQ3ClJwNDgKdHA0OQpScDUwCmFnMQooZzIKKFZiMQpwNTEKSTAwCkkwMQp0cDUyClJwNTMK"
            + "KEkzClZ8CnA1NApOTk5JLTEKSS0xCkkwCnRwNTUKYmc4CihWAQpwNTYKZzEwCnRwNTcKUnA1OAp0cDU5"
            + "ClJwNjAKYWcxCihnMgooVlU0CnA2MQpJMDAKSTAxCnRwNjIKUnA2MwooSTMKZzYKTk5OSTE2Ckk0Ckk4"
            + "CnRwNjQKYmc4CihWdFx1MDAwMFx1MDAwMFx1MDAwMOlcdTAwMDBcdTAwMDBcdTAwMDBzXHUwMDAwXHUw"
            + "MDAwXHUwMDAwdFx1MDAwMFx1MDAwMFx1MDAwMApwNjUKZzEwCnRwNjYKUnA2Nwp0cDY4ClJwNjkKYS4=",
        "gAJdcQAoY251bXB5Ll9jb3JlLm11bHRpYXJyYXkKc2NhbGFyCnEBY251bXB5CmR0eXBlCnECWAIAAABp"
            + "OHEDiYiHcQRScQUoSwNYAQAAADxxBk5OTkr/////Sv////9LAHRxB2JjX2NvZGVjcwplbmNvZGUKcQhY"
            + "EAAAAMO7w7/Dv8O/w7/Dv8O/w79xCVgGAAAAbGF0aW4xcQqGcQtScQyGcQ1ScQ5oAWgCWAIAAABpNHEP"
            + "iYiHcRBScREoSwNoBk5OTkr/////Sv////9LAHRxEmJoCFgEAAAAcBEBAHETaAqGcRRScRWGcRZScRdo"
            + "AWgCWAIAAAB1MnEYiYiHcRlScRooSwNoBk5OTkr/////Sv////9LAHRxG2JoCFgCAAAACQBxHGgKhnEd"
            + "UnEehnEfUnEgaAFoAlgCAAAAZjRxIYmIh3EiUnEjKEsDaAZOTk5K/////0r/////SwB0cSRiaAhYBQAA"
            + "AAAAw4A/cSVoCoZxJlJxJ4ZxKFJxKWgBaAJYAgAAAGY4cSqJiIdxK1JxLChLA2gGTk5OSv////9K////"
            + "/0sAdHEtYmgIWAkAAAAAAAAAAAACw4BxLmgKhnEvUnEwhnExUnEyaAFoAlgCAAAAYjFxM4mIh3E0UnE1"
            + "KEsDWAEAAAB8cTZOTk5K/////0r/////SwB0cTdiaAhYAQAAAAFxOGgKhnE5UnE6hnE7UnE8aAFoAlgC"
            + "AAAAVTRxPYmIh3E+UnE/KEsDaAZOTk5LEEsESwh0cUBiaAhYEQAAAHQAAADDqQAAAHMAAAB0AAAAcUFo"
            + "CoZxQlJxQ4ZxRFJxRWUu",
        "gASVmwEAAAAAAABdlCiMFm51bXB5Ll9jb3JlLm11bHRpYXJyYXmUjAZzY2FsYXKUk5SMBW51bXB5lIwF"
            + "ZHR5cGWUk5SMAmk4lImIh5RSlChLA4wBPJROTk5K/////0r/////SwB0lGJDCPv/////////lIaUUpRo"
            + "A2gGjAJpNJSJiIeUUpQoSwNoCk5OTkr/////Sv////9LAHSUYkMEcBEBAJSGlFKUaANoBowCdTKUiYiH"
            + "lFKUKEsDaApOTk5K/////0r/////SwB0lGJDAgkAlIaUUpRoA2gGjAJmNJSJiIeUUpQoSwNoCk5OTkr/"
            + "////Sv////9LAHSUYkMEAADAP5SGlFKUaANoBowCZjiUiYiHlFKUKEsDaApOTk5K/////0r/////SwB0"
            + "lGJDCAAAAAAAAALAlIaUUpRoA2gGjAJiMZSJiIeUUpQoSwOMAXyUTk5OSv////9K/////0sAdJRiQwEB"
            + "lIaUUpRoA2gGjAJVNJSJiIeUUpQoSwNoCk5OTksQSwRLCHSUYkMQdAAAAOkAAABzAAAAdAAAAJSGlFKU"
            + "ZS4=",
    ]

    @Test(arguments: numPyPickles) func numbersOfNumPyAreRead(_ base64: String) throws {
        let data = try #require(Data(base64Encoded: base64))
        let values = try #require(
            PickleReader.value(of: data, allowing: PickleValue.isOfNumPy).elements)
        #expect(values.prefix(3).map(\.integer) == [-5, 70_000, 9])
        #expect(values[3...4].map(\.number) == [1.5, -2.25])
        #expect(values[5].integer == nil)
        #expect(values[6].text == "tést")
        #expect(throws: PickleError.self) { try PickleReader.value(of: data) }
    }

    /// The higher byte first, which files of other machines have.
    @Test func bigEndianNumbersOfNumPyAreRead() {
        let type = PickleValue.built(
            "numpy.dtype", arguments: [.string("i2"), .bool(false), .bool(true)],
            state: .list([.int(3), .string(">")]))
        let scalar = PickleValue.built(
            "numpy.core.multiarray.scalar", arguments: [type, .bytes([0xff, 0xfe])], state: nil)
        #expect(scalar.integer == -2)
        let cut = PickleValue.built(
            "numpy.core.multiarray.scalar", arguments: [type, .bytes([0xff])], state: nil)
        #expect(cut.integer == nil)
    }

    /// What nests deeper than the stack of a thread goes is refused, and let go of, without an end
    /// of the process.
    @Test(arguments: [
        (Data([0x80, 2, 0x5d]) + Data(repeating: 0x85, count: 400_000)),
        Data(repeating: 0x5d, count: 400_000) + Data(repeating: 0x61, count: 399_999),
        Data([0x4e]) + Data(repeating: 0x51, count: 400_000),
    ]) func deepFilesAreRefused(_ data: Data) {
        #expect(throws: PickleError.self) { try PickleReader.value(of: data + Data(".".utf8)) }
    }

    /// Items that come one by one: quadratic work would take minutes here.
    @Test func collectionsFilledItemByItemAreRead() throws {
        let count = 100_000
        var bytes = Array("(]}".utf8)
        for number in 0..<count {
            bytes += Array("I\(number)\nNs".utf8)
        }
        var data = Data(bytes) + Data("t.".utf8)
        let values = try #require(PickleReader.value(of: data).elements)
        guard case .dictionary(let entries) = values[1] else {
            Issue.record("no dictionary")
            return
        }
        #expect(entries.count == count && entries[count - 1].key == .int(count - 1))
        data = Data("]".utf8) + Data(String(repeating: "Na", count: count).utf8) + Data(".".utf8)
        #expect(try PickleReader.value(of: data).elements?.count == count)
    }

    /// Numbers of stored values that no file needs would take memory without end.
    @Test func storedValuesHaveSmallNumbers() {
        for text in ["]p999999999999\n.", "]p-1\n.", "]r\u{ff}\u{ff}\u{ff}\u{7f}."] {
            let data = Data(text.unicodeScalars.map { UInt8($0.value) })
            #expect(throws: PickleError.self) { try PickleReader.value(of: data) }
        }
    }
}
