// Opens trained models and asks, searches, matches and draws with them.
//
//     swift run UseModels VQA-MODEL RETRIEVAL-MODEL GROUNDING-MODEL IMAGE OUTPUT.png
import Foundation
import Images
import Tasks

let arguments = CommandLine.arguments
guard arguments.count == 6 else {
    print("usage: UseModels VQA-MODEL RETRIEVAL-MODEL GROUNDING-MODEL IMAGE OUTPUT.png")
    exit(64)
}
let (imageFile, output) = (arguments[4], arguments[5])
let image = try ImageDecoder.decode(path: imageFile)

// A directory says which vocabulary and which sizes its weights need.
let questions = try TrainedModel<QuestionAnsweringTask>(ModelDirectory(arguments[1]))
for answer in try questions.answer("what is on the left?", about: image).prefix(3) {
    print(String(format: "%5.1f %%  ", 100 * answer.probability) + answer.text)
}
for answer in try questions.rank(["red", "green", "blue"], for: "which colour?", about: image) {
    print(String(format: "%5.1f %%  ", 100 * answer.probability) + answer.text)
}

let retrieval = try TrainedModel<RetrievalTask>(ModelDirectory(arguments[2]))
let folder = (imageFile as NSString).deletingLastPathComponent
for result in try retrieval.search(
    "a red ball", in: ImageDirectory(folder).files, count: 3)
{
    print(String(format: "%7.3f  ", result.score) + (result.item as NSString).lastPathComponent)
}
for result in try retrieval.match(imageFile, with: ["a red ball", "a green tree", "two cups"]) {
    print(String(format: "%7.3f  ", result.score) + result.item)
}

let grounding = try TrainedModel<GroundingTask>(ModelDirectory(arguments[3]))
let heat = try grounding.heat(of: "the red ball", in: image)
try heat.drawn(over: image, label: "image").write(to: output)
print("look at \(output)")
