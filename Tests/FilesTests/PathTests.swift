import Files
import Foundation
import Testing

/// Paths as users type them.
@Suite struct PathTests {
    @Test(arguments: [
        ("x", ""), ("", ""), ("/", "/"), ("a/", ""), ("/x", "/"), ("x/y", "x"), ("x//y/", "x"),
        ("/a/b/c", "/a/b"), ("//", "/"), ("./x", "."),
    ]) func parents(_ path: String, _ parent: String) {
        #expect(path.parentDirectory == parent)
    }

    /// Foundation drops a `..` at the start of a relative path.
    @Test func pathsAreResolvedAsTheSystemDoes() throws {
        let root = (NSTemporaryDirectory() + "paths-\(UUID().uuidString)").resolvedPath
        defer { try? FileManager.default.removeItem(atPath: root) }
        try FileManager.default.createDirectory(
            atPath: root + "/real/a/b", withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(
            atPath: root + "/link", withDestinationPath: root + "/real/a/b")
        let here = FileManager.default.currentDirectoryPath.resolvedPath
        #expect(".".resolvedPath == here)
        #expect("none/x".resolvedPath == here + "/none/x")
        #expect("../none".resolvedPath == here.parentDirectory + "/none")
        #expect("/".resolvedPath == "/" && "/none".resolvedPath == "/none")
        #expect((root + "/link/none").resolvedPath == root + "/real/a/b/none")
        #expect("../x".resolved(in: root + "/link") == root + "/real/a/x")
        #expect("/x".resolved(in: root) == "/x" && "x".resolved(in: "none") == here + "/none/x")
        #expect((root + "/clip").relativePath(from: root + "/link/run") == "../../../../clip")
        #expect((root + "/clip").relativePath(from: root) == "clip")
    }
}
