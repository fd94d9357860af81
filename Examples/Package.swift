// swift-tools-version: 6.2
import PackageDescription

/// Programs outside of the package, as a researcher would write them: `make examples` builds and runs them.
let package = Package(
    name: "examples",
    dependencies: [.package(name: "vicha", path: "..")],
    targets: ["UseModels", "BuildEncoders", "NewObjective", "NewTask"].map {
        .executableTarget(
            name: $0, dependencies: [.product(name: "ViCHA", package: "vicha")], path: $0)
    },
    swiftLanguageModes: [.v6]
)
