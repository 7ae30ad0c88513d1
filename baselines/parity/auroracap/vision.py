"""The vision tower and the projector."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from baselines.parity.auroracap.context import Context
from baselines.parity.golden import Tolerance
from baselines.token_reduction.merging import margin, match_tokens

MARGIN_TOLERANCE = Tolerance(2e-6)
"""A margin is a difference of two cosines, each good to a few units of float32's last place."""

NOOP_REASON = "measures a term of the published code that changes nothing; it is not computed here"
_RATIO_FIELDS = frozenset(
    ["ratio", "r", "tokens", "tokens_incl_cls_per_hidden_state", "visual_tokens_used", "min_margin"]
)


@torch.no_grad()
def check_vision(context: Context, file: str) -> None:
    """Features, last states, sizes and pooled class token at every ratio, at any resolution."""
    entry = context.golden.files[file]
    tensors = context.golden.tensors(file)
    pixels = context.input(file, "pixel_values")
    tower = context.model.model.vision_tower
    if "config" in entry:
        _check_config(context, file, entry["config"])
    if "interpolated_position_embedding" in tensors:
        table = tower.embeddings.position_table(*pixels.shape[-2:])
        context.checker.tensor(file, "interpolated_position_embedding", table)
    for key, side in (("H", pixels.shape[-2]), ("W", pixels.shape[-1])):
        if key in entry:
            context.checker.same(file, key, side, entry[key])
    described = {float(case["ratio"]): case for case in entry.get("ratios", [])}
    groups = context.by_ratio(file)
    for ratio in sorted(described.keys() | groups.keys(), reverse=True):
        with context.checker.guarded(file, f"ratio{ratio}"):
            _check_ratio(context, file, ratio, groups.get(ratio, {}), described.get(ratio, {}))


def _check_ratio(context: Context, file: str, ratio: float, names: dict[str, str], case: dict[str, Any]) -> None:
    checker, tower = context.checker, context.model.model.vision_tower
    pixels = context.golden.tensors(file)["pixel_values"]
    states = tower.states(pixels, ratio, every_state=True)
    last = states.hidden_states[-1]
    ours = {
        "feature": tower.features(pixels, ratio),
        "last_hidden_state": last,
        "size_at_feature": states.sizes[-2],
        "size_final": states.sizes[-1],
        "pooler_output": tower.post_layernorm(last[:, 0]),
    }
    for rest, name in names.items():
        if rest in ours:
            checker.tensor(file, name, ours[rest])
    lengths = [state.shape[1] for state in states.hidden_states]
    label = f"ratio{ratio}"
    checker.fields(file, label, case, _RATIO_FIELDS)
    for key, value in (
        ("r", tower.merges(pixels.shape[-2], pixels.shape[-1], ratio)),
        ("tokens", lengths),
        ("tokens_incl_cls_per_hidden_state", lengths),
        ("visual_tokens_used", ours["feature"].shape[1]),
    ):
        if key in case:
            checker.same(file, f"{label} {key}", value, case[key])
    check_margin(context, file, label, pixels, ratio, case)


@torch.no_grad()
def check_margin(context: Context, file: str, label: str, pixels: Tensor, ratio: float, case: dict[str, Any]) -> None:
    """How near any choice of the matching comes to another one, over all layers.

    Between the last pair that merges and the first that does not, and between the two best destinations of a token that
    merges.

    Args:
        context: The run.
        file: File of the golden value.
        label: Its place there.
        pixels: ``(frames, 3, height, width)``.
        ratio: Fraction of tokens to keep.
        case: Entry that may hold ``min_margin``.
    """
    if "min_margin" not in case:
        return
    tower = context.model.model.vision_tower
    count = tower.merges(pixels.shape[-2], pixels.shape[-1], ratio)
    states = tower.states(pixels, ratio, every_state=True).hidden_states
    gaps: list[float] = []
    layers: Iterable[Any] = tower.encoder.layers
    for layer, state in zip(layers, states[:-1], strict=True):
        _, metric = layer.self_attn.attend(layer.layer_norm1(state), None)
        matching = match_tokens(metric, count)
        if matching is None:
            continue
        unit = metric / metric.norm(dim=-1, keepdim=True)
        best = (unit[:, ::2] @ unit[:, 1::2].transpose(1, 2)).topk(2, dim=-1).values
        gaps += (best[..., 0] - best[..., 1]).gather(1, matching.merged).flatten().tolist()
        gaps += margin(matching).tolist()
    if not gaps:
        context.checker.same(file, f"{label} min_margin", None, case["min_margin"])
    else:
        golden = float("nan") if case["min_margin"] is None else case["min_margin"]
        context.checker.number(file, f"{label} min_margin", min(gaps), golden, MARGIN_TOLERANCE)


def _check_config(context: Context, file: str, golden: dict[str, Any]) -> None:
    config = context.model.config.vision_config.to_dict()
    names = {"torch_dtype": "dtype"}
    left_out = {"_name_or_path", "architectures", "transformers_version", "torch_dtype"}
    ours = {key: config.get(names.get(key, key)) for key in golden if key not in left_out}
    context.checker.same(file, "config", ours, {key: value for key, value in golden.items() if key not in left_out})


@torch.no_grad()
def check_hidden_states(context: Context, file: str) -> None:
    """Every hidden state; the pixels are those of the file of features."""
    source = re.sub(r"_hidden.*(?=\.safetensors$)", "", file)
    tensors = context.golden.tensors(file)
    holder = file if "pixel_values" in tensors else source
    pixels = context.input(holder, "pixel_values")
    for ratio, names in context.by_ratio(file).items():
        states = context.model.model.vision_tower.states(pixels, ratio, every_state=True).hidden_states
        for rest, name in names.items():
            if found := re.match(r"^hidden_state(\d+)$", rest):
                context.checker.tensor(file, name, states[int(found[1])])
        count = sum(rest.startswith("hidden_state") for rest in names)
        context.checker.same(file, f"ratio{ratio} number of states", len(states), count)


@torch.no_grad()
def check_projector(context: Context, file: str) -> None:
    """The projector alone."""
    context.checker.tensor(file, "output", context.model.model.multi_modal_projector(context.input(file, "input")))


@torch.no_grad()
def check_size_bias(context: Context, file: str) -> None:
    """What the manifest says about attention that counts token sizes: the canonical form is a named option here."""
    manifest = context.golden.manifest
    for case in manifest.get("size_bias_noop_check", []):
        context.checker.not_covered(
            context.golden.manifest_name, f"size_bias_noop_check {case.get('ratio')}", NOOP_REASON
        )
    key = "max_abs_diff_of_feature_if_log_size_is_added_on_the_key_axis"
    differences = manifest.get("sensitivity", {}).get(key, {})
    if not differences:
        return
    pixels = context.input(file, "pixel_values")
    proportional = context.build(attention_size_bias="proportional").model.vision_tower
    for text, golden in differences.items():
        ratio = float(text)
        plain = context.model.model.vision_tower.features(pixels, ratio)
        found = float((proportional.features(pixels, ratio) - plain).abs().max())
        granted = context.golden.tolerance(file, "feature")
        allowed = Tolerance(_rounding(golden) + 2 * granted.atol, 2 * granted.rtol)
        context.checker.number(context.golden.manifest_name, f"sensitivity {text}", found, golden, allowed)


def _rounding(value: float) -> float:
    """Half of the last decimal place in which a number is written, and a little for the last bit."""
    decimals = len(str(value).partition(".")[2])
    return 0.51 * 10.0**-decimals
