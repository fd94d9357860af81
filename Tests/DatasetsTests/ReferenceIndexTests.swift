import Files
import Foundation
import Testing

@testable import Datasets

/// References of RefCOCO, RefCOCO+ and RefCOCOg, and the boxes of a detector.
@Suite struct ReferenceIndexTests {
    private func withDirectory(_ body: (String) throws -> Void) throws {
        let directory = NSTemporaryDirectory() + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try FileManager.default.createDirectory(
            atPath: directory, withIntermediateDirectories: true)
        let instances = """
            {"images": [{"id": 1, "width": 9, "height": 8, "file_name": "a.jpg"}],
            "annotations": [{"id": 2, "image_id": 1, "category_id": 3, "bbox": [0, 1, 2, 3]}],
            "categories": [{"id": 3, "name": "dog"}]}
            """
        try instances.write(
            toFile: directory + "/instances.json", atomically: true, encoding: .utf8)
        try body(directory)
    }

    private func reference(_ id: PickleValue, split: String) -> PickleValue {
        .dictionary([
            "ref_id": id, "ann_id": .int(2), "image_id": .int(1), "category_id": .int(3),
            "split": .string(split), "sent_ids": .list([.int(5)]),
            "sentences": .list([.dictionary(["sent_id": .int(5), "sent": .string("a dog")])]),
        ])
    }

    private func write(_ value: PickleValue, _ path: String) throws {
        try PickleWriter.data(.list([value])).write(to: URL(fileURLWithPath: path))
    }

    @Test func theFilesOfAllSplitsAreFound() throws {
        try withDirectory { directory in
            let error = try #require(throws: AnnotationError.self) {
                try ReferenceIndex(directory: directory)
            }
            for name in ["refs(unc).p", "refs(umd).p", "refs(google).p", "refs.json"] {
                #expect("\(error)".contains(name))
            }
            try write(reference(.int(7), split: "val"), directory + "/refs(google).p")
            #expect(try ReferenceIndex(directory: directory).references[7]?.split == "val")
            try write(reference(.int(7), split: "test"), directory + "/refs(umd).p")
            #expect(try ReferenceIndex(directory: directory).references[7]?.split == "test")
            try write(reference(.int(7), split: "testA"), directory + "/refs(unc).p")
            let index = try ReferenceIndex(directory: directory)
            #expect(index.references[7]?.split == "testA")
            #expect(index.boxes[7] == Box(x: 0, y: 1, width: 2, height: 3))
        }
    }

    @Test func idsOfNumPyAreRead() throws {
        let type = PickleValue.built(
            "numpy.dtype", arguments: [.string("i8"), .bool(false), .bool(true)],
            state: .list([.int(3), .string("<")]))
        let id = PickleValue.built(
            "numpy._core.multiarray.scalar",
            arguments: [type, .bytes([7, 1, 0, 0, 0, 0, 0, 0])], state: nil)
        try withDirectory { directory in
            try write(reference(id, split: "val"), directory + "/refs(unc).p")
            #expect(try ReferenceIndex(directory: directory).references[263] != nil)
            try write(
                reference(.built("os.system", arguments: [], state: nil), split: "val"),
                directory + "/refs(unc).p")
            #expect(throws: AnnotationError.self) { try ReferenceIndex(directory: directory) }
        }
    }

    /// Heat maps are drawn as large as an image is said to be.
    @Test(arguments: [
        ("width", "0"), ("height", "-5"), ("height", "9223372036854775807"), ("width", "100000000"),
        ("height", "65535"),
    ]) func sizesThatNoImageHasAreRefused(_ field: String, _ value: String) throws {
        try withDirectory { directory in
            try write(reference(.int(3), split: "val"), directory + "/refs(unc).p")
            let path = directory + "/instances.json"
            let text = try String(contentsOfFile: path, encoding: .utf8)
            var changed = text.replacing(
                try Regex("\"\(field)\": *[0-9]+"), with: "\"\(field)\": \(value)")
            if value == "65535" {
                changed = changed.replacing(
                    try Regex("\"width\": *[0-9]+"), with: "\"width\": 65535")
            }
            #expect(changed != text)
            try changed.write(toFile: path, atomically: true, encoding: .utf8)
            let error = try #require(throws: AnnotationError.self) {
                try ReferenceIndex(directory: directory)
            }
            #expect("\(error)".contains(path) && "\(error)".contains("record 0"), "\(error)")
            #expect(
                "\(error)".contains("'images.\(field)'") && "\(error)".contains(value), "\(error)")
        }
    }

    /// Of two that have one id the wrong one would be used.
    @Test(arguments: ["images", "annotations"]) func idsNamedTwiceAreAnError(_ list: String) throws
    {
        try withDirectory { directory in
            try write(reference(.int(3), split: "val"), directory + "/refs(unc).p")
            let path = directory + "/instances.json"
            var instances = try AnnotationFile.load(
                ReferenceIndex.Instances.self, file: path)
            instances = .init(
                images: instances.images + (list == "images" ? instances.images.prefix(1) : []),
                annotations: instances.annotations
                    + (list == "annotations" ? instances.annotations.prefix(1) : []),
                categories: instances.categories)
            try JSONEncoder().encode(instances).write(to: URL(fileURLWithPath: path))
            let error = try #require(throws: AnnotationError.self) {
                try ReferenceIndex(directory: directory)
            }
            #expect(
                "\(error)".contains(path) && "\(error)".contains("of '\(list)' has the 'id'"),
                "\(error)")
        }
    }

    @Test func imagesNamedTwiceAreAnErrorWithTheKey() throws {
        try withDirectory { directory in
            let path = directory + "/dets.json"
            for other in ["0034", "+34"] {
                try #"{"34": [[0, 0, 1, 1]], "\#(other)": [[0, 0, 2, 2]]}"#
                    .write(toFile: path, atomically: true, encoding: .utf8)
                let error = try #require(throws: AnnotationError.self) {
                    try DetectionFile.load(path)
                }
                #expect("\(error)".contains("'34'") && "\(error)".contains("'\(other)'"))
            }
        }
    }
}
