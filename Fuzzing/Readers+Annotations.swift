import Datasets
import Files
import Foundation

extension Reader {
    /// Pickles, and the references that come as one.
    static let pickles: [Reader] = [
        Reader(
            name: "pickle", file: "a.p", form: .binary,
            seeds: { _ in
                [PickleWriter.data(references)]
                    + [
                        "KGxwMApWYQpwMQphSS03CmFJMDEKYUYxLjUKYU5hKGRwMgpWMelcdTAwNWMKcDMKKEk2NApJMgp0cDQK"
                            + "c2FnMgphLg==",
                        "gASVLgAAAAAAAAB9lCiMAWuUXZQoSwFHQAAAAAAAAACMAXiUToiGlGWMA2JpZ5SKBgAAAAAAAXUu",
                    ].compactMap { Data(base64Encoded: $0) }
            },
            uses: [
                { _ = try PickleReader.value(of: $0.bytes) },
                { _ = try PickleReader.value(of: $0.bytes) { _ in true } },
            ]),
        references("references", "refs(unc).p", .binary) { PickleWriter.data(references) },
        references("references-json", "refs.json", .text) {
            Data(
                """
                [{"ref_id": 7, "ann_id": 2, "image_id": 1, "category_id": 3, "split": "val",
                "sentences": [{"sent_id": 5, "sent": "a dog"}]}]
                """.utf8)
        },
        references("instances", "instances.json", .text) { Data(instances.utf8) },
    ]

    private static func references(
        _ name: String, _ file: String, _ form: Mutator.Form, _ seed: @escaping @Sendable () -> Data
    ) -> Reader {
        Reader(
            name: name, file: file, form: form,
            seeds: { directory in
                if file == "instances.json" {
                    try PickleWriter.data(references)
                        .write(to: URL(fileURLWithPath: directory + "/refs(unc).p"))
                } else {
                    try Data(instances.utf8)
                        .write(to: URL(fileURLWithPath: directory + "/instances.json"))
                }
                return [seed()]
            },
            uses: [
                { input in
                    let index = try ReferenceIndex(directory: input.directory)
                    for (_, box) in index.boxes { _ = box.overlap(with: box) }
                }
            ])
    }

    private static let instances = """
        {"images": [{"id": 1, "width": 9, "height": 8, "file_name": "a.jpg"}],
        "annotations": [{"id": 2, "image_id": 1, "category_id": 3, "bbox": [0, 1.5, 2, 3]}],
        "categories": [{"id": 3, "name": "dog"}]}
        """

    private static var references: PickleValue {
        let number = PickleValue.built(
            "numpy._core.multiarray.scalar",
            arguments: [
                .built(
                    "numpy.dtype", arguments: [.string("i8"), .bool(false), .bool(true)],
                    state: .list([.int(3), .string("<")])), .bytes([7, 0, 0, 0, 0, 0, 0, 0]),
            ], state: nil)
        return .list(
            [number, .int(8)].map { id in
                .dictionary([
                    "ref_id": id, "ann_id": .int(2), "image_id": .int(1), "category_id": .int(3),
                    "split": .string("val"), "sent_ids": .list([.int(5)]),
                    "sentences": .list([
                        .dictionary(["sent_id": .int(5), "sent": .string("a dog")])
                    ]),
                ])
            })
    }

    /// JSON files of records.
    static let annotations: [Reader] = [
        records(
            PretrainingRecord.self, "pretraining-records",
            #"[{"image": "a/b.jpg", "caption": ["a dog", "é"], "kwords": ["dog", "grass"]}, "#
                + #"{"image": "c.jpg", "caption": "a cat", "kwords": []}]"#),
        records(
            RetrievalRecord.self, "retrieval-records",
            #"[{"image": "a.jpg", "caption": "a dog", "image_id": "coco_7", "kwords": ["dog"]}, "#
                + #"{"image": "c.jpg", "caption": ["a", "b"], "image_id": 7, "kwords": ["dog"]}]"#),
        records(
            QuestionRecord.self, "question-records",
            #"[{"image": "a.jpg", "dataset": "vqa", "question": "what?", "question_id": 3, "#
                + #""answer": ["dog", "dog", "cat"], "kwords": ["dog"]}, {"image": "b.jpg", "#
                + #""dataset": "vg", "question": "why?", "answer": "because", "kwords": ["dog", "cat"]}]"#
        ),
        records(
            ReferringRecord.self, "referring-records",
            #"[{"image": "a.jpg", "text": "left dog", "ref_id": 7, "kwords": ["dog"]}]"#),
        records(
            EntailmentRecord.self, "entailment-records",
            #"[{"image": "123", "sentence": "a dog", "label": "neutral", "kwords": ["dog"]}]"#),
        records(
            PairRecord.self, "pair-records",
            #"[{"images": ["a.png", "b.png"], "sentence": "two dogs", "label": "True", "#
                + #""kwords1": ["dog"], "kwords2": [], "identifier": "dev-1"}]"#),
        json(
            "detections", #"{"34": [[0, 0, 1, 1.5], [2, 2, 3, 3, 0.9]], "35": []}"#,
            [{ _ = try DetectionFile.load($0.path) }]),
        json(
            "answers",
            #"{"annotations": [{"question_id": 1, "image_id": 2, "question_type": "what", "#
                + #""answer_type": "other", "multiple_choice_answer": "dog", "#
                + #""answers": [{"answer": "dog", "answer_id": 1}, {"answer": "a cat", "answer_id": 2}]}]}"#,
            [
                { input in
                    let file = try AnswerAnnotations(file: input.path)
                    let answers = Dictionary(file.annotations.map { ($0.questionID, "dog") }) { $1 }
                    _ = try AnswerAccuracy(answers, file.annotations)
                    _ = try AnswerAccuracy.commonest(file.annotations)
                }
            ]),
        json(
            "questions",
            #"{"questions": [{"question_id": 1, "image_id": 2, "question": "what?"}]}"#,
            [{ _ = try AnnotationFile.load(QuestionFile.self, file: $0.path) }]),
        json(
            "results", #"[{"question_id": 1, "answer": "dog"}, {"question_id": 2, "answer": ""}]"#,
            [{ _ = try AnnotationFile.load([AnswerResult].self, file: $0.path) }]),
        json(
            "record-file",
            #"[{"image": "a.jpg", "caption": ["a", "b"], "x": {"y": [1, null]}}, {"images": ["b", "c"]}]"#,
            [
                { input in
                    let file = try RecordFile(path: input.path)
                    for number in 0..<file.count {
                        let record = file[number]
                        _ = record.json(setting: [("caption", JSONText("new"))])
                        _ = record.isList("caption")
                        _ = try record.texts("caption")
                        _ = try record.imageNames()
                    }
                }, { try JSONFile.readTexts(path: $0.path, field: "caption") { _ in } },
            ]),
        json(
            "json",
            #"{"a": [1, -2.5e3, true, null, "x\u00e9\ud83d\ude00\n"], "b": {"c": {}}, "d": NaN}"#,
            [
                { _ = try JSONDocument($0.bytes as NSData).decode([String: [Double]].self) },
                { _ = try JSONDocument($0.bytes as NSData).decode([[String: Int]].self) },
                { try JSONFile.readTexts(path: $0.path, field: "a") { _ in } },
                { try JSONFile.readNumberLists(path: $0.path) { _, _ in } },
            ],
            others: [#"{"a": [1, -2.5e3], "b": []}"#, #"[{"a": 1, "b": -2}]"#]),
    ]

    private static func records<Record: AnnotationRecord>(
        _ type: Record.Type, _ name: String, _ seed: String
    ) -> Reader {
        json(
            name, seed,
            [
                { input in
                    let records = try AnnotationFile.load(
                        type, files: [input.path], requiresConcepts: false)
                    _ = try JSONEncoder().encode(records)
                }, { _ = try AnnotationFile.load(type, files: [$0.path], requiresConcepts: true) },
            ])
    }

    /// A reader of JSON; other programs write it in other encodings too.
    static func json(
        _ name: String, _ seed: String, _ uses: [Use], others: [String] = []
    ) -> Reader {
        Reader(
            name: name, file: "a.json", form: .text,
            seeds: { _ in
                ([seed, seed, seed] + others).map { Data($0.utf8) }
                    + [String.Encoding.utf16, .utf32LittleEndian].compactMap {
                        seed.data(using: $0)
                    }
            }, uses: uses)
    }
}
