"""Makes the fixtures of `settings/`: tiny CLIP models of the two libraries that differ from OpenAI's in one respect
each, and what the library computes with them. Run in this folder; needs torch, torchvision, transformers,
open_clip_torch and Pillow. All models share the tensors of `weights.safetensors`; the rest of each name is made of it.
"""

import json
import pathlib

import numpy as np
import open_clip
import torch
import transformers
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL import Image
from safetensors.torch import save_file

torch.manual_seed(11)
IMAGE, PATCH, WIDTH, LAYERS, CONTEXT, VOCABULARY, EMBED = 16, 8, 32, 1, 8, 40, 12
ids = torch.randint(1, VOCABULARY - 1, (3, CONTEXT))
for row, end in enumerate([3, 7, 1]):
    ids[row, end] = VOCABULARY - 1
    ids[row, end + 1 :] = 0
pixels = torch.randn(2, 3, IMAGE, IMAGE)
rng = np.random.default_rng(3)
photo = Image.fromarray(rng.integers(0, 256, (37, 53, 3), dtype=np.uint8))
photo.save("photo.png")

FAMILIES = {
    "plain": ({}, {}, {}),
    "average": (dict(pool_type="avg"), {}, {}),
    "average_normalized": (dict(pool_type="avg", final_ln_after_pool=True), {}, {}),
    "no_pre_norm": (dict(no_ln_pre=True), {}, {}),
    "last": ({}, dict(pool_type="last"), {}),
    "first": ({}, dict(pool_type="first", no_causal_mask=True), {}),
    "end": ({}, dict(pool_type="eos", eos_id=VOCABULARY - 1), {}),
    "not_causal": ({}, dict(no_causal_mask=True), {}),
    "tanh": (dict(act_kwargs=dict(approximate="tanh")), dict(act_kwargs=dict(approximate="tanh")), {}),
    "quick": ({}, {}, dict(quick_gelu=True)),
    "epsilon": (dict(norm_kwargs=dict(eps=0.1)), dict(norm_kwargs=dict(eps=0.2)), {}),
    "mlp_ratio": (dict(mlp_ratio=2.7), dict(mlp_ratio=1.5), {}),
    "layer_scale": (dict(ls_init_value=1e-4), dict(ls_init_value=1e-4), {}),
    "bias": ({}, dict(proj_bias=True), {}),
    "own_text_tower": ({}, dict(pool_type="last", no_causal_mask=True), dict(custom_text=True)),
}
PREPROCESS = {
    "shortest": {},
    "bilinear": dict(interpolation="bilinear"),
    "squash": dict(resize_mode="squash"),
    "squash_bilinear": dict(resize_mode="squash", interpolation="bilinear"),
    "longest": dict(resize_mode="longest", fill_color=90),
    "mean": dict(mean=[0.5, 0.4, 0.3], std=[0.2, 0.3, 0.4]),
}


def fill(model):
    """Numbers that only depend on the name and the shape, so that no weights need to be kept."""
    for name, parameter in model.named_parameters():
        key = name.removeprefix("text.")
        generator = torch.Generator().manual_seed(sum(key.encode()))
        parameter.data = (torch.randn(parameter.shape, generator=generator) * 0.3).half().float()


expected, weights = {"ids": ids, "pixels": pixels}, {}
configurations = {}
# Under which name of the files of weights the tensors of each model lie.
names = {}
for name, (vision, text, rest) in FAMILIES.items():
    config = dict(
        embed_dim=EMBED,
        vision_cfg=dict(image_size=IMAGE, patch_size=PATCH, width=WIDTH, layers=LAYERS, head_width=16, **vision),
        text_cfg=dict(context_length=CONTEXT, vocab_size=VOCABULARY, width=WIDTH, heads=2, layers=LAYERS, **text),
        **rest,
    )
    configurations[name] = config
    arguments = {key: value for key, value in config.items() if key != "custom_text"}
    model = (open_clip.CustomTextCLIP if rest.get("custom_text") else open_clip.CLIP)(**arguments).eval()
    fill(model)
    state = {key: value.half() for key, value in model.state_dict().items() if not key.endswith("attn_mask")}
    # A tensor is kept once for all models that have it.
    names[name] = {}
    for key, value in state.items():
        names[name][key] = kept = key.removeprefix("text.") + "".join(f"|{size}" for size in value.shape)
        assert kept not in weights or torch.equal(weights[kept], value), kept
        weights[kept] = value.clone()
    expected[name + ".images"] = model.encode_image(pixels).detach()
    expected[name + ".texts"] = model.encode_text(ids).detach()
for name, settings in PREPROCESS.items():
    transform = image_transform_v2(PreprocessCfg(size=IMAGE, **settings), is_train=False)
    expected[name + ".pixels"] = torch.stack([transform(photo), transform(photo.transpose(Image.TRANSPOSE))])
configurations["preprocess"] = PREPROCESS

HF = {
    "hf_plain": ({}, dict(eos_token_id=2)),
    "hf_end": ({}, dict(eos_token_id=VOCABULARY - 1)),
    "hf_tanh": (dict(hidden_act="gelu_pytorch_tanh"), dict(hidden_act="gelu", eos_token_id=2)),
    "hf_inner": (dict(intermediate_size=48), dict(intermediate_size=80, eos_token_id=2)),
    "hf_epsilon": (dict(layer_norm_eps=0.1), dict(layer_norm_eps=0.2, eos_token_id=2)),
}
hf_weights = {}
for name, (vision, text) in HF.items():
    tower = dict(hidden_size=WIDTH, num_hidden_layers=LAYERS, num_attention_heads=2, intermediate_size=4 * WIDTH)
    config = dict(
        model_type="clip",
        projection_dim=EMBED,
        vision_config=dict(tower, image_size=IMAGE, patch_size=PATCH) | vision,
        text_config=dict(tower, vocab_size=VOCABULARY, max_position_embeddings=CONTEXT) | text,
    )
    configurations[name] = config
    model = transformers.CLIPModel(
        transformers.CLIPConfig(
            text_config=config["text_config"], vision_config=config["vision_config"], projection_dim=EMBED)
    ).eval()
    fill(model)
    names[name] = {}
    for key, value in model.state_dict().items():
        if value.is_floating_point():
            names[name][key] = kept = key + "".join(f"|{size}" for size in value.shape)
            assert kept not in hf_weights or torch.equal(hf_weights[kept], value.half()), kept
            hf_weights[kept] = value.half().clone()
    expected[name + ".images"] = model.get_image_features(pixels).detach()
    expected[name + ".texts"] = model.get_text_features(ids).detach()
PROCESSORS = {
    "processor_shortest": dict(size=dict(shortest_edge=20), crop_size=dict(height=IMAGE, width=IMAGE)),
    "processor_square": dict(size=dict(height=IMAGE, width=IMAGE), do_center_crop=False, resample=2),
    "processor_numbers": dict(size=IMAGE, crop_size=IMAGE, do_normalize=False),
}
for name, settings in PROCESSORS.items():
    processor = transformers.CLIPImageProcessor(**settings)
    pair = [photo, photo.transpose(Image.TRANSPOSE)]
    expected[name + ".pixels"] = processor(pair, return_tensors="pt")["pixel_values"]
configurations["processors"], configurations["names"] = PROCESSORS, names
pathlib.Path("configurations.json").write_text(json.dumps(configurations))
save_file(weights, "weights.safetensors")
save_file(hf_weights, "hugging_face_weights.safetensors")
save_file({key: value.contiguous() for key, value in expected.items()}, "expected.safetensors")
