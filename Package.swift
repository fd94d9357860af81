// swift-tools-version: 6.2
import PackageDescription

/// Where libtorch is: `LIBTORCH` if set, otherwise the link that `scripts/bootstrap` makes to the
/// wheel inside `.venv`.
let libtorch = Context.environment["LIBTORCH"] ?? Context.packageDirectory + "/.venv/libtorch"

/// Where the program looks for libtorch: from where it lies itself, so that a clone can be moved, then where it
/// was built.
let runPaths =
    (Context.environment["LIBTORCH"] == nil ? ["$ORIGIN/../../../.venv/libtorch/lib"] : [])
    + [libtorch + "/lib"]

let swift: [SwiftSetting] = [.treatAllWarnings(as: .error)]

let package = Package(
    name: "vicha",
    products: [
        .library(
            name: "ViCHA",
            targets: [
                "Batches", "Concepts", "Configuration", "Datasets", "Images", "Reports", "Tasks",
                "Text", "Torch", "Training", "ViCHA",
            ]),
        .executable(name: "vicha", targets: ["Commands"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    ],
    targets: [
        // The C shim over libtorch. The flags name the wheel's headers and libraries, which no
        // package manager knows; the run paths make the binary find them without an environment.
        .target(
            name: "CTorch",
            cxxSettings: [
                .unsafeFlags([
                    "-isystem", libtorch + "/include",
                    "-isystem", libtorch + "/include/torch/csrc/api/include",
                ]),
                // Shows c10d's group over TCP, whose headers include Debian's of gloo.
                .define("USE_C10D_GLOO"),
            ],
            linkerSettings: [
                .unsafeFlags(
                    ["-L" + libtorch + "/lib"] + runPaths.flatMap { ["-Xlinker", "-rpath=" + $0] }),
                .linkedLibrary("torch_cpu"), .linkedLibrary("c10"),
            ]),
        .systemLibrary(
            name: "CXXHash", pkgConfig: "libxxhash", providers: [.apt(["libxxhash-dev"])]),
        .target(name: "Files", dependencies: ["CXXHash"], swiftSettings: swift),
        .target(name: "Torch", dependencies: ["CTorch", "Files"], swiftSettings: swift),
        .target(name: "Configuration", dependencies: ["Files", "Yams"], swiftSettings: swift),
        .target(name: "Batches", dependencies: ["Torch"], swiftSettings: swift),
        .target(
            name: "ViCHA", dependencies: ["Batches", "Configuration", "Torch"],
            swiftSettings: swift),
        .target(
            name: "CLIP", dependencies: ["Configuration", "Files", "Images", "Torch"],
            swiftSettings: swift),
        .target(
            name: "CImageCodecs",
            linkerSettings: [.linkedLibrary("jpeg"), .linkedLibrary("png16")]),
        .target(name: "Images", dependencies: ["CImageCodecs"], swiftSettings: swift),
        .target(name: "Text", dependencies: ["Files"], swiftSettings: swift),
        .target(
            name: "Datasets",
            dependencies: ["Batches", "Configuration", "Files", "Images", "Text", "Torch"],
            swiftSettings: swift),
        .target(
            name: "Concepts",
            dependencies: [
                "Batches", "CLIP", "Datasets", "Files", "Images", "Nouns", "Text", "Torch",
            ],
            swiftSettings: swift),
        .target(
            name: "Nouns", dependencies: ["Files", "Text"],
            resources: [.copy("Resources/tagger.txt"), .copy("Resources/WordNet-license.txt")],
            swiftSettings: swift),
        .systemLibrary(
            name: "CCairo", pkgConfig: "cairo", providers: [.apt(["libcairo2-dev"])]),
        .target(name: "Drawing", dependencies: ["CCairo", "Images"], swiftSettings: swift),
        .target(
            name: "Scenes", dependencies: ["Datasets", "Drawing", "Files", "Images", "Text"],
            swiftSettings: swift),
        .target(
            name: "Training", dependencies: ["Batches", "Configuration", "Datasets", "ViCHA"],
            swiftSettings: swift),
        .target(
            name: "Reports", dependencies: ["Datasets", "Drawing", "Files", "Images", "Torch"],
            swiftSettings: swift),
        .target(name: "Steps", dependencies: ["Files", "Training"], swiftSettings: swift),
        .target(
            name: "Tasks",
            dependencies: [
                "Batches", "CLIP", "Concepts", "Configuration", "Datasets", "Reports", "Training",
                "ViCHA",
            ], swiftSettings: swift),
        .target(
            name: "Parity",
            dependencies: [
                "CLIP", "Concepts", "Datasets", "Files", "Images", "Tasks", "Text", "Training",
            ],
            swiftSettings: swift),
        .executableTarget(
            name: "Commands",
            dependencies: [
                "CLIP", "Concepts", "Configuration", "Drawing", "Nouns", "Parity", "Reports",
                "Scenes", "Steps", "Tasks", "Training",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: swift),
        .executableTarget(
            name: "benchmarks",
            dependencies: [
                "Concepts", "Datasets", "Images", "Nouns", "Tasks", "Text", "Torch", "Training",
                "ViCHA",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Benchmarks", exclude: ["README.md", "attach_per_record.py"],
            swiftSettings: swift),
        .executableTarget(
            name: "fuzz",
            dependencies: [
                "CLIP", "Concepts", "Datasets", "Files", "Images", "Nouns", "Tasks", "Text",
                "Torch", "Training", "ViCHA",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Fuzzing", swiftSettings: swift),
        .testTarget(name: "FuzzingTests", dependencies: ["fuzz"], swiftSettings: swift),
        .testTarget(
            name: "ConfigurationTests", dependencies: ["Configuration"], swiftSettings: swift),
        .testTarget(name: "FilesTests", dependencies: ["Files"], swiftSettings: swift),
        .testTarget(
            name: "TorchTests", dependencies: ["Torch"], exclude: ["Fixtures"], swiftSettings: swift
        ),
        .testTarget(
            name: "TextTests", dependencies: ["Files", "Text"], exclude: ["Fixtures"],
            swiftSettings: swift),
        .testTarget(
            name: "ScenesTests", dependencies: ["Scenes", "Datasets", "Drawing", "Images"],
            swiftSettings: swift),
        .testTarget(
            name: "ImagesTests", dependencies: ["Images"], exclude: ["Fixtures"],
            swiftSettings: swift),
        .testTarget(
            name: "BatchesTests", dependencies: ["Batches", "Torch"], swiftSettings: swift),
        .testTarget(
            name: "TasksTests",
            dependencies: [
                "Batches", "Configuration", "Datasets", "Files", "Images", "Tasks", "Text", "Torch",
                "Training", "ViCHA",
            ],
            swiftSettings: swift),
        .testTarget(
            name: "CLIPTests", dependencies: ["CLIP", "Images", "Torch"], exclude: ["Fixtures"],
            swiftSettings: swift),
        .testTarget(
            name: "ConceptsTests",
            dependencies: ["CLIP", "Concepts", "Datasets", "Files", "Nouns", "Text", "Torch"],
            swiftSettings: swift),
        .testTarget(
            name: "DatasetsTests",
            dependencies: ["Batches", "Datasets", "Files", "Images", "Tasks", "Text", "Torch"],
            swiftSettings: swift),
        .testTarget(
            name: "NounsTests", dependencies: ["Nouns"], exclude: ["Fixtures"], swiftSettings: swift
        ),
        .testTarget(
            name: "TrainingTests", dependencies: ["Configuration", "Files", "Tasks", "Training"],
            exclude: ["Fixtures"], swiftSettings: swift),
        .testTarget(
            name: "ParityTests", dependencies: ["Parity", "Torch"], exclude: ["Fixtures"],
            swiftSettings: swift),
        .testTarget(
            name: "CommandsTests",
            dependencies: [
                "Commands", "Files", "Images", "Reports", "Steps", "Tasks", "Torch", "Training",
                "ViCHA",
            ],
            swiftSettings: swift),
    ],
    swiftLanguageModes: [.v6],
    cxxLanguageStandard: .cxx20
)
