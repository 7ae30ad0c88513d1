"""The common form: ``{id, image or video, conversations: [{from, value}, ...]}``, and what is wrong with a row."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

REASONS: Final[dict[str, str]] = {
    "not_an_object": "the row is no JSON object, or a line of a table that cannot be read",
    "missing_field": "a field is missing, blank or no text",
    "not_utf8": "a text holds bytes or halves of characters that are no text",
    "unsafe_path": "the path is absolute, leaves its folder, or holds control characters",
    "missing_video": "there is no such file under the folder of videos",
    "outside_folder": "the file is a link that leads out of the folder of videos",
    "unknown_video_kind": "the name ends neither in .pkl nor in a video's ending",
    "bad_conversation": "the turns are not a human's and the model's by turns, the human first, the model last",
    "mark_in_text": "a media mark stands where none may stand, so that marks and media would not agree",
    "several_marks": "more than one media mark in the first turn",
    "duplicate": "the same as an earlier row",
}
"""Reason why a row is left out -> in words."""

MARKS: Final = ("<image>", "<video>")
VIDEO_ENDINGS: Final = (".mp4", ".avi", ".mov", ".mkv", ".webm")
_SHOWN: Final = 120


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a source: an item, or the reason why there is none.

    Args:
        where: File and place.
        item: In the common form.
        key: Rows with the same key are the same.
        reason: One of :data:`REASONS`; empty where there is an item.
        found: What was wrong, short.
        note: Something worth counting about an item that is kept.
    """

    where: str
    item: dict[str, Any] | None = None
    key: bytes = b""
    reason: str = ""
    found: str = ""
    note: str = ""


def dropped(where: str, reason: str, found: object) -> Row:
    """A row that is left out.

    Args:
        where: As :class:`Row`.
        reason: One of :data:`REASONS`.
        found: Shown shortened.
    """
    text = found if isinstance(found, str) else repr(found)
    return Row(where, reason=reason, found=text if len(text) <= _SHOWN else f"{text[:_SHOWN]}...")


def key_of(*parts: object) -> bytes:
    """Sixteen bytes that are the same for the same JSON values."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=True)
    return hashlib.blake2b(text.encode(), digest_size=16).digest()


def is_clean_text(text: str) -> bool:
    """Whether a text can be written as UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def holds_mark(text: str) -> bool:
    """Whether a picture or video is claimed by a text."""
    return any(mark in text for mark in MARKS)


def is_safe(path: str) -> bool:
    """Whether a relative path stays in its folder, by its words alone."""
    pure = PurePosixPath(path)
    parts = path.split("/")
    return (
        bool(path)
        and path.isprintable()
        and "\\" not in path
        and not pure.is_absolute()
        and not any(part in ("", ".", "..") for part in parts)
        and ":" not in parts[0]
    )


def find_video(folder: Path, path: str) -> str:
    """Why a video cannot be used; empty where it can.

    Args:
        folder: Of all videos, resolved.
        path: Below it, safe by :func:`is_safe`.
    """
    try:
        real = Path(os.path.realpath(folder / path, strict=True))
    except OSError:
        return "missing_video"
    if not real.is_relative_to(folder):
        return "outside_folder"
    return "" if real.is_file() else "missing_video"


def conversation_fault(turns: Any) -> tuple[str, str]:
    """Reason and finding where turns are not human and model by turns; two empty texts where they are."""
    if not isinstance(turns, list) or not turns:
        return "bad_conversation", "no list of turns"
    for number, turn in enumerate(turns):
        table = turn if isinstance(turn, dict) else {}
        speaker, value = table.get("from"), table.get("value")
        if not isinstance(value, str) or not value.strip():
            return "missing_field", f"turn {number} without a text"
        if not is_clean_text(value):
            return "not_utf8", f"turn {number}"
        if speaker != ("human", "gpt")[number % 2]:
            return "bad_conversation", f"turn {number} is from {speaker!r}"
    if len(turns) % 2:
        return "bad_conversation", "the last turn is a human's"
    return "", ""


def turns_of(turns: Sequence[dict[str, Any]]) -> list[dict[str, str]]:
    """Turns with the two fields that are read and no other."""
    return [{"from": turn["from"], "value": turn["value"]} for turn in turns]
