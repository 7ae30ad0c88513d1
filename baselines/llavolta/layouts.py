"""Parameter names in the layouts LLaVA and LLaVolta weights come in, all mapped to one canonical name.

Canonical: ``vision.<CLIP name>``, ``projector.linear_<k>.<kind>``, ``llm.<Llama name>``.

| layout | vision | projector | language model |
| --- | --- | --- | --- |
| native | model.vision_tower. | model.multi_modal_projector.linear_k | model.language_model., lm_head |
| official | model.vision_tower.vision_tower.vision_model. | model.mm_projector.{,0,2,..} | model., lm_head |
| llava | vision_tower.vision_model. | multi_modal_projector.linear_k | language_model.{model.,lm_head} |

``official`` is what LLaVA and LLaVolta store, ``llava`` what transformers 4 stores for its own LLaVA class, ``native``
what ``save_pretrained`` writes here and transformers 5 for its own class. A language model alone, with the names of
``LlamaForCausalLM``, reads as ``official`` without tower and projector.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Literal, get_args

from vdc.errors import InputError, unknown_name

Layout = Literal["native", "official", "llava"]
LAYOUTS: tuple[Layout, ...] = get_args(Layout)

IGNORED = re.compile(r"(^|\.)(position_ids|rotary_emb\.inv_freq)$")
"""Buffers that older library versions stored and that are computed."""

# Longest prefixes first: the first that fits decides.
_READ: dict[Layout, tuple[tuple[str, str], ...]] = {
    "native": (
        ("model.vision_tower.vision_model.", "vision."),
        ("model.vision_tower.", "vision."),
        ("model.multi_modal_projector.", "projector."),
        ("model.language_model.", "llm.model."),
        ("lm_head.", "llm.lm_head."),
    ),
    "official": (
        ("model.vision_tower.vision_tower.vision_model.", "vision."),
        ("model.mm_projector.", "projector."),
        ("model.", "llm.model."),
        ("lm_head.", "llm.lm_head."),
    ),
    "llava": (
        ("vision_tower.vision_model.", "vision."),
        ("multi_modal_projector.", "projector."),
        ("language_model.model.", "llm.model."),
        ("language_model.lm_head.", "llm.lm_head."),
    ),
}

_WRITE: dict[Layout, dict[str, str]] = {
    "native": {
        "vision.": "model.vision_tower.",
        "projector.": "model.multi_modal_projector.",
        "llm.model.": "model.language_model.",
        "llm.lm_head.": "lm_head.",
    },
    "official": {
        "vision.": "model.vision_tower.vision_tower.vision_model.",
        "projector.": "model.mm_projector.",
        "llm.": "",
    },
    "llava": {
        "vision.": "vision_tower.vision_model.",
        "projector.": "multi_modal_projector.",
        "llm.": "language_model.",
    },
}

_SEQUENTIAL = re.compile(r"^(?:(\d+)\.)?(weight|bias)$")
_LINEAR = re.compile(r"^linear_(\d+)\.(weight|bias)$")


def check_layout(layout: str) -> Layout:
    """The layout itself.

    Raises:
        InputError: Not one of ``LAYOUTS``.
    """
    for known in LAYOUTS:
        if layout == known:
            return known
    raise InputError(unknown_name("checkpoint layout", layout, LAYOUTS))


def canonical_name(key: str, layout: Layout) -> str | None:
    """Canonical name of a stored parameter.

    Returns:
        None for left-overs that are not needed; the key itself, prefixed with ``?``, where nothing fits.
    """
    if IGNORED.search(key):
        return None
    for prefix, replacement in _READ[layout]:
        if key.startswith(prefix):
            rest = key.removeprefix(prefix)
            return replacement + (_from_sequential(rest) if replacement == "projector." else rest)
    return f"?{key}"


def stored_name(name: str, layout: Layout, *, projector_type: str = "mlp2x_gelu") -> str:
    """Key under which a layout stores a canonical name.

    Args:
        name: Canonical name.
        layout: Layout to write.
        projector_type: ``linear`` is stored without a number in the official layout.

    Raises:
        InputError: A name that is none of ours.
    """
    for prefix, replacement in _WRITE[layout].items():
        if name.startswith(prefix):
            rest = name.removeprefix(prefix)
            if prefix == "projector." and layout == "official":
                rest = _to_sequential(rest, numbered=projector_type != "linear")
            return replacement + rest
    raise InputError(unknown_name("parameter", name, _WRITE[layout]))


def projector_key(key: str) -> str | None:
    """Canonical name of a key of a projector-only file (``mm_projector.bin``); None for anything else in it.

    Source: the published loader keeps what follows ``mm_projector.``, whatever stands before it.
    """
    _, mark, rest = key.rpartition("mm_projector.")
    return f"projector.{_from_sequential(rest)}" if mark else None


def guess_layout(keys: Collection[str]) -> Layout | None:
    """Layout of a folder by its keys; None where they tell nothing."""
    for prefix, layout in (
        ("model.multi_modal_projector.", "native"),
        ("model.language_model.", "native"),
        ("multi_modal_projector.", "llava"),
        ("language_model.", "llava"),
        ("model.mm_projector.", "official"),
        ("model.embed_tokens.", "official"),
    ):
        if any(key.startswith(prefix) for key in keys):
            return check_layout(layout)
    return None


def _to_sequential(rest: str, *, numbered: bool) -> str:
    """``linear_2.weight`` -> ``2.weight``; a single layer stands without a number."""
    return _LINEAR.sub(lambda found: f"{2 * (int(found[1]) - 1)}.{found[2]}" if numbered else found[2], rest)


def _from_sequential(rest: str) -> str:
    """``2.weight`` (a Sequential with activations between) -> ``linear_2.weight``; without a number ``linear_1``."""
    return _SEQUENTIAL.sub(lambda found: f"linear_{int(found[1] or 0) // 2 + 1}.{found[2]}", rest)
