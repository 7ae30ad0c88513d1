"""Context and content tokens: samples of pictures and videos, the generator alone, and long videos in blocks."""

from __future__ import annotations

import re
from collections.abc import Sequence

import torch
from torch import Tensor

from baselines.llama_vid.compress import attend_context, parse_compression, pool_patches
from baselines.parity.llama_vid.context import ENTRY_FIELDS, Context

_FIELDS = ENTRY_FIELDS | {"prompts_image", "prompts_video", "image_counts", "compress_types", "grid_quirk"}
_KINDS = ("image", "video")


@torch.no_grad()
def check_context_attention(context: Context, file: str) -> None:
    """Every way to compress, on every sample."""
    entry, checker = context.golden.files[file], context.checker
    checker.fields(file, "", entry, _FIELDS)
    for compress_type in entry.get("compress_types", []):
        for kind in _KINDS:
            with checker.guarded(file, f"{compress_type} {kind}"):
                _check_samples(context, file, str(compress_type), kind)
    with checker.guarded(file, "token generation"):
        _check_generation(context, file)
    for quirk in entry.get("grid_quirk", []):
        tokens = parse_compression(f"grid:{quirk['grid']}").content_tokens(quirk["side"])
        checker.same(file, f"grid_quirk {quirk['side']} {quirk['grid']}", tokens, quirk["content_tokens"])


def _check_samples(context: Context, file: str, compress_type: str, kind: str) -> None:
    entry = context.golden.files[file]
    name = f"input.{kind}_features"
    prefix = f"output.{compress_type.replace(':', '_')}.{kind}"
    outputs = context.numbered(file, prefix)
    if not outputs:
        return
    features = context.input(file, name)
    prompts = entry[f"prompts_{kind}"]
    counts = [1] * len(prompts) if kind == "image" else entry["image_counts"]
    made = _visual_tokens(context, compress_type, list(features.split(list(counts))), prompts)
    for label in outputs:
        context.checker.tensor(file, label, made[int(label.removeprefix(prefix))])


def _visual_tokens(
    context: Context, compress_type: str | None, samples: Sequence[Tensor], prompts: Sequence[Sequence[str]]
) -> list[Tensor]:
    ids, masks = context.question_tensors(prompts)
    counts = [len(row) for row in prompts]
    model = context.model(compress_type).model
    return model.visual_tokens(
        samples,
        [row[:count] for row, count in zip(ids, counts, strict=True)],
        [row[:count] for row, count in zip(masks, counts, strict=True)],
    )


def _check_generation(context: Context, file: str) -> None:
    """The generator alone: projected queries and patches in, tokens out."""
    tensors = context.golden.tensors(file)
    if "input.text_q" not in tensors:
        return
    queries = context.input(file, "input.text_q")
    attention, projector = context.model().model.context_attention, context.model().model.projector
    for label in tensors:
        if found := re.fullmatch(r"output\.token_generation_(.+)", label):
            patches, compress_type = context.input(file, "input.vis"), found[1].replace("grid_", "grid:")
        elif found := re.fullmatch(r"output\.(grid_\d+x\d+_g(\d+))", label):
            patches, compress_type = context.input(file, f"input.{found[1]}"), f"grid:{found[2]}"
        else:
            continue
        seen = attend_context(queries[: len(patches)], attention.key_projector(patches), patches)
        pooled = pool_patches(patches, parse_compression(compress_type))
        made = torch.cat([attention.value_projector(seen)[:, None], projector(pooled)], dim=1)
        context.checker.tensor(file, label, made)


@torch.no_grad()
def check_long(context: Context, file: str) -> None:
    """Stored features of many frames."""
    entry, checker = context.golden.files[file], context.checker
    checker.fields(file, "", entry, ENTRY_FIELDS | {"prompts", "compress_type"})
    features = context.input(file, "input.frame_features")
    compress_type = entry.get("compress_type") or _named_compression(str(entry.get("meaning", "")))
    made = _visual_tokens(context, compress_type, [features], entry["prompts"])
    checker.tensor(file, "output.tokens", made[0])


def _named_compression(meaning: str) -> str | None:
    """The way to compress that a description names (``compress mean``); None where it names none."""
    found = re.search(r"compress(?:_type)?\s+(mean_concat|mean|none|grid:\d+)", meaning, re.IGNORECASE)
    return found[1] if found else None
