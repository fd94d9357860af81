import Foundation
import Images

extension Reader {
    /// Pixels that a changed image may have where as much of it is taken as there is, so that those whose
    /// header promises more than their file holds do not take most of the time.
    private static let availableLimit = 1 << 20

    /// Bits and kinds of colours.
    private static let otherPixels: [(UInt8, UInt8)] = [
        (8, 0), (16, 2), (8, 6), (1, 0), (8, 3), (16, 4),
    ]

    /// JPEG files of 17 × 13 pixels of kinds that this package does not write.
    private static let otherJPEGs = [
        // progressive
        """
        /9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAEMuMjoyKkM6NjpLR0NPZKZsZFxcZMySmnmm8dT++u3U6eX/////////\
        /+Xp////////////////////////////2wBDAUdLS2RXZMRsbMT//+n/////////////////////////////////\
        ////////////////////////////////////wgARCAANABEDASIAAhEBAxEB/8QAFwABAQEBAAAAAAAAAAAAAAAA\
        AAIBA//EABQBAQAAAAAAAAAAAAAAAAAAAAD/2gAMAwEAAhADEAAAAZ1IdB//xAAYEAACAwAAAAAAAAAAAAAAAAAA\
        AREgIf/aAAgBAQABBQKi0g//xAAVEQEBAAAAAAAAAAAAAAAAAAAAEf/aAAgBAwEBPwFX/8QAFREBAQAAAAAAAAAA\
        AAAAAAAAACH/2gAIAQIBAT8BV//EABYQAAMAAAAAAAAAAAAAAAAAABAgMf/aAAgBAQAGPwIRP//EABwQAAIBBQEA\
        AAAAAAAAAAAAAAABIRExUXGBof/aAAgBAQABPyHw6UeRYaUG7P/aAAwDAQACAAMAAAAQkw//xAAWEQEBAQAAAAAA\
        AAAAAAAAAAAAcQH/2gAIAQMBAT8QiMf/xAAYEQACAwAAAAAAAAAAAAAAAAAAEWHw8f/aAAgBAgEBPxCR3p//xAAd\
        EAEBAAIBBQAAAAAAAAAAAAABEQBR4SFxkcHx/9oACAEBAAE/ECBYu+MI1Czc9Z9rjEQts33wRoOmRyOf/9k=
        """,
        // inks
        """
        /9j/7gAOQWRvYmUAZAAAAAAA/9sAQwBDLjI6MipDOjY6S0dDT2SmbGRcXGTMkpp5pvHU/vrt1Onl///////////l\
        6f///////////////////////////8AAFAgADQARBEMRAE0RAFkRAEsRAP/EABgAAAMBAQAAAAAAAAAAAAAAAAAC\
        AwEE/8QAMhAAAQIEAgYHCQAAAAAAAAAAAQIRAAMhMRLwQVFhcZLhIjJSU2KR0QQTFEJjgZOh8f/aAA4EQwBNAFkA\
        SwAAPwDo6vSVVRsDnO+4pTl6kPSt76QbsYUlS1Oak5z/AExjEuA5JuTfWAxg6vSVVRsDnO+7BOEuuqtosHvUXrFw\
        E+zpc1Wf1nOgQ6ml0at2awe9RtgxTPFw84ljmalfj5RP4iZrVw84k0zvpXlygFApZqQYZBBU6g5xYXpr3RSUBLkG\
        aA5ajw5UEUCfmwizCu7bAKBSzUgwA4pmC1H0agbfaIKJUsklzibnAhLpSrtEPFMMzvBw84l7/wClL8j6wmMePzHp\
        EnPbXxGP/9k=
        """,
        // progressive and grey
        """
        /9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAEMuMjoyKkM6NjpLR0NPZKZsZFxcZMySmnmm8dT++u3U6eX/////////\
        /+Xp////////////////////////////wgALCAANABEBAREA/8QAFwAAAwEAAAAAAAAAAAAAAAAAAAECA//aAAgB\
        AQAAAAGRjz//xAAYEAACAwAAAAAAAAAAAAAAAAAAEBEhIv/aAAgBAQABBQKllyf/xAAUEAEAAAAAAAAAAAAAAAAA\
        AAAg/9oACAEBAAY/Al//xAAdEAACAQQDAAAAAAAAAAAAAAAAAREhQVGBMWHw/9oACAEBAAE/IeFicNEdC8KglTRH\
        D9o//9oACAEBAAAAEMf/xAAeEAEBAAIBBQEAAAAAAAAAAAABESHwAEFRobHx4f/aAAgBAQABPxACxhhfz77xLZgx\
        hj786bbwqUyuTpmbsAUAKwdrN2fWOP/Z
        """,
    ].map { Data(base64Encoded: $0) ?? Data() }

    /// Images.
    static let images: [Reader] = [
        image("jpeg", "a.jpg") {
            [try ImageEncoder.jpeg($0), try ImageEncoder.jpeg($0, quality: 30)] + otherJPEGs
        },
        image("png", "a.png", repair: PNGRepair.checksums) { image in
            let png = try ImageEncoder.png(image)
            // Other kinds of pixels for the same data: the decoder must not trust that they match.
            return [png]
                + Self.otherPixels.map { depth, colours in
                    var other = [UInt8](png)
                    other[24] = depth
                    other[25] = colours
                    PNGRepair.checksums(&other)
                    return Data(other)
                }
        },
    ]

    private static func image(
        _ name: String, _ file: String, repair: (@Sendable (inout [UInt8]) -> Void)? = nil,
        _ seeds: @escaping @Sendable (RGBImage) throws -> [Data]
    ) -> Reader {
        Reader(
            name: name, file: file, form: .binary,
            seeds: { _ in
                try [(8, 8), (37, 21), (1, 1)].flatMap { width, height in
                    try seeds(
                        RGBImage(
                            width: width, height: height,
                            pixels: (0..<3 * width * height).map {
                                UInt8(truncatingIfNeeded: $0 * $0)
                            }))
                }
            }, repair: repair,
            uses: [
                { _ = try ImageDecoder.decode($0.bytes, name: $0.path) },
                { _ = try ImageDecoder.decode(path: $0.path, shortSide: 8, limit: availableLimit) },
                { _ = try ImageDecoder.decodeAvailable(path: $0.path, limit: availableLimit) },
            ])
    }
}

/// Checksums of the pieces of a PNG file (PNG specification, annex D).
private enum PNGRepair {
    private static let table: [UInt32] = (0..<256).map { byte in
        (0..<8).reduce(UInt32(byte)) { sum, _ in sum & 1 == 1 ? 0xedb8_8320 ^ sum >> 1 : sum >> 1 }
    }

    static func checksums(_ bytes: inout [UInt8]) {
        var start = 8
        while start + 12 <= bytes.count {
            let length = bytes[start..<start + 4].reduce(0) { $0 << 8 | Int($1) }
            let end = start + 8 + length
            guard end + 4 <= bytes.count else { return }
            let sum = ~bytes[start + 4..<end].reduce(~UInt32(0)) { sum, byte in
                table[Int(UInt8(truncatingIfNeeded: sum) ^ byte)] ^ sum >> 8
            }
            for index in 0..<4 {
                bytes[end + index] = UInt8(truncatingIfNeeded: sum >> UInt32(24 - 8 * index))
            }
            start = end + 4
        }
    }
}
