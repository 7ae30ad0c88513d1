"""The whole model: inference, training with gradients, slow-fast, and placeholders without a frame."""

from __future__ import annotations

import re
from typing import Any

import torch
from torch import Tensor

from baselines.auroracap.model import AuroraCapForConditionalGeneration
from baselines.common.constants import IGNORED_LABEL, IMAGE_PLACEHOLDER
from baselines.parity.auroracap.context import Context
from baselines.parity.auroracap.text import golden_samples
from baselines.parity.auroracap.vision import check_margin
from baselines.parity.golden import Tolerance
from baselines.token_reduction.schedule import tokens_per_layer
from vdc.errors import InputError, Problem

INFERENCE = "full_inference.safetensors"
_INFERENCE_FIELDS = frozenset(
    [
        "ratio",
        "seq_len",
        "attention_mask",
        "position_ids",
        "labels",
        "min_margin",
        "gen_top1_top2_gap_first",
        "ratio_left_in_encoder_after_call",
    ]
)
_TRAINING_FIELDS = frozenset(
    [
        "ratio",
        "loss",
        "seq_len",
        "supervised",
        "min_margin",
        "position_embedding_grad_is_none",
        "replaced_parameter_grad_is_none",
        "last_vision_layer_grad_is_none",
    ]
)
_LEFT_RATIO_REASON = (
    "a defect of the published code; the ratio is an argument of the call here and nothing is left behind"
)


def check_inference(context: Context, file: str) -> None:
    """Spliced embeddings, logits and greedy ids."""
    _check_prompt(context, file, file, slow_fast=False)


def check_slow_fast(context: Context, file: str) -> None:
    """As inference, with the first frame unmerged; the inputs are those of inference unless the file has its own."""
    own = "pixel_values" in context.golden.tensors(file)
    _check_prompt(context, file, file if own else INFERENCE, slow_fast=True)


@torch.no_grad()
def _check_prompt(context: Context, file: str, source: str, *, slow_fast: bool) -> None:
    ids, pixels = context.input(source, "input_ids"), context.input(source, "pixel_values")
    entry = context.golden.files[file]
    if "frames" in entry:
        context.checker.same(file, "frames", pixels.shape[1], entry["frames"])
    described = {float(case["ratio"]): case for case in entry.get("cases", [])}
    groups = context.by_ratio(file)
    for ratio in sorted(described.keys() | groups.keys(), reverse=True):
        with context.checker.guarded(file, f"ratio{ratio}"):
            options = {"token_kept_ratio": ratio, "slow_fast": slow_fast}
            _check_one(context, file, ids, pixels, options, groups.get(ratio, {}), described.get(ratio, {}))


def _check_one(
    context: Context,
    file: str,
    ids: Tensor,
    pixels: Tensor,
    options: dict[str, Any],
    names: dict[str, str],
    case: dict[str, Any],
) -> None:
    checker, model = context.checker, context.model
    label = f"ratio{options['token_kept_ratio']}"
    spliced = model.splice_inputs(ids, pixels, **options)
    logits = model(input_ids=ids, pixel_values=pixels, **options).logits
    for rest, name in names.items():
        if rest == "inputs_embeds":
            checker.tensor(file, name, spliced.inputs_embeds)
        elif found := re.match(r"^logits_last(\d+)$", rest):
            checker.tensor(file, name, logits[:, -int(found[1]) :])
        elif rest == "generated_ids":
            golden = context.golden.tensors(file)[name]
            made = model.generate(ids, pixel_values=pixels, max_new_tokens=golden.shape[1], do_sample=False, **options)
            checker.tensor(file, name, made[:, ids.shape[1] :])
    checker.fields(file, label, case, _INFERENCE_FIELDS)
    if "seq_len" in case:
        checker.same(file, f"{label} seq_len", spliced.inputs_embeds.shape[1], case["seq_len"])
    for key in ("attention_mask", "position_ids", "labels"):
        if key in case:
            checker.same(file, f"{label} {key}", getattr(spliced, key), case[key])
    if "gen_top1_top2_gap_first" in case:
        first, second = logits[0, -1].topk(2).values.tolist()
        # A difference of two logits may be off by twice what each may be.
        granted = context.golden.tolerance(file, f"{label}.logits")
        allowed = Tolerance(2 * (granted.atol + granted.rtol * max(abs(first), abs(second))))
        checker.number(
            file, f"{label} gen_top1_top2_gap_first", first - second, case["gen_top1_top2_gap_first"], allowed
        )
    merged = pixels[:, 1:] if options["slow_fast"] and pixels.shape[1] > 1 else pixels
    check_margin(context, file, label, merged.flatten(0, 1), options["token_kept_ratio"], case)
    if "ratio_left_in_encoder_after_call" in case:
        checker.not_covered(file, f"{label} ratio_left_in_encoder_after_call", _LEFT_RATIO_REASON)


@torch.no_grad()
def check_missing_frames(context: Context, file: str) -> None:
    """More placeholders than frames; frames and ratio stand in the manifest, or follow from the length."""
    ids = context.input(file, "input_ids")
    pixels = context.input(INFERENCE, "pixel_values")
    frames, ratio = _missing_frames_case(context, file, ids, pixels)
    spliced = context.model.splice_inputs(ids, pixels[:, :frames], token_kept_ratio=ratio, slow_fast=False)
    context.checker.tensor(file, "inputs_embeds", spliced.inputs_embeds)
    holes = int((ids == IMAGE_PLACEHOLDER).sum())
    context.checker.same(file, "placeholders left out", spliced.dropped_placeholders, holes - frames)


_WORDS = {
    word: number
    for number, word in enumerate(
        ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]
    )
}


def _missing_frames_case(context: Context, file: str, ids: Tensor, pixels: Tensor) -> tuple[int, float]:
    """Frames and ratio: from fields, from the description, else the pair among known ratios that gives the length."""
    entry = context.golden.files[file]
    what = str(entry.get("what", ""))
    ratio_found = re.search(r"ratio\s*[=:]?\s*(\d+(?:\.\d+)?)", what)
    frames_found = re.search(r"\bbut\s+(?:only\s+)?(\w+)\s+frames?\b", what)
    ratio = entry.get("ratio", float(ratio_found[1]) if ratio_found else None)
    frames = entry.get("frames")
    if frames is None and frames_found:
        word = frames_found[1].lower()
        frames = int(word) if word.isdigit() else _WORDS.get(word)
    ratios = [ratio] if ratio is not None else _known_ratios(context)
    counts = [frames] if frames is not None else range(pixels.shape[1] + 1)
    length = context.golden.tensors(file)["inputs_embeds"].shape[1]
    for candidate in ratios:
        for count in counts:
            if _spliced_length(context, ids, pixels, int(count), float(candidate)) == length:
                return int(count), float(candidate)
    raise InputError(
        Problem(f"description {what!r} and length {length}", "frames and ratio that give it", "name both there", file)
    )


def _known_ratios(context: Context) -> list[float]:
    entries = context.golden.files.values()
    cases = [case for entry in entries for key in ("cases", "ratios") for case in entry.get(key, [])]
    return sorted({float(case["ratio"]) for case in cases if "ratio" in case})


def _spliced_length(context: Context, ids: Tensor, pixels: Tensor, frames: int, ratio: float) -> int:
    tower = context.model.model.vision_tower
    height, width = pixels.shape[-2:]
    start = 1 + (height // context.patch_size) * (width // context.patch_size)
    layers = len(tower.encoder.layers) - 1
    tokens = tokens_per_layer(start, tower.merges(height, width, ratio), layers)[-1] - 1
    return int((ids != IMAGE_PLACEHOLDER).sum()) + frames * tokens


def check_training(context: Context, file: str) -> None:
    """Collation, splice, logits, loss and gradients."""
    names = ("input_ids", "attention_mask", "position_ids", "labels", "pixel_values")
    batch = {name: context.input(file, f"batch.{name}") for name in names}
    entry = context.golden.files[file]
    with context.checker.guarded(file, "batch"):
        _check_batch(context, file, batch, str(entry.get("source_samples", "")))
    described = {float(case["ratio"]): case for case in entry.get("cases", [])}
    groups = context.by_ratio(file)
    for ratio in sorted(described.keys() | groups.keys(), reverse=True):
        with context.checker.guarded(file, f"ratio{ratio}"):
            _check_training_ratio(context, file, batch, ratio, groups.get(ratio, {}), described.get(ratio, {}))


def _check_batch(context: Context, file: str, batch: dict[str, Tensor], source: str) -> None:
    """The batch must be what our own encoder and collation make of the records it came from."""
    made = golden_samples(context, source)
    if made is None:
        context.checker.not_covered(file, "batch from records", "the manifest names no source records")
        return
    for name, rows in (
        ("input_ids", made.input_ids),
        ("labels", made.labels),
        ("attention_mask", made.attention_mask),
        ("position_ids", made.position_ids),
    ):
        ours = torch.tensor(rows).to(batch[name].dtype)
        context.checker.tensor(file, f"batch.{name}", ours)


def _check_training_ratio(
    context: Context, file: str, batch: dict[str, Tensor], ratio: float, names: dict[str, str], case: dict[str, Any]
) -> None:
    checker, model = context.checker, context.model
    label = f"ratio{ratio}"
    inputs: dict[str, Any] = {
        "attention_mask": batch["attention_mask"].bool(),
        "labels": batch["labels"],
        "token_kept_ratio": ratio,
        "slow_fast": False,
    }
    spliced = model.splice_inputs(batch["input_ids"], batch["pixel_values"], want_positions=True, **inputs)
    assert spliced.labels is not None  # labels went in  # noqa: S101
    model.zero_grad()
    output = model(batch["input_ids"], batch["pixel_values"], position_ids=batch["position_ids"], **inputs)
    output.loss.backward()
    targets = spliced.labels[:, 1:]
    supervised = targets != IGNORED_LABEL
    ours: dict[str, Tensor | None] = {
        "inputs_embeds": spliced.inputs_embeds,
        "attention_mask": spliced.attention_mask,
        "position_ids": spliced.position_ids,
        "labels": spliced.labels,
        "loss": output.loss,
        "logits_supervised": output.logits[:, :-1][supervised],
        "targets_supervised": targets[supervised],
    }
    for rest, name in names.items():
        tensor = _gradient(model, rest) if rest.startswith("grad.") else ours.get(rest)
        if tensor is not None:
            checker.tensor(file, name, tensor)
    checker.fields(file, label, case, _TRAINING_FIELDS)
    for key, value in (("seq_len", spliced.inputs_embeds.shape[1]), ("supervised", int(supervised.sum()))):
        if key in case:
            checker.same(file, f"{label} {key}", value, case[key])
    if "loss" in case:
        checker.number(file, f"{label} loss", output.loss.item(), case["loss"], context.golden.tolerance(file, "loss"))
    check_margin(context, file, label, batch["pixel_values"].flatten(0, 1), ratio, case)
    _check_gradient_flow(context, file, label, batch, inputs, case)
    model.zero_grad()


def _check_gradient_flow(
    context: Context,
    file: str,
    label: str,
    batch: dict[str, Tensor],
    inputs: dict[str, Any],
    case: dict[str, Any],
) -> None:
    """Which parts get no gradient.

    The published code hides its position table from the optimiser by replacing it in every pass; here that is the
    default setting, and the other setting shows the gradient the replaced table got.
    """
    checker, tower = context.checker, context.model.model.vision_tower
    if "position_embedding_grad_is_none" in case:
        found = tower.embeddings.position_embedding.weight.grad is None
        checker.same(file, f"{label} position_embedding_grad_is_none", found, case["position_embedding_grad_is_none"])
    if "last_vision_layer_grad_is_none" in case:
        found = all(parameter.grad is None for parameter in tower.encoder.layers[-1].parameters())
        checker.same(file, f"{label} last_vision_layer_grad_is_none", found, case["last_vision_layer_grad_is_none"])
    if "replaced_parameter_grad_is_none" in case:
        model = context.build(train_position_embedding=True)
        model(batch["input_ids"], batch["pixel_values"], position_ids=batch["position_ids"], **inputs).loss.backward()
        found = model.model.vision_tower.embeddings.position_embedding.weight.grad is None
        checker.same(file, f"{label} replaced_parameter_grad_is_none", found, case["replaced_parameter_grad_is_none"])


_GRADIENT = re.compile(r"^grad\.(vision|llm)\.layer(\d+)\.(.+)$")


def _gradient(model: AuroraCapForConditionalGeneration, name: str) -> Tensor | None:
    """Gradient of the parameter that a golden name means; None where no parameter fits."""
    inner = model.model
    if name.startswith("grad.projector."):
        index, _, kind = name.removeprefix("grad.projector.").removeprefix("model.").partition(".")
        module = inner.multi_modal_projector.get_submodule(f"linear_{int(index) // 2 + 1}")
        return module.get_parameter(kind).grad
    if found := _GRADIENT.match(name):
        layers = inner.vision_tower.encoder.layers if found[1] == "vision" else inner.language_model.layers
        for key, parameter in layers[int(found[2])].named_parameters():
            if key == found[3] or key.endswith(f".{found[3]}"):
                gradient: Tensor | None = parameter.grad
                return gradient
    return None
