"""Files of answers, as the published evaluators write them, and files of questions, as the datasets publish them."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from scoring.video_qa.tasks import Shape
from vdc.errors import InputError, Problem
from vdc.fileio import FileBytes, read_bytes
from vdc.textio import excerpt, iter_json_lines, read_json


@dataclass(frozen=True, slots=True)
class QaRow:
    """One question about a video with its gold and what a model answered.

    Args:
        id: As the file names it: of the question, or of the video where questions have none.
        occurrence: Rows of the same id before this one; the published scripts name a reply ``<id>_<occurrence>``.
        video_id: Whose rows belong together in an interval; the id where the file names no video.
        questions: One, or two wordings of one.
        gold: The right answer.
        answers: One per question; None where the model gave none.
    """

    id: str
    occurrence: int
    video_id: str
    questions: tuple[str, ...]
    gold: str
    answers: tuple[str, ...] | None = None

    @property
    def key(self) -> str:
        """``<id>_<occurrence>``."""
        return f"{self.id}_{self.occurrence}"


@dataclass(frozen=True, slots=True)
class _Fields:
    """Names of the fields in files of one shape."""

    ids: tuple[str, ...]
    questions: tuple[str, ...]
    gold: str
    answers: tuple[str, ...]


FIELDS: Final[Mapping[Shape, _Fields]] = {
    "consistency": _Fields(("video_name",), ("Q1", "Q2"), "A", ("pred1", "pred2")),
    "generic": _Fields(("video_name",), ("Q",), "A", ("pred",)),
    "qa": _Fields(("id", "question_id"), ("question",), "answer", ("pred",)),
}
"""Shape -> fields, the first whose question fields a row has."""

_VIDEO_FIELDS: Final = ("video_id", "video_name", "video")


@dataclass(frozen=True, slots=True)
class QaFile:
    """A file, read.

    Args:
        rows: In the order of the file.
        shape: What its rows are.
        file: Its bytes and hash.
    """

    rows: tuple[QaRow, ...]
    shape: Shape
    file: FileBytes


def read_answers(path: str | os.PathLike[str]) -> QaFile:
    """Answers of a model: JSON Lines or a JSON list, packed or not.

    Rows are ``{id, question, answer, pred}``, ``{video_name, Q, A, pred}`` or ``{video_name, Q1, Q2, A, pred1,
    pred2}``; further fields are left alone.

    Raises:
        InputError: Rows that are something else, all of them listed with their places.
    """
    return _read(path, answered=True)


def read_questions(path: str | os.PathLike[str], golds: str | os.PathLike[str] | None = None) -> QaFile:
    """Questions of a dataset, in the same fields without the answers of a model.

    Args:
        path: A JSON list or JSON Lines.
        golds: File of ``{question_id, answer}`` for datasets that keep questions and answers apart.

    Raises:
        InputError: Rows that are something else, or a question without an answer.
    """
    return _read(path, answered=False, golds=None if golds is None else _read_golds(golds))


def join(asked: Sequence[QaRow], answered: Sequence[QaRow]) -> tuple[list[QaRow], int]:
    """Every question asked with its answer, if there is one.

    Args:
        asked: Of the dataset.
        answered: Of the model.

    Returns:
        One row per question asked, and how many answers belong to none of them.

    Raises:
        InputError: An answer that names another gold than the dataset does: they are not of the same version.
    """
    waiting: dict[tuple[str, tuple[str, ...]], list[QaRow]] = {}
    for row in reversed(answered):
        waiting.setdefault((row.id, row.questions), []).append(row)
    rows: list[QaRow] = []
    problems: list[Problem] = []
    for row in asked:
        found = waiting.get((row.id, row.questions))
        answer = found.pop() if found else None
        if answer is not None and answer.gold != row.gold:
            problems.append(
                Problem(
                    f"the gold {excerpt(answer.gold)} beside an answer",
                    f"{excerpt(row.gold)}, as the questions say",
                    "give the questions that the answers were made for",
                    row.key,
                )
            )
        rows.append(row if answer is None else replace(row, answers=answer.answers))
    if problems:
        raise InputError(problems)
    return rows, sum(len(left) for left in waiting.values())


def _read(path: str | os.PathLike[str], *, answered: bool, golds: Mapping[str, str] | None = None) -> QaFile:
    file = read_bytes(path)
    problems: list[Problem] = []
    rows: list[QaRow] = []
    seen: Counter[str] = Counter()
    shape: Shape | None = None
    for where, value in _values(file, problems):
        shape = shape or _shape_of(value)
        row = _row(value, where, shape, answered, golds, problems)
        if row is not None:
            rows.append(replace(row, occurrence=seen[row.id]))
            seen[row.id] += 1
    if not problems and (shape is None or not rows):
        problems.append(Problem("no rows", "one row or more", "check that this is the right file", file.path))
    if problems:
        raise InputError(problems)
    return QaFile(tuple(rows), shape or "qa", file)


def _values(file: FileBytes, problems: list[Problem]) -> list[tuple[str, Any]]:
    if file.data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"["):
        whole = read_json(file, problems, lenient=True)
        return [(f"{file.path}: row {number}", value) for number, value in enumerate(whole or [], start=1)]
    lines = iter_json_lines(file, problems, lenient=True)
    return [(f"{file.path}:{number}", value) for number, value in lines]


def _shape_of(value: Any) -> Shape:
    keys = set(value) if isinstance(value, dict) else set()
    return next((shape for shape, fields in FIELDS.items() if keys.issuperset(fields.questions)), "qa")


def _row(
    value: Any,
    where: str,
    shape: Shape,
    answered: bool,
    golds: Mapping[str, str] | None,
    problems: list[Problem],
) -> QaRow | None:
    fields = FIELDS[shape]
    table = value if isinstance(value, dict) else {}
    identity = next((table[name] for name in fields.ids if name in table), None)
    texts = {name: table.get(name) for name in (*fields.questions, *(fields.answers if answered else ()))}
    gold = table.get(fields.gold) if golds is None else golds.get(str(identity))
    texts[fields.gold] = gold
    wrong = [name for name, text in texts.items() if not isinstance(text, str)]
    if isinstance(identity, bool) or not isinstance(identity, str | int) or identity == "":
        wrong.insert(0, fields.ids[0])
    if wrong:
        needed = ", ".join((fields.ids[0], *texts))
        problems.append(
            Problem(
                f"{excerpt(value)} without a usable {', '.join(wrong)}",
                f"an object with {needed}, all texts",
                "write the rows as docs/video_qa.md shows",
                where,
            )
        )
        return None
    video = next((str(table[name]) for name in _VIDEO_FIELDS if isinstance(table.get(name), str | int)), str(identity))
    return QaRow(
        id=str(identity),
        occurrence=0,
        video_id=video,
        questions=tuple(str(table[name]) for name in fields.questions),
        gold=str(gold),
        answers=tuple(str(table[name]) for name in fields.answers) if answered else None,
    )


def _read_golds(path: str | os.PathLike[str]) -> dict[str, str]:
    file = read_bytes(path)
    problems: list[Problem] = []
    golds: dict[str, str] = {}
    for where, value in _values(file, problems):
        identity = value.get("question_id") if isinstance(value, dict) else None
        answer = value.get("answer") if isinstance(value, dict) else None
        if isinstance(identity, str | int) and isinstance(answer, str):
            golds[str(identity)] = answer
        else:
            expected = "an object with question_id and answer"
            problems.append(Problem(excerpt(value), expected, "give the dataset's file of answers", where))
    if problems:
        raise InputError(problems)
    return golds
