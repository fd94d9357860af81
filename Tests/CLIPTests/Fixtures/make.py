"""Makes the fixtures of this folder: tiny CLIP models with random weights in the forms in which CLIP models are
published, each written and run by the library whose form it is. Run in this folder; needs torch, transformers and
open_clip_torch.
"""

import json
import pathlib

import open_clip
import torch
import transformers
from safetensors.torch import save_file

torch.manual_seed(7)
IMAGE, PATCH, WIDTH, LAYERS, CONTEXT, VOCABULARY, EMBED = 16, 8, 64, 2, 8, 50, 24
expected = {"pixels": torch.randn(2, 3, IMAGE, IMAGE)}
# A text ends where its largest id stands.
ids = torch.randint(1, VOCABULARY - 1, (3, CONTEXT))
for row, end in enumerate([3, 7, 1]):
    ids[row, end] = VOCABULARY - 1
    ids[row, end + 1 :] = 0
expected["ids"] = ids


def spread(model):
    """Larger weights than the libraries start with, so that a wrong one shows; numbers of half precision."""
    for parameter in model.parameters():
        if parameter.dim() > 0:
            torch.nn.init.normal_(parameter, std=0.3)
        parameter.data = parameter.data.half().float()


def keep(name, images, texts):
    expected[name + ".images"], expected[name + ".texts"] = images.detach(), texts.detach()


def hugging_face():
    tower = dict(hidden_size=WIDTH, intermediate_size=4 * WIDTH, num_hidden_layers=LAYERS, projection_dim=EMBED)
    config = transformers.CLIPConfig(
        text_config=dict(
            tower, num_attention_heads=4, vocab_size=VOCABULARY, max_position_embeddings=CONTEXT, eos_token_id=2
        ),
        vision_config=dict(tower, num_attention_heads=2, image_size=IMAGE, patch_size=PATCH),
        projection_dim=EMBED,
    )
    model = transformers.CLIPModel(config).eval()
    spread(model)
    keep("hugging_face", model.get_image_features(expected["pixels"]), model.get_text_features(ids))
    model.half().save_pretrained("hugging_face")


def open_clip_model():
    config = dict(
        embed_dim=EMBED,
        vision_cfg=dict(image_size=IMAGE, patch_size=PATCH, width=WIDTH, layers=LAYERS, head_width=32),
        text_cfg=dict(context_length=CONTEXT, vocab_size=VOCABULARY, width=WIDTH, heads=4, layers=LAYERS),
    )
    model = open_clip.CLIP(**config).eval()
    spread(model)
    folder = pathlib.Path("open_clip")
    folder.mkdir(exist_ok=True)
    save_file({key: value.half() for key, value in model.state_dict().items()}, folder / "open_clip_model.safetensors")
    preprocess = dict(mean=[0.5, 0.4, 0.3], std=[0.2, 0.3, 0.4])
    (folder / "open_clip_config.json").write_text(json.dumps(dict(model_cfg=config, preprocess_cfg=preprocess), indent=1))
    keep("open_clip", model.encode_image(expected["pixels"]), model.encode_text(ids))


class Holder(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x


def openai():
    """A TorchScript archive whose parameters have OpenAI's names, in half precision, with its constants."""
    model = open_clip.CLIP(
        EMBED,
        dict(image_size=IMAGE, patch_size=PATCH, width=WIDTH, layers=LAYERS, head_width=64),
        dict(context_length=CONTEXT, vocab_size=VOCABULARY, width=WIDTH, heads=1, layers=LAYERS),
        quick_gelu=True,
    ).eval()
    spread(model)
    keep("openai", model.encode_image(expected["pixels"]), model.encode_text(ids))
    root = Holder()
    for key, value in model.state_dict().items():
        *path, name = key.split(".")
        place = root
        for part in path:
            if not hasattr(place, part):
                place.add_module(part, Holder())
            place = getattr(place, part)
        place.register_parameter(name, torch.nn.Parameter(value.half(), requires_grad=False))
    for name, value in [("input_resolution", IMAGE), ("context_length", CONTEXT), ("vocab_size", VOCABULARY)]:
        root.register_buffer(name, torch.tensor(value))
    torch.jit.script(root.eval()).save("openai.pt")


hugging_face()
open_clip_model()
openai()
save_file({key: value.contiguous() for key, value in expected.items()}, "expected.safetensors")
