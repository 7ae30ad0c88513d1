"""What lmms-eval writes with ``--log_samples``: the old log, one JSON object per task, and the newer samples files.

A task is one section, named in the old log's configuration and in the newer file's name. The newer files leave ``doc``
out, so the video is known only from the objects that hold a metric's result; their key was renamed twice
(``gpt_eval_*``, ``llm_eval_*``, ``llmms_eval_*``), so any object with a ``video_name`` serves. Its ``caption`` is the
gold one and never read here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from vdc.predictions.plain import ID_KEYS
from vdc.predictions.rows import ABSENT, PredictionFile, Row, describe, first_of, first_text
from vdc.sections import Section, find_section

_SAMPLES_NAME = re.compile(r"samples_(?P<task>[^/\\]+?)\.jsonl?(\.gz)?$", re.IGNORECASE)
_LOG_NAME = re.compile(r"(?P<task>[^/\\]+?)\.json(\.gz)?$", re.IGNORECASE)


def read_log(file: PredictionFile) -> Iterator[Row]:
    """The entries under ``logs`` of the old log."""
    document = file.document()
    if document is ABSENT:
        return
    logs = document.get("logs") if isinstance(document, dict) else None
    if not isinstance(logs, list):
        file.reject(
            describe(document), "an object whose logs is a list", "give the file that lmms-eval --log_samples wrote"
        )
        return
    name = _LOG_NAME.search(file.path)
    section = _agreed_section(file, [*_configured_tasks(document), name["task"] if name else ""])
    for entry, record in enumerate(logs, 1):
        if isinstance(record, dict):
            yield _row(record, entry, section)
        else:
            file.reject_value(record, "an object per sample", entry, "entry")


def read_samples(file: PredictionFile) -> Iterator[Row]:
    """The lines of ``<date>_samples_<task>.jsonl``."""
    name = _SAMPLES_NAME.search(file.path)
    section = _agreed_section(file, [name["task"]] if name else [])
    for line, record in file.lines():
        if isinstance(record, dict):
            yield _row(record, line, section)
        else:
            file.reject_value(record, "an object per sample", line, "line")


def _configured_tasks(document: dict[str, Any]) -> Iterator[str]:
    config, arguments = document.get("model_configs"), document.get("args")
    if isinstance(config, dict) and isinstance(config.get("task"), str):
        yield config["task"]
    if isinstance(arguments, dict) and isinstance(arguments.get("tasks"), str):
        # A list of tasks says nothing about this file; it is no section's name and is passed over.
        yield arguments["tasks"]


def _agreed_section(file: PredictionFile, tasks: list[str]) -> Section | None:
    """The section of the first task name that means one; a problem if the user said another one."""
    for task in tasks:
        section = find_section(task)
        if section is None:
            continue
        if file.section not in (None, section):
            file.reject(
                f"the task {task!r}, which is section {section}, and --section {file.section}",
                "the same section in both",
                f"pass --section {section} or leave it out; if the task's name is wrong, rename it",
            )
        return section
    return None


def _row(record: dict[str, Any], line: int, section: Section | None) -> Row:
    doc = record.get("doc")
    holders = [doc] if isinstance(doc, dict) else []
    holders += [value for value in record.values() if isinstance(value, dict) and "video_name" in value]
    video_id = next((found for holder in holders if (found := first_of(holder, *ID_KEYS)) is not ABSENT), ABSENT)
    # The filtered response is the one lmms-eval scored; the newer files leave the other out when both are equal.
    caption = first_text(first_of(record, "filtered_resps", "resps"))
    if caption is ABSENT:
        caption = next((found for holder in holders if (found := first_of(holder, "pred")) is not ABSENT), ABSENT)
    return Row(
        line=line,
        video_id=video_id,
        section=section if section is not None else ABSENT,
        caption=caption,
        keys=tuple(record),
    )
