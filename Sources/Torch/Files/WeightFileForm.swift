import Foundation

/// What a file of weights turns out to be, by its first bytes.
enum WeightFileForm {
    /// `torch.save` since PyTorch 1.6, or `torch.jit.save`.
    case zip
    /// `torch.save` before PyTorch 1.6.
    case oldPickle
    /// `torch.save` before PyTorch 0.1.10.
    case tar
    case safetensors
    case hdf5
    case numPy
    /// A stand-in that Git's extension for large files leaves where the file itself was not brought.
    case pointer
    /// A page of a web server in place of the file.
    case page
    /// A pickle that PyTorch has not written.
    case pickle
    case image
    case text

    /// nil for a file that looks like none of these, or cannot be read.
    init?(path: String) {
        guard let file = FileHandle(forReadingAtPath: path) else { return nil }
        defer { try? file.close() }
        guard let head = try? file.read(upToCount: 512) else { return nil }
        self.init(head)
    }

    private init?(_ head: Data) {
        func begins(_ text: String) -> Bool { head.starts(with: Array(text.utf8)) }
        // A pickle of the number by which PyTorch knew its own files.
        let oldMagic: [UInt8] = [0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9]
        if begins("PK\u{3}\u{4}") || begins("PK\u{5}\u{6}") {
            self = .zip
        } else if head.first == 0x80, head.dropFirst(2).starts(with: oldMagic) {
            self = .oldPickle
        } else if head.count > 262, head.dropFirst(257).starts(with: Array("ustar".utf8)) {
            self = .tar
        } else if head.starts(with: [0x89, 0x48, 0x44, 0x46]) {
            self = .hdf5
        } else if head.starts(with: [0xff, 0xd8, 0xff])
            || head.starts(with: [0x89, 0x50, 0x4e, 0x47])
        {
            self = .image
        } else if head.starts(with: [0x93] + Array("NUMPY".utf8)) {
            self = .numPy
        } else if begins("version https://git-lfs") {
            self = .pointer
        } else if begins("<!DOCTYPE") || begins("<!doctype") || begins("<html") {
            self = .page
        } else if head.count > 9, head[8] == UInt8(ascii: "{"), head[6] == 0, head[7] == 0 {
            self = .safetensors
        } else if head.count > 1, head[0] == 0x80, (2...5).contains(head[1]) {
            self = .pickle
        } else if !head.isEmpty, head.allSatisfy({ $0 >= 0x20 || (0x09...0x0d).contains($0) }) {
            self = .text
        } else {
            return nil
        }
    }

    /// What it is.
    var name: String {
        switch self {
        case .zip: "a file of torch.save"
        case .oldPickle: "a file of torch.save in its form before PyTorch 1.6"
        case .tar: "a file of torch.save in its form before PyTorch 0.1.10"
        case .safetensors: "a safetensors file"
        case .hdf5: "an HDF5 file, of TensorFlow or Keras"
        case .numPy: "a file of NumPy"
        case .pointer: "a pointer of git-lfs, which stands in for the file"
        case .page: "a page of a web server and not the file itself"
        case .pickle: "a pickle, but none of torch.save"
        case .image: "an image"
        case .text: "a text"
        }
    }

    /// What to do where a safetensors file is expected.
    func remedy(path: String) -> String {
        let target = (path as NSString).deletingPathExtension + ".safetensors"
        switch self {
        case .zip, .oldPickle, .tar:
            return "Convert it with Python: safetensors.torch.save_file(torch.load('\(path)', "
                + "map_location='cpu', weights_only=True), '\(target)'); of a training checkpoint "
                + "take the state dictionary in it, such as torch.load(…)['model']."
        case .safetensors: return "Name it with the extension .safetensors."
        case .hdf5, .numPy: return "Take the weights of the model for PyTorch."
        case .pointer: return "Bring the file with 'git lfs pull'."
        case .page: return "Download it again."
        case .pickle:
            return "Load it with the library that wrote it, and save its tensors with Python: "
                + "safetensors.torch.save_file(…, '\(target)')."
        case .image, .text: return "Give the file with the weights."
        }
    }

    /// What to do where a file of torch.save is expected.
    func remedyForTorch(path: String) -> String {
        switch self {
        case .oldPickle, .tar:
            "Save it again with a newer PyTorch: torch.save(torch.load('\(path)', "
                + "map_location='cpu', weights_only=True), '\(path)')."
        default: remedy(path: path)
        }
    }
}
