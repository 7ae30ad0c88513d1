"""The schema of the table of raw questions: what must hold before any rule can be trusted.

Importing this module imports pandera, which takes about a second. Checks that need judgement are rules, not schema.
"""

from __future__ import annotations

from typing import Any, ClassVar, Final

import pandas as pd
import pandera.pandas as pa

from builders.audit.model import AuditTables
from vdc.errors import InputError, Problem
from vdc.sections import SECTIONS

_EXPECTED: Final[dict[str, str]] = {
    "known_section": f"one of {', '.join(SECTIONS)}",
    "counted_from_one": "a line number from 1",
    "counted_from_zero": "a position from 0",
    "text": "text",
    "text_or_nothing": "text, or no category",
    "not_blank": "an id that is not blank",
    "one_video_per_line": "one video per line",
    "positions_without_gap": "positions 0, 1, 2, ... on every line",
    "multiple_fields_uniqueness": "every position once per line",
    "not_nullable": "a value",
    "column_in_schema": "no such column",
    "column_in_dataframe": "the column to be there",
}
"""Name of a check -> what it expects, in words."""


def _is_text(values: pd.Series[Any]) -> pd.Series[bool]:
    if isinstance(values.dtype, pd.StringDtype):
        return values.notna()
    return values.map(lambda value: isinstance(value, str)).astype(bool)


class RawQuestionTable(pa.DataFrameModel):
    """All questions of all files, one row per question, lines as they stand."""

    section: Any
    line: int
    video_id: Any
    question_index: int
    question: Any
    answer: Any
    category: Any = pa.Field(nullable=True)

    class Config:
        """No column beyond those named; a position stands once on its line."""

        strict = True
        unique: ClassVar[list[str]] = ["section", "line", "question_index"]

    @pa.check("section", name="known_section")
    def _known_section(cls, values: pd.Series[Any]) -> pd.Series[bool]:  # noqa: N805
        return values.isin(SECTIONS)

    @pa.check("line", name="counted_from_one")
    def _counted_from_one(cls, values: pd.Series[Any]) -> pd.Series[bool]:  # noqa: N805
        return values >= 1

    @pa.check("question_index", name="counted_from_zero")
    def _counted_from_zero(cls, values: pd.Series[Any]) -> pd.Series[bool]:  # noqa: N805
        return values >= 0

    @pa.check("video_id", name="not_blank")
    def _not_blank(cls, values: pd.Series[Any]) -> pd.Series[bool]:  # noqa: N805
        return _is_text(values) & (values.astype(str).str.strip() != "")

    @pa.check("question", "answer", name="text")
    def _text(cls, values: pd.Series[Any]) -> pd.Series[bool]:  # noqa: N805
        return _is_text(values)

    @pa.check("category", name="text_or_nothing", ignore_na=False)
    def _text_or_nothing(cls, values: pd.Series[Any]) -> pd.Series[bool]:  # noqa: N805
        return values.isna() | _is_text(values)

    @pa.dataframe_check(name="one_video_per_line")
    def _one_video_per_line(cls, frame: pd.DataFrame) -> pd.Series[bool]:  # noqa: N805
        return frame.groupby(["section", "line"])["video_id"].transform("nunique") == 1

    @pa.dataframe_check(name="positions_without_gap")
    def _positions_without_gap(cls, frame: pd.DataFrame) -> pd.Series[bool]:  # noqa: N805
        lines = frame.groupby(["section", "line"])["question_index"]
        return lines.transform("max") < lines.transform("size")


def raw_question_frame(tables: AuditTables) -> pd.DataFrame:
    """The table of :class:`RawQuestionTable` of a benchmark."""
    pairs = [(row, question.source) for rows in tables.rows.values() for row in rows for question in row.questions]
    return pd.DataFrame(
        {
            "section": [row.section for row, _ in pairs],
            "line": [row.line for row, _ in pairs],
            "video_id": [row.video_id for row, _ in pairs],
            "question_index": [question.index for _, question in pairs],
            "question": [question.question for _, question in pairs],
            "answer": [question.gold for _, question in pairs],
            "category": [question.category for _, question in pairs],
        }
    )


def check_raw_questions(frame: pd.DataFrame) -> None:
    """Check a table of raw questions.

    Raises:
        InputError: Lists every fault with section, line and position.
    """
    numbered = frame.reset_index(drop=True)
    try:
        RawQuestionTable.validate(numbered, lazy=True)
    except pa.errors.SchemaErrors as error:
        faults = error.failure_cases.to_dict("records")
        # Checks of whole rows fail by themselves where a column is not there: say only that it is not.
        columns = [case for case in faults if str(case["check"]).startswith("column_in_")]
        keys = ("check", "index", "column", "failure_case")
        cases = {tuple(str(case[key]) for key in keys[: 4 if columns else 3]): case for case in columns or faults}
        raise InputError([_problem(numbered, case) for case in cases.values()]) from error


def _problem(frame: pd.DataFrame, case: dict[Any, Any]) -> Problem:
    expected = _EXPECTED.get(str(case["check"]), str(case["check"]))
    row, value = case["index"], case["failure_case"]
    if pd.isna(row):
        return Problem(f"column {value!r}", expected, "correct the table")
    cells = frame.iloc[int(row)]
    where = f"{cells['section']}, line {cells['line']}, question {cells['question_index']}"
    return Problem(f"{case['column']} {value!r}", expected, "correct it in the file and audit again", where)
