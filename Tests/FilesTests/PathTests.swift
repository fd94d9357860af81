import Files
import Testing

/// Paths as users type them.
@Suite struct PathTests {
    @Test(arguments: [
        ("x", ""), ("", ""), ("/", "/"), ("a/", ""), ("/x", "/"), ("x/y", "x"), ("x//y/", "x"),
        ("/a/b/c", "/a/b"), ("//", "/"), ("./x", "."),
    ]) func parents(_ path: String, _ parent: String) {
        #expect(path.parentDirectory == parent)
    }
}
