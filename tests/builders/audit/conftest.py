"""Benchmarks in memory for the audit's tests."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from builders.audit.model import AuditTables
from builders.audit.reading import prepare
from vdc.benchmark.layout import RawRow
from vdc.benchmark.model import Question
from vdc.sections import Section

Rows = Mapping[Section, Sequence[tuple[str, Sequence[tuple[str, ...]]]]]
"""Section -> (video id, [(question, answer) or (question, answer, category)]) per line."""


@pytest.fixture
def make_tables() -> Callable[[Rows], AuditTables]:
    """Prepares rows given as plain tuples."""

    def make(rows: Rows) -> AuditTables:
        return prepare(
            {
                section: [
                    RawRow(
                        section,
                        video,
                        line,
                        tuple(
                            Question(video, section, index, parts[0], parts[1], parts[2] if len(parts) > 2 else None)
                            for index, parts in enumerate(questions)
                        ),
                    )
                    for line, (video, questions) in enumerate(section_rows, start=1)
                ]
                for section, section_rows in rows.items()
            }
        )

    return make


@pytest.fixture
def write_folder(tmp_path: Path) -> Callable[[Rows], Path]:
    """Writes rows as a folder in the published layout."""

    def write(rows: Rows) -> Path:
        folder = tmp_path / "benchmark"
        folder.mkdir(exist_ok=True)
        for section, section_rows in rows.items():
            lines = [
                json.dumps({video: [dict(zip(("question", "answer", "category"), q, strict=False)) for q in questions]})
                for video, questions in section_rows
            ]
            (folder / f"{section}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
        return folder

    return write


@pytest.fixture
def small_benchmark() -> Rows:
    """Two sections with one defect of many kinds each; worked through by hand in the tests that use it."""
    return {
        "short": [
            ("twice", [("What barks?", "a dog", "animal"), ("Where is it?", "in a park", "place")]),
            (
                "other",
                [
                    ("Who is the protagonist?", "a knight", "role"),
                    ("What colour is the red hat?", "red", "colour"),
                    ("What is on the wooden table?", "table", "object"),
                ],
            ),
            (
                "twice",
                [
                    ("What barks?", "a dog", "animal"),
                    ("what  barks", "a fox", "animal'"),
                    ("", "", ""),
                    ("Who?", "Not specified.", "person"),
                    ("What is held", "?, a kite", "object"),
                ],
            ),
        ],
        "camera": [("twice", [("How does it move?", "it pans slowly", "movement")])],
    }
