"""Video ids: how they are written, and what their form says about the collection they come from."""

from __future__ import annotations

import re
from typing import Final, Literal

IdFamily = Literal["hex64", "youtube", "mixkit", "uuid", "other"]

VIDEO_EXTENSIONS: Final = (".mp4", ".mkv", ".webm", ".mov", ".avi")
"""Endings that are no part of an id; compared without regard to case."""

_FORMS: Final[tuple[tuple[IdFamily, re.Pattern[str]], ...]] = (
    ("mixkit", re.compile(r"mixkit-.+", re.DOTALL)),
    ("hex64", re.compile(r"[0-9a-fA-F]{64}")),
    ("uuid", re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")),
    ("youtube", re.compile(r"[0-9A-Za-z_-]{11}")),
)

ID_FAMILIES: Final[tuple[IdFamily, ...]] = ("hex64", "youtube", "mixkit", "uuid", "other")


def strip_extension(name: str) -> str:
    """The id in a file name: without one of ``VIDEO_EXTENSIONS``; anything else stays as it is."""
    lowered = name.lower()
    for extension in VIDEO_EXTENSIONS:
        if lowered.endswith(extension) and len(name) > len(extension):
            return name[: -len(extension)]
    return name


def id_family(video_id: str) -> IdFamily:
    """The form of an id.

    Returns:
        ``hex64`` (64 hexadecimal characters), ``youtube`` (11 characters of its alphabet), ``mixkit`` (``mixkit-...``),
        ``uuid``, else ``other``. Which collection stands behind a form is not published.
    """
    for family, form in _FORMS:
        if form.fullmatch(video_id):
            return family
    return "other"
