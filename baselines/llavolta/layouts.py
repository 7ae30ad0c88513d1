"""Parameter names in the layouts LLaVA and LLaVolta weights come in; see :mod:`baselines.common.llava_layouts`.

A language model alone, with the names of ``LlamaForCausalLM``, reads as ``official`` without tower and projector.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal, get_args

from baselines.common import llava_layouts

Layout = Literal["native", "official", "llava"]
LAYOUTS: tuple[Layout, ...] = get_args(Layout)

_PREFIXES: dict[Layout, llava_layouts.Prefixes] = {
    "native": llava_layouts.NATIVE,
    "official": llava_layouts.OFFICIAL,
    "llava": llava_layouts.LLAVA,
}


def check_layout(layout: str) -> Layout:
    """The layout itself.

    Raises:
        InputError: Not one of ``LAYOUTS``.
    """
    return llava_layouts.check_layout(layout, LAYOUTS)


def canonical_name(key: str, layout: Layout) -> str | None:
    """Canonical name of a stored parameter.

    Returns:
        None for left-overs that are not needed; the key itself, prefixed with ``?``, where nothing fits.
    """
    return None if llava_layouts.LEFT_OVER.search(key) else llava_layouts.canonical(key, _PREFIXES[layout])


def stored_name(name: str, layout: Layout, *, projector_type: str = "mlp2x_gelu") -> str:
    """Key under which a layout stores a canonical name.

    Args:
        name: Canonical name.
        layout: Layout to write.
        projector_type: ``linear`` is stored without a number in the official layout.

    Raises:
        InputError: A name that is none of ours.
    """
    numbered = projector_type != "linear"
    prefixes = llava_layouts.WRITE[layout]
    return llava_layouts.stored(name, prefixes, sequential=layout == "official", numbered=numbered)


def projector_key(key: str) -> str | None:
    """Canonical name of a key of a projector-only file (``mm_projector.bin``); None for anything else in it.

    Source: the published loader keeps what follows ``mm_projector.``, whatever stands before it.
    """
    _, mark, rest = key.rpartition("mm_projector.")
    return f"projector.{llava_layouts.from_sequential(rest)}" if mark else None


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
