import Datasets
import Foundation
import Images
import Testing

@testable import Scenes

@Suite struct SceneTests {
    static func scenes(_ count: Int, _ combinations: SceneSampler.Combinations = .seen) -> [Scene] {
        (0..<count).map { index in
            var random = SeededGenerator(7, UInt64(index))
            return SceneSampler(combinations: combinations).scene(using: &random)
        }
    }

    @Test func scenesHaveTwoToSixObjectsOfEveryKind() {
        let scenes = Self.scenes(600)
        let objects = scenes.flatMap(\.objects)
        #expect(Set(scenes.map(\.objects.count)) == [2, 3, 4, 5, 6])
        #expect(Set(scenes.map(\.background)).count == Background.allCases.count)
        #expect(Set(objects.map(\.shape)).count == 12)
        #expect(Set(objects.map(\.color)).count == 10)
        #expect(Set(objects.map(\.size)).count == 3)
        #expect(Set(objects.map(\.fill)).count == 3)
    }

    @Test func unseenCombinationsAreKeptApart() {
        #expect(Combination.unseen.count == Shape.allCases.count)
        #expect(Set(Combination.unseen.map(\.color)).count == ObjectColor.allCases.count)
        for scene in Self.scenes(300) {
            #expect(Combination.unseen.isDisjoint(with: scene.objects.map(\.combination)))
        }
        for scene in Self.scenes(300, .includingUnseen) {
            #expect(!Combination.unseen.isDisjoint(with: scene.objects.map(\.combination)))
        }
    }

    /// A box is where the image changes when its object is taken away, whatever draws it.
    @Test func boxesBoundTheDrawnObjects() throws {
        let side = 96
        var least = 1.0
        for scene in Self.scenes(16) {
            let rendered = try RenderedScene(scene, side: side)
            least = min(least, rendered.visibleShares.min() ?? 0)
            for (index, box) in rendered.boxes.enumerated() {
                var objects = scene.objects
                objects.remove(at: index)
                let without = try RenderedScene(
                    Scene(
                        background: scene.background, objects: objects, variation: scene.variation),
                    side: side)
                let found = try #require(Self.changes(rendered.image, without.image))
                // Pixels of which less than a quarter is covered are outside of a box.
                let edges = [
                    found.left - box.left, found.top - box.top,
                    found.left + found.width - box.left - box.width,
                    found.top + found.height - box.top - box.height,
                ]
                #expect(
                    edges.allSatisfy { abs($0) <= 2 }, "\(box) \(found) \(scene.objects[index])")
            }
        }
        // Objects may hide each other in part only.
        #expect(least > 0.5)
        #expect(least < 0.95)
    }

    private static func changes(_ a: RGBImage, _ b: RGBImage) -> PixelBox? {
        var box: (left: Int, top: Int, right: Int, bottom: Int)?
        for y in 0..<a.height {
            for x in 0..<a.width {
                let at = 3 * (y * a.width + x)
                let difference = (0..<3).map {
                    abs(Int(a.pixels[at + $0]) - Int(b.pixels[at + $0]))
                }
                guard difference.max() ?? 0 > 12 else { continue }
                let old = box ?? (x, y, x + 1, y + 1)
                box = (
                    min(old.left, x), min(old.top, y), max(old.right, x + 1), max(old.bottom, y + 1)
                )
            }
        }
        return box.map {
            PixelBox(
                left: $0.left, top: $0.top, width: $0.right - $0.left, height: $0.bottom - $0.top)
        }
    }

    @Test func picturesAreTheSameAtEverySize() throws {
        let scene = try #require(Self.scenes(1).first)
        let small = try RenderedScene(scene, side: 64)
        let large = try RenderedScene(scene, side: 256)
        for (a, b) in zip(small.boxes, large.boxes) {
            #expect(abs(4 * a.left - b.left) <= 5 && abs(4 * a.width - b.width) <= 9)
        }
    }

    // MARK: Claims

    private static func object(
        _ shape: Shape, _ color: ObjectColor, x: Double, y: Double = 0.5
    ) -> SceneObject {
        SceneObject(
            shape: shape, color: color, size: .medium, fill: .plain, x: x, y: y, diameter: 0.28,
            rotation: 0, isMirrored: false, variation: 0)
    }

    @Test func claimsAreTrueFalseOrOpen() {
        let scene = Scene(
            background: .sky,
            objects: [
                Self.object(.car, .red, x: 0.2), Self.object(.cup, .blue, x: 0.5),
                Self.object(.cup, .red, x: 0.55),
            ], variation: 0)
        let (car, cup) = (Description(shape: .car), Description(shape: .cup))
        let (blueCup, redCup) = (
            Description(shape: .cup, color: .blue), Description(shape: .cup, color: .red)
        )
        #expect(Claim.exists(blueCup).holds(in: scene) == true)
        #expect(Claim.exists(Description(shape: .car, color: .blue)).holds(in: scene) == false)
        #expect(Claim.count(cup, 2).holds(in: scene) == true)
        #expect(Claim.count(cup, 1).holds(in: scene) == false)
        #expect(Claim.count(Description(color: .red), 2).holds(in: scene) == true)
        #expect(Claim.related(car, .leftOf, cup).holds(in: scene) == true)
        #expect(Claim.related(cup, .leftOf, car).holds(in: scene) == false)
        #expect(Claim.related(blueCup, .leftOf, redCup).holds(in: scene) == nil)
        #expect(Claim.background(.sky).holds(in: scene) == true)
        #expect([Claim.exists(cup), .background(.sand)].holds(in: scene) == false)
        #expect([Claim.exists(cup), .related(blueCup, .leftOf, redCup)].holds(in: scene) == nil)
    }

    @Test func captionsAreTrue() {
        for (index, scene) in Self.scenes(200).enumerated() {
            var writer = CaptionWriter(wording: Wording(random: SeededGenerator(1, UInt64(index))))
            for _ in 0..<5 {
                let caption = writer.caption(of: scene)
                #expect(caption.claims.holds(in: scene) == true, "\(caption)")
                #expect(!caption.claims.isEmpty)
            }
        }
    }

    /// References mean one object; every phrase can be read back to a description of it.
    @Test func referencesNameTheirObjectOnly() {
        for (index, scene) in Self.scenes(200).enumerated() {
            var writer = ReferenceWriter(
                wording: Wording(random: SeededGenerator(2, UInt64(index))))
            for object in scene.objects {
                for phrase in writer.phrases(for: object, in: scene) {
                    let fitting = scene.objects.filter { Self.fits(phrase, $0) }
                    #expect(fitting == [object], "\(phrase) \(fitting)")
                }
            }
        }
    }

    /// Reads a phrase by its words alone.
    private static func fits(_ phrase: String, _ object: SceneObject) -> Bool {
        let text = " " + phrase + " "
        func contains(_ words: [String]) -> Bool { words.contains { text.contains(" \($0) ") } }
        func agrees<Value: CaseIterable & Equatable>(
            _ value: Value, _ words: (Value) -> [String]
        ) -> Bool {
            let named = Value.allCases.filter { contains(words($0)) }
            return named.isEmpty || named.contains(value)
        }
        return agrees(object.shape) { Wording.nouns($0).map(\.singular) }
            && agrees(object.color) { Wording.words($0) }
            && agrees(object.size) { Wording.words($0) }
            && agrees(object.fill) {
                switch $0 {
                case .plain: ["plain"]
                case .striped: ["striped", "stripes"]
                case .dotted: ["dotted", "spotted", "dots"]
                }
            }
    }
}
