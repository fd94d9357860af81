import CLIP
import Text
import Torch

extension ParityCase {
    private struct TokenizerFields: Decodable {
        struct Item: Decodable {
            let input: String
            let ids: [Int64]
            let tokenized: [Int64]
            let isTooLong: Bool
            let decoded: String

            enum CodingKeys: String, CodingKey {
                case input
                case ids = "bpe_ids"
                case tokenized = "tokenize77_nonzero_prefix"
                case isTooLong = "raises_without_truncate"
                case decoded
            }
        }
        let contextLength: Int
        let vocabularySize: Int
        let items: [Item]

        enum CodingKeys: String, CodingKey {
            case contextLength = "context_length"
            case vocabularySize = "vocab_size"
            case items
        }
    }

    /// Ids of CLIP's byte-pair encoding, alone and as the model gets them.
    func compareCLIPTokenizer(merges: String) throws -> Comparison {
        let fields: TokenizerFields = try fields()
        let tokenizer = try CLIPTokenizer(
            mergesFile: merges, vocabularySize: fields.vocabularySize,
            contextLength: fields.contextLength)
        var comparison = Comparison()
        for (index, item) in fields.items.enumerated() {
            let ids = tokenizer.encode(item.input)
            comparison.same("items.\(index).bpe_ids", ids, item.ids)
            comparison.same(
                "items.\(index).tokenize", tokenizer.sequence(item.input), item.tokenized)
            comparison.same(
                "items.\(index).is_too_long", tokenizer.isTooLong(item.input), item.isTooLong)
            comparison.same(
                "items.\(index).decoded", Array(tokenizer.decode(ids).utf8),
                Array(item.decoded.utf8))
        }
        return comparison
    }

    private struct ModelFields: Decodable {
        let config: [String: Int]
        let visionHeads: Int

        enum CodingKeys: String, CodingKey {
            case config
            case visionHeads = "vision_heads"
        }
    }

    /// Both towers and the similarities of a small model.
    func compareCLIP() throws -> Comparison {
        let fields: ModelFields = try fields()
        func size(_ key: String) throws -> Int {
            guard let size = fields.config[key] else {
                throw ParityError.malformed(case: name, reason: "config has no '\(key)'")
            }
            return size
        }
        var c = CLIPConfiguration()
        c.embedDim = try size("embed_dim")
        c.vision.imageSize = try size("image_resolution")
        c.vision.patchSize = try size("vision_patch_size")
        c.vision.width = try size("vision_width")
        c.vision.depth = try size("vision_layers")
        c.vision.heads = fields.visionHeads
        c.text.contextLength = try size("context_length")
        c.text.vocabularySize = try size("vocab_size")
        c.text.width = try size("transformer_width")
        c.text.depth = try size("transformer_layers")
        c.text.heads = try size("transformer_heads")
        let store = try ParameterStore(device: device)
        let model = try CLIPModel(store.root, c)
        try store.load(tensors("weights.safetensors"))
        let inputs = try tensors("inputs.safetensors")
        let expected = try tensors("expected.safetensors")
        guard let images = inputs["image"], let texts = inputs["text"] else {
            throw ParityError.malformed(case: name, reason: "'image' or 'text' is missing")
        }
        var comparison = Comparison()
        try withInferenceMode {
            let imageEmbeddings = model.encode(images: images)
            let textEmbeddings = model.encode(texts: texts)
            let logits = model.logits(images: imageEmbeddings, texts: textEmbeddings)
            for (key, found) in [
                ("encode_image", imageEmbeddings), ("encode_text", textEmbeddings),
                ("logits_per_image", logits), ("logits_per_text", logits.transposed(0, 1)),
            ] {
                guard let wanted = expected[key] else {
                    throw ParityError.malformed(case: name, reason: "there is no tensor '\(key)'")
                }
                try comparison.tensor(key, found, wanted, within: 1e-4)
            }
        }
        return comparison
    }
}
