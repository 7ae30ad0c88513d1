"""Plain captions: ``{"video_id", "section", "caption"}`` per line, or as a JSON list; ``section`` may be left out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from vdc.predictions.rows import ABSENT, PredictionFile, Row, describe, first_of

ID_KEYS = ("video_id", "video_name", "video")
SECTION_KEYS = ("section", "caption_type")


def read_lines(file: PredictionFile) -> Iterator[Row]:
    """One object per line."""
    for line, record in file.lines():
        if isinstance(record, dict):
            yield _row(record, line)
        else:
            file.reject_value(record, "an object with video_id, section and caption", line, "line")


def read_list(file: PredictionFile) -> Iterator[Row]:
    """A JSON list of the same objects, or a single one."""
    records = file.document()
    if isinstance(records, dict):
        records = [records]
    if not isinstance(records, list):
        if records is not ABSENT:
            file.reject(describe(records), "a JSON list of objects", "write the captions as a list, or one per line")
        return
    for entry, record in enumerate(records, 1):
        if isinstance(record, dict):
            yield _row(record, entry)
        else:
            file.reject_value(record, "an object with video_id, section and caption", entry, "entry")


def _row(record: dict[str, Any], line: int) -> Row:
    return Row(
        line=line,
        video_id=first_of(record, *ID_KEYS),
        section=first_of(record, *SECTION_KEYS),
        caption=first_of(record, "caption"),
        keys=tuple(record),
    )
