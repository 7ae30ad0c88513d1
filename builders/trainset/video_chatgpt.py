"""Video-ChatGPT's conversations to the common form.

Source: LLaMA-VID's ``convert_video_chatgpt_to_llava``: the feature file's name becomes the video's, and the mark of a
video in the first turn that of a picture. Differences: rows are checked, and the same row twice is left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from builders.trainset.json_list import iter_json_list
from builders.trainset.llava import (
    VIDEO_ENDINGS,
    Row,
    conversation_fault,
    dropped,
    find_video,
    holds_mark,
    is_clean_text,
    is_safe,
    key_of,
    turns_of,
)

WITHOUT_MARK = "without_mark"
"""Note of items whose first turn holds no mark; training puts one in."""


def video_chatgpt_rows(source: Path, videos: Path | None = None, *, prefix: str = "") -> Iterator[Row]:
    """Every item of the list in the common form, or why not.

    Args:
        source: JSON list of ``{id, video, conversations}``.
        videos: Folder in which the videos must lie; None looks for none.
        prefix: Put in front of the path in the item.

    Raises:
        InputError: From the iterator: not a JSON list.
    """
    folder = None if videos is None else videos.resolve()
    for number, value in iter_json_list(source):
        yield _row(f"{source.name}[{number}]", value, folder, prefix)


def _row(where: str, value: Any, folder: Path | None, prefix: str) -> Row:
    if not isinstance(value, dict):
        return dropped(where, "not_an_object", value)
    identity, video = value.get("id"), value.get("video")
    if isinstance(identity, bool) or not isinstance(identity, str | int) or identity == "":
        return dropped(where, "missing_field", "id")
    if not isinstance(video, str) or not video:
        return dropped(where, "missing_field", "video")
    if not is_clean_text(str(identity)) or not is_clean_text(video):
        return dropped(where, "not_utf8", "id or video")
    if not is_safe(video):
        return dropped(where, "unsafe_path", video)
    path = f"{video.removesuffix('.pkl')}.mp4" if video.endswith(".pkl") else video
    if not path.lower().endswith(VIDEO_ENDINGS):
        return dropped(where, "unknown_video_kind", video)
    reason, found = conversation_fault(value.get("conversations"))
    if reason:
        return dropped(where, reason, found)
    turns = turns_of(value["conversations"])
    turns[0]["value"] = turns[0]["value"].replace("<video>", "<image>")
    marks = turns[0]["value"].count("<image>")
    if marks > 1:
        return dropped(where, "several_marks", turns[0]["value"])
    if any(holds_mark(turn["value"]) for turn in turns[1:]):
        return dropped(where, "mark_in_text", "a turn behind the first")
    if folder is not None and (reason := find_video(folder, path)):
        return dropped(where, reason, path)
    item = {"id": identity, "video": prefix + path, "conversations": turns}
    return Row(where, item, key_of(prefix + path, turns), note="" if marks else WITHOUT_MARK)
