"""The clips of a build as a benchmark: in memory, and as the files of the published layout."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from builders.benchmark.model import ClipQuestions
from vdc.benchmark.model import Benchmark, Question
from vdc.sections import SECTIONS, Section


def to_benchmark(rows: Sequence[ClipQuestions], name: str) -> Benchmark:
    """The questions and captions of the clips; a clip is a video of the benchmark."""
    questions: dict[tuple[str, Section], tuple[Question, ...]] = {}
    captions: dict[tuple[str, Section], str] = {}
    for section in SECTIONS:
        for row in rows:
            questions[row.clip_id, section] = tuple(
                Question(row.clip_id, section, index, item.question, item.answer, item.category)
                for index, item in enumerate(row.questions[section])
            )
            captions[row.clip_id, section] = row.captions[section]
    return Benchmark(name=name, source="folder", revision=None, questions=questions, captions=captions)


def question_lines(rows: Sequence[ClipQuestions], section: Section) -> str:
    """A section file: one line per clip, its id and its questions."""
    lines = []
    for row in rows:
        items = [
            {"question": item.question, "answer": item.answer, "category": item.category}
            for item in row.questions[section]
        ]
        lines.append(_line({row.clip_id: items}))
    return "".join(lines)


def caption_lines(rows: Sequence[ClipQuestions]) -> str:
    """The file of gold captions: one line per clip."""
    return "".join(
        _line(
            {
                "video_id": row.clip_id,
                "captions": {f"{section}_caption": row.captions[section] for section in SECTIONS},
            }
        )
        for row in rows
    )


def _line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False) + "\n"
