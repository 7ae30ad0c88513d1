"""The whole model: splice, logits, loss, gradients and greedy ids, for pictures, videos and stored features."""

from __future__ import annotations

import re
from typing import Any

import torch
from torch import Tensor

from baselines.llama_vid.layouts import native_name
from baselines.llama_vid.model import LlamaVidForConditionalGeneration
from baselines.parity.golden import Tolerance
from baselines.parity.llama_vid.batches import check_batch
from baselines.parity.llama_vid.context import ENTRY_FIELDS, Context

_FIELDS = ENTRY_FIELDS | {
    "compress_type",
    "prompts",
    "logits",
    "loss",
    "greedy",
    "text",
    "samples",
    "sample",
    "query_prompt",
    "grad_norms",
    "rope_scaling",
}


def check_full(context: Context, file: str) -> None:
    """One forward pass, and what the file holds beside it."""
    entry, checker, tensors = context.golden.files[file], context.checker, context.golden.tensors(file)
    checker.fields(file, "", entry, _FIELDS)
    compress_type = str(entry["compress_type"]) if "compress_type" in entry else None
    if entry.get("rope_scaling"):
        model = context.model_with_rope(compress_type, entry["rope_scaling"])
    else:
        model = context.model(compress_type)
    inputs = _inputs(context, file, model)
    with checker.guarded(file, "batch"):
        check_batch(context, file)
    with torch.no_grad():
        spliced = model.splice_inputs(**inputs)
    real = spliced.attention_mask
    if real is None:
        real = torch.ones(spliced.inputs_embeds.shape[:2], dtype=torch.bool)
    length = tensors["output.inputs_embeds"].shape[1] if "output.inputs_embeds" in tensors else real.shape[1]
    real = _fit(real, length, fill=False)
    if "output.attention_mask" in tensors:
        golden = tensors["output.attention_mask"]
        checker.tensor(file, "output.attention_mask", real.to(golden.dtype))
    if "output.inputs_embeds" in tensors:
        # Padding is not compared: the published code leaves the pad token's embedding there, this one zeros.
        _real_positions(context, file, "output.inputs_embeds", _fit(spliced.inputs_embeds, length), real)
    if "output.labels" in tensors and spliced.labels is not None:
        checker.tensor(file, "output.labels", _fit(spliced.labels, length, fill=-100))
    wanted = any(name.startswith("grad.") for name in tensors) or "grad_norms" in entry
    with torch.set_grad_enabled(wanted):
        model.zero_grad()
        output = model(**inputs)
        if wanted:
            output.loss.backward()
    if "output.logits" in tensors:
        logits = _fit(output.logits.detach(), length)
        last = _saved_count(str(entry.get("logits", "")), tensors["output.logits"].shape[1], length)
        _real_positions(context, file, "output.logits", logits[:, -last:], real[:, -last:])
    if "output.loss" in tensors:
        checker.tensor(file, "output.loss", output.loss.detach().reshape(tensors["output.loss"].shape))
    if "loss" in entry:
        checker.number(file, "loss", output.loss.item(), entry["loss"], context.golden.tolerance(file, "loss"))
    if wanted:
        _check_gradients(context, file, model)
        model.zero_grad()
    if "output.greedy_ids" in tensors:
        _check_greedy(context, file, model, inputs)


def _inputs(context: Context, file: str, model: LlamaVidForConditionalGeneration) -> dict[str, Any]:
    tensors, entry = context.golden.tensors(file), context.golden.files[file]
    inputs: dict[str, Any] = {"input_ids": context.input(file, "input.input_ids")}
    for name in ("attention_mask", "labels"):
        if f"input.{name}" in tensors:
            inputs[name] = context.input(file, f"input.{name}")
    inputs["question_ids"], inputs["question_mask"] = context.question_tensors(entry["prompts"])
    if "input.images" in tensors:
        inputs["pixel_values"] = context.input(file, "input.images")
        return inputs
    rows = [context.input(file, name) for name in context.numbered(file, "input.images")]
    width = model.config.vision_config.hidden_size
    if any(_is_features(row, width) for row in rows):
        inputs["frame_features"] = [
            row if _is_features(row, width) else model.model.encode_frames(row if row.ndim == 4 else row[None])
            for row in rows
        ]
    else:
        inputs["pixel_values"] = rows
    return inputs


def _is_features(tensor: Tensor, width: int) -> bool:
    """Stored features and not a picture, which has three channels and is square."""
    return tensor.ndim == 3 and tensor.shape[-1] == width and not (len(tensor) == 3 and tensor.shape[1] == width)


def _fit(tensor: Tensor, length: int, fill: float | bool = 0) -> Tensor:
    """Pad on the right: the published code pads to the longest row before pictures are put in, and we after."""
    gap = length - tensor.shape[1]
    if gap <= 0:
        return tensor
    shape = (len(tensor), gap, *tensor.shape[2:])
    return torch.cat([tensor, tensor.new_full(shape, fill)], dim=1)


def _saved_count(said: str, saved: int, length: int) -> int:
    """How many positions a golden file has to hold, by the words for it; as many as it holds where they say nothing."""
    count = re.search(r"last\s+(\d+)", said)
    return min(int(count[1]), length) if count else length if said == "full" else saved


def _real_positions(context: Context, file: str, name: str, ours: Tensor, real: Tensor) -> None:
    """Compare one golden tensor where the mask is set."""
    theirs = context.golden.tensors(file)[name]
    context.checker.used(file, name)
    tolerance = context.golden.tolerance(file, name)
    if ours.shape != theirs.shape:
        context.checker.close(file, name, ours, theirs, tolerance)
        return
    context.checker.close(file, f"{name} (real positions)", ours[real], theirs[real], tolerance)


def _check_gradients(context: Context, file: str, model: LlamaVidForConditionalGeneration) -> None:
    checker, tensors = context.checker, context.golden.tensors(file)
    for name in tensors:
        if name.startswith("grad."):
            checker.tensor(file, name, _gradient(model, name.removeprefix("grad.")))
    norms = context.golden.files[file].get("grad_norms", {})
    tolerance = context.golden.tolerance(file, "grad_norms")
    largest, worst, differing = 0.0, Tolerance(tolerance.atol, tolerance.rtol), []
    for name, golden in norms.items():
        ours = float(_gradient(model, name).norm())
        difference = abs(ours - (golden or 0.0))
        largest = max(largest, difference)
        if not difference <= tolerance.atol + tolerance.rtol * abs(golden or 0.0):
            differing.append((name, ours, golden))
    if norms:
        label = f"grad_norms of {len(norms)} parameters: largest difference {largest:.2g}, within {worst}; that differ"
        checker.same(file, label, differing, [])


def _gradient(model: LlamaVidForConditionalGeneration, name: str) -> Tensor:
    """Gradient of the parameter that a published name means; zeros where it has none."""
    parameter = model.get_parameter(native_name(name) or name)
    return torch.zeros_like(parameter) if parameter.grad is None else parameter.grad


def _check_greedy(context: Context, file: str, model: LlamaVidForConditionalGeneration, inputs: dict[str, Any]) -> None:
    golden = context.golden.tensors(file)["output.greedy_ids"]
    given = {key: value for key, value in inputs.items() if key != "labels"}
    made = model.generate(**given, max_new_tokens=golden.shape[1], do_sample=False)
    made = made[:, given["input_ids"].shape[1] :]
    if made.shape[1] < golden.shape[1]:  # every row ended early; the published loop fills up with padding
        made = _fit(made, golden.shape[1])
    context.checker.tensor(file, "output.greedy_ids", made)
