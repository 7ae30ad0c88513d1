"""Parameter names in the layouts AuroraCap weights come in: those of LLaVA's family, and the released three folders.

| layout | vision | projector | language model |
| --- | --- | --- | --- |
| xtuner (three folders) | visual_encoder: vision_model. | projector: model.{0,2,..} | model., lm_head |
| native, llava, official | see :mod:`baselines.common.llava_layouts` | | |
"""

from __future__ import annotations

import re
from typing import Literal, get_args

from baselines.common import llava_layouts

Layout = Literal["native", "xtuner", "llava", "official"]
LAYOUTS: tuple[Layout, ...] = get_args(Layout)

XTUNER_PARTS = {"vision": "visual_encoder", "projector": "projector", "llm": ""}
"""Canonical part -> folder below the root of an xtuner checkpoint."""

_POSITION_ALIAS = re.compile(r"(^|\.)pos_emb$")
"""The position table again, as the published training stored it."""

_XTUNER = {"vision.": "vision_model.", "projector.": "model.", "llm.": ""}

_PREFIXES: dict[Layout, llava_layouts.Prefixes] = {
    "native": llava_layouts.NATIVE,
    # transformers writes its own Llava class as its version 4 did, or like native since version 5
    "llava": (*llava_layouts.LLAVA, *llava_layouts.NATIVE),
    "official": llava_layouts.OFFICIAL,
}


def check_layout(layout: str) -> Layout:
    """The layout itself.

    Raises:
        InputError: Not one of ``LAYOUTS``.
    """
    return llava_layouts.check_layout(layout, LAYOUTS)


def canonical_name(key: str, layout: Layout, part: str = "") -> str | None:
    """Canonical name of a stored parameter.

    Args:
        key: As stored.
        layout: Layout of the file.
        part: For ``xtuner``, which part the file belongs to: ``vision``, ``projector`` or ``llm``.

    Returns:
        None for left-overs that are not needed; the key itself, prefixed with ``?``, where nothing fits.
    """
    if llava_layouts.LEFT_OVER.search(key) or _POSITION_ALIAS.search(key):
        return None
    if layout != "xtuner":
        return llava_layouts.canonical(key, _PREFIXES[layout])
    prefix = _XTUNER[f"{part}."]
    if part == "vision" and not key.startswith(prefix):
        return f"vision.{key}"  # transformers of some versions stores the tower without its prefix
    return llava_layouts.canonical(key, [(prefix, f"{part}.")])


def stored_name(name: str, layout: Layout) -> str:
    """Key under which a layout stores a canonical name (inside its part's folder for ``xtuner``).

    Raises:
        InputError: A name that is none of ours.
    """
    prefixes = _XTUNER if layout == "xtuner" else llava_layouts.WRITE[layout]
    return llava_layouts.stored(name, prefixes, sequential=layout in ("xtuner", "official"))


def guess_layout(keys: set[str]) -> Layout | None:
    """Layout of a single folder by its keys; None where they tell nothing."""
    if any(key.startswith("model.mm_projector.") for key in keys):
        return "official"
    if any(key.startswith("multi_modal_projector.") for key in keys):
        return "llava"
    if any(key.startswith("model.multi_modal_projector.") for key in keys):
        return "native"
    return None
