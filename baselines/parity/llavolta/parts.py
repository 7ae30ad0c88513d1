"""The parts alone: compressor, projector, vision tower, splice, pictures, and the weights themselves."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from baselines.common.images import ImageSpec, centre_crop_pixels, pad_to_square, square_pixels
from baselines.common.shards import read_folder
from baselines.common.splice import Span, Spliced, placeholders_per_row, splice
from baselines.llavolta.compress import make_layout
from baselines.llavolta.compressors.choose import Compressor
from baselines.llavolta.convert import convert, read_checkpoint
from baselines.llavolta.layouts import canonical_name, projector_key, stored_name
from baselines.llavolta.model import LlavoltaForConditionalGeneration
from baselines.llavolta.pictures import assign_pictures
from baselines.llavolta.projector import make_projector
from baselines.llavolta.toy import toy_model
from baselines.parity.llavolta.context import DEFECT_REASON, Context, compression_of

_PUBLISHED_LENGTH = 576
"""Tokens of a picture where a case names no number: the published code knows no other."""

_OPERATOR_FIELDS = frozenset(("name", "stride", "visual_length", "images_idx", "note", "input"))
_SPLICE_FIELDS = frozenset(
    [
        "name",
        "num_images",
        "images_idx",
        "padding_side",
        "tokenizer_model_max_length",
        "layer",
        "stride",
        "grouping",
        "position_ids_out",
        "attention_mask_out",
        "labels_out",
        "note",
    ]
)


def check_operator(context: Context, file: str) -> None:
    """Compressed states and positions, with positions rounded as published."""
    for case in context.cases(file):
        with context.checker.guarded(file, str(case.get("name"))):
            _check_operator_case(context, file, case)


def _check_operator_case(context: Context, file: str, case: dict[str, Any]) -> None:
    checker = context.checker
    states = context.input(file, f"{case['input']}.hidden_in")
    positions = context.input(file, f"{case['input']}.position_ids_in")
    checker.fields(file, case["name"], case, _OPERATOR_FIELDS)
    names = context.of_case(file, case)
    if context.is_defect(case):
        for name in names.values():
            checker.not_covered(file, name, DEFECT_REASON)
        _check_rows_alone(context, file, case, states)
        return
    if case["images_idx"] is not None:
        length = int(case.get("visual_length", context.golden.files[file].get("visual_length", _PUBLISHED_LENGTH)))
        spans = [[Span(start, length) for start in row] for row in case["images_idx"]]
        layout = make_layout(spans, case["stride"], positions=states.shape[1])
        states, positions = layout.states(states), layout.positions(positions, "float16")
    for rest, ours in (("hidden_out", states), ("position_ids_out", positions)):
        if rest in names:
            checker.tensor(file, names[rest], ours)


def _check_rows_alone(context: Context, file: str, case: dict[str, Any], states: Tensor) -> None:
    """Where the published result is wrong: ours must be, row by row, what the row gives alone."""
    spans = [[Span(start, int(case["visual_length"])) for start in row] for row in case["images_idx"]]
    together = make_layout(spans, case["stride"], positions=states.shape[1])
    made, wrong = together.states(states), []
    for row, row_spans in enumerate(spans):
        alone = make_layout([row_spans], case["stride"], positions=states.shape[1])
        if not torch.equal(made[row, : alone.length], alone.states(states[row : row + 1])[0]):
            wrong.append(row)
    context.checker.same(file, f"{case['name']}: rows that differ from the row alone", wrong, [])


@torch.no_grad()
def check_projector(context: Context, file: str) -> None:
    """Every type of projector on its own weights."""
    entry = context.golden.files[file]
    features = context.input(file, "x")
    for case in context.cases(file):
        label = case["name"]
        context.checker.fields(file, label, case, frozenset(("name", "mm_projector_type")))
        with context.checker.guarded(file, label):
            width = features.shape[-1]
            widths = entry.get("mm_hidden_size", width), entry.get("hidden_size", width)
            module = make_projector(case["mm_projector_type"], *widths)
            weights: dict[str, Tensor] = {}
            names = context.of_case(file, case)
            for rest, name in names.items():
                if rest.startswith("weights."):
                    key = projector_key(rest) or rest
                    weights[key.removeprefix("projector.")] = context.input(file, name)
            module.load_state_dict(weights)
            context.checker.tensor(file, names["y"], module(features))


@torch.no_grad()
def check_vision(context: Context, file: str) -> None:
    """Features of the tower, and the same behind the projector."""
    pixels = context.input(file, "pixel_values")
    names = context.golden.tensors(file)
    model = context.model(file).model
    features = model.tower_features(pixels)
    if "tower_features" in names:
        context.checker.tensor(file, "tower_features", features)
    if "image_features" in names:
        context.checker.tensor(file, "image_features", model.multi_modal_projector(features))


@torch.no_grad()
def check_splice(context: Context, file: str) -> None:
    """Text and pictures joined, on either side padded, cut, and pooled before."""
    features = context.input(file, "image_features")
    table = context.input(file, "embed_tokens.weight")
    for case in context.cases(file):
        with context.checker.guarded(file, str(case.get("name"))):
            _check_splice_case(context, file, case, features, table)


def _check_splice_case(context: Context, file: str, case: dict[str, Any], features: Tensor, table: Tensor) -> None:
    checker, label = context.checker, case["name"]
    checker.fields(file, label, case, _SPLICE_FIELDS)
    names = context.of_case(file, case)
    given: dict[str, Any] = {
        ours: context.input(file, names[theirs])
        for ours, theirs in (("attention_mask", "attention_mask_in"), ("labels", "labels_in"))
        if theirs in names
    }
    ids = context.input(file, names["input_ids"])
    setting = compression_of(case)
    flat = features[: case["num_images"]]
    if setting.before_decoder:
        flat = Compressor(setting.grouping, setting.stride).features(flat)
    spliced = splice(
        input_ids=ids,
        visual=_blocks(ids, given.get("attention_mask"), flat),
        embed=lambda flat_ids: nn.functional.embedding(flat_ids, table),
        padding_side=case.get("padding_side", "right"),
        max_length=case.get("tokenizer_model_max_length"),
        **given,
    )
    for rest in ("inputs_embeds", "labels", "attention_mask"):
        ours = getattr(spliced, rest)
        if f"{rest}_out" in case:
            checker.same(file, f"{label} {rest}_out", None if ours is None else "tensor", case[f"{rest}_out"])
        if rest in names and ours is not None:
            checker.tensor(file, names[rest], ours)
    if "position_ids_out" in case:
        _check_positions(context, file, f"{label} position_ids_out", spliced, case["position_ids_out"])
    context.starts(file, label, case, spliced)


def _check_positions(context: Context, file: str, name: str, spliced: Spliced, theirs: str | None) -> None:
    """The published splice hands on no positions, and its decoder then counts over the padded rows; so must ours."""
    ours: Any = None if spliced.position_ids is None else "tensor"
    if theirs is not None:
        context.checker.same(file, name, ours, theirs)
        return
    shape = spliced.inputs_embeds.shape[:2]
    model = _any_model()
    counted = model(
        inputs_embeds=torch.zeros(*shape, model.config.text_config.hidden_size),
        attention_mask=spliced.attention_mask,
    ).position_ids
    used = None if torch.equal(counted, torch.arange(shape[1]).expand(shape)) else counted.tolist()
    context.checker.same(file, f"{name}: None, the decoder counts over the padded row", used, theirs)


@cache
def _any_model() -> LlavoltaForConditionalGeneration:
    """A small one: which positions a model uses does not depend on its weights."""
    return toy_model()


def _blocks(ids: Tensor, mask: Tensor | None, features: Tensor) -> list[list[Tensor]]:
    """Features per row; pictures and features are dealt out by the same rule."""
    holes = placeholders_per_row(ids, mask)
    # Pictures have four dimensions, (n, 3, height, width); features take the last two of them.
    stack, numbers = assign_pictures(features[:, None], holes)
    return [[stack[number, 0] for number in row] if stack is not None else [] for row in numbers]


def check_pictures(context: Context, file: str) -> None:
    """Bytes to pixels, padded to a square and cropped."""
    entry = context.golden.files[file]
    settings = entry.get("processor", {})
    spec = ImageSpec(size=int(settings["crop"]), mean=tuple(settings["image_mean"]), std=tuple(settings["image_std"]))
    checker = context.checker
    checker.same(file, "shortest_edge", settings["crop"], settings.get("shortest_edge", settings["crop"]))
    checker.number(file, "rescale_factor", 1 / 255, settings.get("rescale_factor", 1 / 255))
    checker.same(file, "resample", "bicubic" in str(settings.get("resample", "bicubic")).lower(), True)
    for case in context.cases(file):
        label = case["name"]
        checker.fields(file, label, case, frozenset(("name", "width", "height", "background")))
        with checker.guarded(file, label):
            names = context.of_case(file, case)
            picture = context.input(file, names["rgb"]).numpy()
            checker.same(file, f"{label} size", [case["width"], case["height"]], [picture.shape[1], picture.shape[0]])
            background = [int(channel * 255) for channel in spec.mean]
            checker.same(file, f"{label} background", background, case.get("background", background))
            ours = {
                "square_rgb": np.array(pad_to_square(picture, spec)),
                "pixel_values_pad": square_pixels(picture, spec),
                "pixel_values_square_default": centre_crop_pixels(picture, spec),
            }
            for rest, name in names.items():
                if rest in ours:
                    checker.tensor(file, name, torch.from_numpy(ours[rest]))


def check_weights(context: Context, file: str) -> None:
    """Read, compared with the loaded model, and written back in the layout they came in."""
    golden, checker = context.golden.tensors(file), context.checker
    checker.used(file, *golden)
    with tempfile.TemporaryDirectory() as work:
        release = context.write_release(Path(work) / "release", file)
        checkpoint = read_checkpoint(release)
        checker.same(file, "tensors that the model takes", {t.key for t in checkpoint.tensors.values()}, set(golden))
        back = read_folder(convert(convert(release, Path(work) / "a"), Path(work) / "b", layout="official"))
        differing = [key for key in golden if key not in back or not torch.equal(back[key].load(), golden[key])]
        checker.same(file, f"tensors that differ after converting there and back ({len(golden)})", differing, [])
    state = context.model(file).state_dict()
    wrong = []
    for key, tensor in golden.items():
        name = canonical_name(key, "official")
        if name is None or not torch.equal(state[stored_name(name, "native")], tensor.float()):
            wrong.append(key)
    checker.same(file, f"tensors that differ after loading ({len(golden)})", wrong, [])
