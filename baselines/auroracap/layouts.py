"""Parameter names in the layouts AuroraCap weights come in, all mapped to one canonical name.

Canonical: ``vision.<CLIP name>``, ``projector.linear_<k>.<kind>``, ``llm.<Llama name>``.

| layout | vision | projector | language model |
| --- | --- | --- | --- |
| native (save_pretrained) | model.vision_tower. | model.multi_modal_projector.linear_k | model.language_model. |
| xtuner (three folders) | visual_encoder: vision_model. | projector: model.{0,2,..} | model., lm_head |
| llava | vision_tower.vision_model. | multi_modal_projector.linear_k | language_model.{model.,lm_head} |
| official | model.vision_tower.vision_tower.vision_model. | model.mm_projector.{0,2,..} | model., lm_head |
"""

from __future__ import annotations

import re
from typing import Literal, get_args

from vdc.errors import InputError, unknown_name

Layout = Literal["native", "xtuner", "llava", "official"]
LAYOUTS: tuple[Layout, ...] = get_args(Layout)

IGNORED = re.compile(r"(^|\.)(pos_emb|position_ids|rotary_emb\.inv_freq)$")
"""Left-overs of older library versions: an alias of the position table and buffers that are computed."""

XTUNER_PARTS = {"vision": "visual_encoder", "projector": "projector", "llm": ""}
"""Canonical part -> folder below the root of an xtuner checkpoint."""

_SEQUENTIAL = re.compile(r"^(\d+)\.(weight|bias)$")
_LINEAR = re.compile(r"^linear_(\d+)\.(weight|bias)$")

# Longest prefixes first: the first that fits decides.
_PREFIXES: dict[Layout, tuple[tuple[str, str], ...]] = {
    "native": (
        ("model.vision_tower.vision_model.", "vision."),
        ("model.vision_tower.", "vision."),
        ("model.multi_modal_projector.", "projector."),
        ("model.language_model.", "llm.model."),
        ("lm_head.", "llm.lm_head."),
    ),
    "llava": (
        ("vision_tower.vision_model.", "vision."),
        ("multi_modal_projector.", "projector."),
        ("language_model.model.", "llm.model."),
        ("language_model.lm_head.", "llm.lm_head."),
        # the same layout as transformers writes it since version 5
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
}

_WRITE: dict[Layout, dict[str, str]] = {
    "native": {
        "vision.": "model.vision_tower.",
        "projector.": "model.multi_modal_projector.",
        "llm.model.": "model.language_model.",
        "llm.lm_head.": "lm_head.",
    },
    "xtuner": {"vision.": "vision_model.", "projector.": "model.", "llm.": ""},
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


def check_layout(layout: str) -> Layout:
    """The layout itself.

    Raises:
        InputError: Not one of ``LAYOUTS``.
    """
    for known in LAYOUTS:
        if layout == known:
            return known
    raise InputError(unknown_name("checkpoint layout", layout, LAYOUTS))


def canonical_name(key: str, layout: Layout, part: str = "") -> str | None:
    """Canonical name of a stored parameter.

    Args:
        key: As stored.
        layout: Layout of the file.
        part: For ``xtuner``, which part the file belongs to: ``vision``, ``projector`` or ``llm``.

    Returns:
        None for left-overs that are not needed; the key itself, prefixed with ``?``, where nothing fits.
    """
    if IGNORED.search(key):
        return None
    if layout == "xtuner":
        prefix = {"vision": "vision_model.", "projector": "model.", "llm": ""}[part]
        if not key.startswith(prefix):
            # transformers of some versions stores the tower without its prefix
            return f"vision.{key}" if part == "vision" else f"?{key}"
        return _numbered(f"{part}.{key.removeprefix(prefix)}")
    for prefix, replacement in _PREFIXES[layout]:
        if key.startswith(prefix):
            return _numbered(replacement + key.removeprefix(prefix))
    return f"?{key}"


def stored_name(name: str, layout: Layout) -> str:
    """Key under which a layout stores a canonical name (inside its part's folder for ``xtuner``)."""
    for prefix, replacement in _WRITE[layout].items():
        if name.startswith(prefix):
            rest = name.removeprefix(prefix)
            if prefix == "projector." and layout in ("xtuner", "official"):
                rest = _LINEAR.sub(lambda found: f"{2 * (int(found[1]) - 1)}.{found[2]}", rest)
            return replacement + rest
    raise InputError(unknown_name("parameter", name, _WRITE[layout]))


def guess_layout(keys: set[str]) -> Layout | None:
    """Layout of a single folder by its keys; None where they tell nothing."""
    if any(key.startswith("model.mm_projector.") for key in keys):
        return "official"
    if any(key.startswith("multi_modal_projector.") for key in keys):
        return "llava"
    if any(key.startswith("model.multi_modal_projector.") for key in keys):
        return "native"
    return None


def _numbered(name: str) -> str:
    """``projector.2.weight`` (a Sequential with activations between) -> ``projector.linear_2.weight``."""
    if not name.startswith("projector."):
        return name
    rest = name.removeprefix("projector.")
    return "projector." + _SEQUENTIAL.sub(lambda found: f"linear_{int(found[1]) // 2 + 1}.{found[2]}", rest)
