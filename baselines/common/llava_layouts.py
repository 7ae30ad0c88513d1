"""Parameter names of LLaVA's family, in the layouts that its weights come in, all mapped to one canonical name.

Canonical: ``vision.<CLIP name>``, ``projector.linear_<k>.<kind>``, ``llm.<Llama name>``.

| layout | vision | projector | language model |
| --- | --- | --- | --- |
| native | model.vision_tower. | model.multi_modal_projector.linear_k | model.language_model., lm_head |
| official | model.vision_tower.vision_tower.vision_model. | model.mm_projector.{,0,2,..} | model., lm_head |
| llava | vision_tower.vision_model. | multi_modal_projector.linear_k | language_model.{model.,lm_head} |

``official`` is what LLaVA's own code stores, ``llava`` what transformers 4 stores for its LLaVA class, ``native`` what
``save_pretrained`` writes here and transformers 5 for its own class.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TypeVar

from vdc.errors import InputError, unknown_name

Name = TypeVar("Name", bound=str)
Prefixes = Sequence[tuple[str, str]]
"""Stored prefix -> canonical prefix, longest first: the first that fits decides."""

NATIVE: Prefixes = (
    ("model.vision_tower.vision_model.", "vision."),
    ("model.vision_tower.", "vision."),
    ("model.multi_modal_projector.", "projector."),
    ("model.language_model.", "llm.model."),
    ("lm_head.", "llm.lm_head."),
)
LLAVA: Prefixes = (
    ("vision_tower.vision_model.", "vision."),
    ("multi_modal_projector.", "projector."),
    ("language_model.model.", "llm.model."),
    ("language_model.lm_head.", "llm.lm_head."),
)
OFFICIAL: Prefixes = (
    ("model.vision_tower.vision_tower.vision_model.", "vision."),
    ("model.mm_projector.", "projector."),
    ("model.", "llm.model."),
    ("lm_head.", "llm.lm_head."),
)

WRITE: Mapping[str, Mapping[str, str]] = {
    "native": {
        "vision.": "model.vision_tower.",
        "projector.": "model.multi_modal_projector.",
        "llm.model.": "model.language_model.",
        "llm.lm_head.": "lm_head.",
    },
    "llava": {
        "vision.": "vision_tower.vision_model.",
        "projector.": "multi_modal_projector.",
        "llm.": "language_model.",
    },
    "official": {
        "vision.": "model.vision_tower.vision_tower.vision_model.",
        "projector.": "model.mm_projector.",
        "llm.": "",
    },
}
"""Layout -> canonical prefix -> stored prefix."""

LEFT_OVER = re.compile(r"(^|\.)(position_ids|rotary_emb\.inv_freq)$")
"""Buffers that older library versions stored and that are computed now."""

_SEQUENTIAL = re.compile(r"^(?:(\d+)\.)?(weight|bias)$")
_LINEAR = re.compile(r"^linear_(\d+)\.(weight|bias)$")


def check_layout(layout: str, layouts: Sequence[Name]) -> Name:
    """The layout of that name.

    Raises:
        InputError: None of ``layouts``.
    """
    for known in layouts:
        if layout == known:
            return known
    raise InputError(unknown_name("checkpoint layout", layout, layouts))


def canonical(key: str, prefixes: Prefixes) -> str:
    """Canonical name of a stored parameter; the key itself, prefixed with ``?``, where nothing fits."""
    for prefix, replacement in prefixes:
        if key.startswith(prefix):
            rest = key.removeprefix(prefix)
            return replacement + (from_sequential(rest) if replacement == "projector." else rest)
    return f"?{key}"


def stored(name: str, prefixes: Mapping[str, str], *, sequential: bool, numbered: bool = True) -> str:
    """Key under which a layout stores a canonical name.

    Args:
        name: Canonical name.
        prefixes: Of the layout, as the entries of ``WRITE``.
        sequential: The layout counts the projector's layers with the activations between them.
        numbered: As :func:`to_sequential`.

    Raises:
        InputError: A name that is none of ours.
    """
    for prefix, replacement in prefixes.items():
        if name.startswith(prefix):
            rest = name.removeprefix(prefix)
            if prefix == "projector." and sequential:
                rest = to_sequential(rest, numbered=numbered)
            return replacement + rest
    raise InputError(unknown_name("parameter", name, prefixes))


def to_sequential(rest: str, *, numbered: bool = True) -> str:
    """``linear_2.weight`` -> ``2.weight``, counting activations; a projector of a single layer may have no number."""
    return _LINEAR.sub(lambda found: f"{2 * (int(found[1]) - 1)}.{found[2]}" if numbered else found[2], rest)


def from_sequential(rest: str) -> str:
    """``2.weight`` (a Sequential with activations between) -> ``linear_2.weight``; without a number ``linear_1``."""
    return _SEQUENTIAL.sub(lambda found: f"linear_{int(found[1] or 0) // 2 + 1}.{found[2]}", rest)
