"""Reading a published board file."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from vdc.errors import InputError, Problem
from vdc.sections import SECTIONS, Section, find_section
from vdc.textio import FileBytes, excerpt, read_bytes, read_json, show_path

Measure = Literal["acc", "score"]

MEASURES: Final[tuple[Measure, ...]] = ("acc", "score")
"""Accuracy in percent and score from 0 to 5, as board files name them."""

AVERAGE: Final = "avg"
SETTINGS: Final = ("frames", "tpf")
"""Fields about the captioner: frames per video and visual tokens per frame."""

_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?")


@dataclass(frozen=True, slots=True)
class BoardRow:
    """One row of a board file.

    Args:
        position: Row number from 0.
        model: Name as published.
        values: Every other field as it stands in the file.
    """

    position: int
    model: str
    values: Mapping[str, Any]

    def number(self, field: str) -> float | None:
        """The number in a field, also where it is written as text; None where there is none."""
        value = self.values.get(field)
        if isinstance(value, bool):
            return None
        if isinstance(value, int | float):
            return float(value)
        if isinstance(value, str) and _NUMBER.fullmatch(value.strip()):
            return float(value)
        return None

    def sections(self, measure: Measure) -> dict[Section, float]:
        """Section -> number, for the sections that have one."""
        found: dict[Section, float] = {}
        for field in self.values:
            stem, _, ending = field.rpartition("_")
            section = find_section(stem)
            number = self.number(field)
            if ending == measure and section is not None and number is not None:
                found[section] = number
        return {section: found[section] for section in SECTIONS if section in found}

    def metric_fields(self) -> list[str]:
        """Fields that hold an average or a section's number, in file order."""
        return [
            field
            for field in self.values
            if field.rpartition("_")[2] in MEASURES
            and (field.rpartition("_")[0] == AVERAGE or find_section(field.rpartition("_")[0]) is not None)
        ]


@dataclass(frozen=True, slots=True)
class Board:
    """A board file.

    Args:
        name: File name.
        sha256: Digest of the file.
        rows: Its rows in order.
    """

    name: str
    sha256: str
    rows: Sequence[BoardRow]


def read_board(source: str | os.PathLike[str] | FileBytes) -> Board:
    """Read a board file: a JSON list of objects, each with a ``model``.

    Raises:
        InputError: Not readable, or not of this form; lists every row that is wrong.
    """
    content = source if isinstance(source, FileBytes) else read_bytes(source)
    problems: list[Problem] = []
    value = read_json(content, problems, lenient=True)
    shown = show_path(content.path)
    if problems or not isinstance(value, list) or not value:
        found = str(problems[0].found) if problems else excerpt(value)
        raise InputError(
            Problem(
                found,
                'a board file, that is a JSON list of objects like {"model": "...", "avg_acc": 38.2, ...}',
                "give such a file, or the folder of a benchmark (one file of questions is audited with its folder)",
                shown,
            )
        )
    rows: list[BoardRow] = []
    for position, row in enumerate(value):
        where = f"{shown}, row {position}"
        model = row.get("model") if isinstance(row, dict) else None
        if not isinstance(model, str) or not model.strip():
            problems.append(
                Problem(excerpt(row), 'an object with a "model" that is text', "correct or remove the row", where)
            )
            continue
        board_row = BoardRow(position, model, {field: cell for field, cell in row.items() if field != "model"})
        if not board_row.metric_fields():
            problems.append(
                Problem(
                    f"fields {', '.join(map(excerpt, board_row.values)) or 'none'}",
                    "avg_acc, avg_score and <section>_acc, <section>_score",
                    "name the fields so",
                    where,
                )
            )
        rows.append(board_row)
    if problems:
        raise InputError(problems, f"{shown}: {len(problems)} problems; nothing was audited")
    return Board(Path(content.path).name, content.sha256, tuple(rows))


def show_value(value: object) -> str:
    """A cell as the file writes it."""
    return json.dumps(value, ensure_ascii=False)
