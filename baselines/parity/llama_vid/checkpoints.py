"""The released layout, its adapter and the separate files; and what the manifest tells of the published behaviour."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from baselines.common.llava_layouts import LEFT_OVER
from baselines.common.shards import read_json
from baselines.common.torch_files import read_weights, stored_in_archive
from baselines.llama_vid.compress import parse_compression
from baselines.llama_vid.convert import convert
from baselines.llama_vid.layouts import instructblip_name, is_adapter_name, native_name, official_name
from baselines.parity.llama_vid.context import SETTINGS, WEIGHTS, Context
from vdc.errors import InputError

_SAME_SETTINGS = (
    "vocab_size",
    "hidden_size",
    "intermediate_size",
    "num_hidden_layers",
    "num_attention_heads",
    "num_key_value_heads",
    "hidden_act",
    "max_position_embeddings",
    "rms_norm_eps",
    "rope_scaling",
    "tie_word_embeddings",
    "bos_token_id",
    "eos_token_id",
    "pad_token_id",
    "mm_projector_type",
    "mm_hidden_size",
    "mm_vision_select_feature",
    "num_query",
    "compress_type",
    "image_aspect_ratio",
    "use_mm_proj",
    "mm_use_im_start_end",
    "mm_use_im_patch_token",
    "bert_type",
    "model_type",
)
"""Fields of ``config.json`` that say what the model is; the others are paths, defaults of old libraries, or unused."""


@torch.no_grad()
def check_weights(context: Context, file: str) -> None:
    """Every tensor ends up in the model, and comes back from it under its published name."""
    checker, golden = context.checker, context.golden.tensors(file)
    checker.used(file, "*", *golden)
    model = context.model()
    left = {name: tensor for name, tensor in golden.items() if native_name(name) is None}
    kept = {name: tensor for name, tensor in golden.items() if name not in left}
    state = model.state_dict()
    named = {native_name(name) for name in kept}
    checker.same(file, "parameters that no golden tensor gives", sorted(state.keys() - named), [])
    differing = [name for name, tensor in kept.items() if not torch.equal(state[str(native_name(name))], tensor)]
    checker.same(file, f"tensors that differ after loading ({len(kept)})", differing, [])
    computed = [name for name, tensor in left.items() if not _is_computed(model, name, tensor)]
    checker.same(file, f"stored buffers that differ from the computed ones ({len(left)})", computed, [])
    with tempfile.TemporaryDirectory() as work:
        options: dict[str, Any] = {"heads": context.heads, "uneven_grid": True}
        target = convert(context.golden.folder, Path(work) / "back", layout="official", **options)
        back = read_weights(target)
        written = {name: official_name(str(native_name(name))) for name in kept}
        missing = [name for name, tensor in kept.items() if not torch.equal(back[written[name]].load(), tensor)]
        checker.same(file, f"tensors that differ after writing back ({len(kept)})", missing, [])
        with checker.guarded(SETTINGS, "settings"):
            _check_settings(context, read_json(target / "config.json"))
        with checker.guarded(context.golden.manifest_name, "adapter"):
            _check_adapter(context, convert(context.golden.folder, Path(work) / "a", layout="adapter", **options))


def _is_computed(model: Any, name: str, tensor: Tensor) -> bool:
    if name.endswith("inv_freq"):
        return bool(torch.allclose(model.model.language_model.rotary_emb.inv_freq.cpu(), tensor))
    return bool(LEFT_OVER.search(name)) and torch.equal(tensor.flatten(), torch.arange(tensor.numel()))


def _check_settings(context: Context, back: dict[str, Any]) -> None:
    golden, checker = context.table, context.checker
    known = [name for name in _SAME_SETTINGS if name in golden]
    different = {
        name: (back.get(name), golden[name])
        for name in known
        if _plain(name, back.get(name)) != _plain(name, golden[name])
    }
    checker.same(SETTINGS, f"fields that differ after writing back ({len(known)})", different, {})
    vision, qformer = context.checkpoint.config.vision_config, context.checkpoint.config.qformer_config
    ours: dict[str, tuple[Any, dict[str, str]]] = {
        "_tiny_vit": (
            vision,
            {
                "dim": "hidden_size",
                "heads": "num_attention_heads",
                "depth": "num_hidden_layers",
                "img": "image_size",
                "patch": "patch_size",
                "mlp_hidden": "intermediate_size",
            },
        ),
        "_tiny_bert_config": (
            qformer,
            {"encoder_width": "encoder_hidden_size", "cross_attention_freq": "cross_attention_frequency"},
        ),
    }
    for block, (config, names) in ours.items():
        if block in golden:
            # Cross attention is no setting: the weights have it or not.
            had = {key for key in golden[block] if hasattr(config, names.get(key, key))} - {"add_cross_attention"}
            checker.fields(SETTINGS, block, golden[block], frozenset([*had, "add_cross_attention"]))
            have = {key: getattr(config, names.get(key, key)) for key in had}
            wanted = {key: golden[block][key] for key in had}
            checker.same(SETTINGS, f"{block}, from the shapes of the weights", have, wanted)
    words = context.golden.path(context.words).read_text(encoding="utf-8").splitlines()
    checker.same(context.words, "words and the added one: rows of the table", len(words) + 1, qformer.vocab_size)


def _plain(name: str, value: Any) -> Any:
    """A setting without the several spellings of one meaning."""
    if name == "compress_type":
        return parse_compression(value)
    if name == "image_aspect_ratio":
        return value or "square"
    if name == "mm_projector_type" and value == "linear":
        return "mlp1x_gelu"
    return value


def _check_adapter(context: Context, folder: Path) -> None:
    manifest, name, checker = context.golden.manifest, context.golden.manifest_name, context.checker
    made = stored_in_archive(folder / "mm_projector.bin")
    if "adapter_keys" in manifest:
        checker.same(name, "adapter_keys", sorted(made), sorted(manifest["adapter_keys"]))
        golden = context.golden.tensors(WEIGHTS)
        differing = [key for key, stored in made.items() if not torch.equal(stored.load(), golden[key])]
        checker.same(name, f"adapter tensors that differ ({len(made)})", differing, [])
    for key in manifest.get("adapter_excludes_buffers", []):
        checker.same(name, f"adapter leaves out {key}", is_adapter_name(key) and key not in made, True)


def check_qformer_mapping(context: Context) -> None:
    """Names of the trimmed InstructBLIP file, made from the golden names by the manifest's own table."""
    name, checker = context.golden.manifest_name, context.checker
    mapping = dict(context.golden.manifest["pretrain_qformer_mapping"])
    container = str(mapping.pop("container", ""))
    golden = context.golden.tensors(WEIGHTS)
    stored: dict[str, Tensor] = {}
    expected: dict[str, str] = {}
    for source, target in mapping.items():
        source_start, target_start = (re.split(r"[*{]", one)[0] for one in (source, target))
        for key, tensor in golden.items():
            if key.startswith(target_start) and native_name(key) is not None:
                stored[source_start + key.removeprefix(target_start)] = tensor
                expected[source_start + key.removeprefix(target_start)] = str(native_name(key))
    with tempfile.TemporaryDirectory() as work:
        path = Path(work) / "qformer.pth"
        torch.save({"model": {**stored, "Qformer.cls.predictions.bias": torch.zeros(1)}}, path)
        read = stored_in_archive(path, "model")
        ours = {key: instructblip_name(key) for key in read}
    found = {key: target for key, target in ours.items() if target is not None}
    checker.same(name, f"pretrain_qformer_mapping ({len(expected)} names)", found, expected)
    back = {official_name(target) for target in found.values()}
    checker.same(name, "pretrain_qformer_mapping: names that do not come back", sorted(back - set(golden)), [])
    if container:
        checker.same(name, "pretrain_qformer_mapping container", "'model'" in container, True)


@torch.no_grad()
def check_probes(context: Context) -> None:
    """Where the published code fails: two cases must work here, the third be refused with a reason."""
    name, checker = context.golden.manifest_name, context.checker
    probes = context.golden.manifest["probes_of_reference_behaviour"]
    known = frozenset(["text_only_eval", "batched_infer_varlen", "second_image_more_than_prompts"])
    checker.fields(name, "probes_of_reference_behaviour", probes, known)
    model = context.model("mean")
    side = model.config.vision_config.image_size
    pixels = torch.linspace(-1, 1, 2 * 3 * side * side).view(2, 3, side, side)
    questions, masks = context.question_tensors([["what is near the door"], ["who"]])
    ids = torch.tensor([[1, 5, -200, 6, 7, 8], [1, -200, 9, 0, 0, 0]])
    mask = torch.tensor([[1] * 6, [1] * 3 + [0] * 3])
    if "text_only_eval" in probes:
        made = model.generate(torch.tensor([[1, 5, 6]]), max_new_tokens=2, do_sample=False)
        checker.same(name, "probes text_only_eval works here", made.shape[1] > 3, True)
    if "batched_infer_varlen" in probes:
        visual = {"pixel_values": pixels, "question_ids": questions, "question_mask": masks}
        together = model(input_ids=ids, attention_mask=mask, **visual).logits
        alone = {key: value[1:] for key, value in visual.items()}
        single = model(input_ids=ids[1:, :3], **alone).logits
        same = bool(torch.allclose(together[1, : single.shape[1]], single[0], atol=1e-4, rtol=1e-3))
        checker.same(name, "probes batched_infer_varlen: in a batch as alone", same, True)
    if "second_image_more_than_prompts" in probes:
        refused = False
        try:
            model(
                input_ids=torch.tensor([[1, -200, 5, -200]]),
                pixel_values=pixels[:1],
                question_ids=questions[:1],
                question_mask=masks[:1],
            )
        except InputError:
            refused = True
        checker.same(name, "probes second_image_more_than_prompts is refused with a reason", refused, True)
