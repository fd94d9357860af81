import Batches
import Datasets
import Foundation
import Text
import Torch
import ViCHA

extension ParityCase {
    private struct BertFields: Decodable {
        let strings: [String]
        @Recorded var config: BertConfiguration
    }

    /// A text encoder with real weights on a few sentences.
    func compareBert(directory: String) throws -> Comparison {
        let fields: BertFields = try fields()
        let inputs = try tensors("inputs.safetensors")
        let expected = try tensors("expected.safetensors")
        let tokenizer = try WordPieceTokenizer(vocabularyFile: directory + "/vocab.txt")
        let tokens = tokenizer.batch(fields.strings).to(device: device)
        let store = try ParameterStore(device: device)
        let encoder = TextEncoder(store.root["text_encoder"], fields.config)
        try store.load(bert: SafetensorsFile(path: directory + "/model.safetensors").tensors())
        let states = withoutGradient { encoder.encodeText(tokens) }

        var comparison = Comparison()
        for (name, tensor) in [
            ("input_ids", tokens.inputIDs), ("attention_mask", tokens.attentionMask),
        ] {
            if let wanted = inputs[name] { try comparison.tensor(name, tensor, wanted, within: 0) }
        }
        for (key, wanted) in expected {
            if key == "last_hidden_state" {
                // Rows of padding are compared too: nothing attends to them, but they are computed.
                try comparison.tensor(key, states[states.count - 1], wanted, within: 1e-4)
            } else if let index = key.split(whereSeparator: { !$0.isNumber }).first.flatMap({
                Int($0)
            }),
                index < states.count
            {
                try comparison.tensor(key, states[index].select(1, 0), wanted, within: 1e-4)
            } else {
                comparison.same("\(key) (unknown quantity)", false, true)
            }
        }
        return comparison
    }
}
