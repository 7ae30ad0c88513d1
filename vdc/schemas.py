"""Rules for the tables of this project: captions, questions, predictions, verdicts.

Importing this module imports pandera (about a second), so it is imported only where a table is checked. The rules look
at the values, not at the storage type: a column of text may be of pandas' string type or of objects, as tables made
from records and tables read from Parquet differ in that.
"""

from __future__ import annotations

from typing import Any, ClassVar, Final

import pandas as pd
import pandera.pandas as pa

from vdc.errors import InputError, Problem
from vdc.sections import SECTIONS

VERDICT_STATUSES: Final = ("judged", "unparsed", "failed", "missing", "empty")
"""What became of a question, see ``scoring.types.VerdictStatus``."""

TOP_SCORE: Final = 5.0

_REASONS: Final[dict[str, str]] = {
    "is_text": "text",
    "is_text_or_null": "text or nothing",
    "is_count": "a whole number from 0",
    "is_match": "true, false or nothing",
    "is_score": f"a number from 0 to {TOP_SCORE:g} or nothing",
    "is_section": f"one of {', '.join(SECTIONS)}",
    "is_status": f"one of {', '.join(VERDICT_STATUSES)}",
    "is_named": "a name that is not empty",
    "verdict_only_where_judged": "match and score where the status is judged, and nowhere else",
    "not_nullable": "a value",
    "column_in_schema": "no such column",
    "column_in_dataframe": "the column to be there",
    "multiple_fields_uniqueness": "every combination of {unique} once",
}
"""Name of a rule -> what it expects, in words."""


def _texts(series: pd.Series[Any]) -> pd.Series[bool]:
    if isinstance(series.dtype, pd.StringDtype):
        return series.notna()
    return series.map(lambda value: isinstance(value, str)).astype(bool)


class _Table(pa.DataFrameModel):
    """What the tables have in common: the key of a caption, and no column beyond those named."""

    video_id: Any
    section: Any

    class Config:
        """Columns beyond the named ones are faults; their order is free."""

        strict = True

    @pa.check("video_id", name="is_named")
    def _is_named(cls, series: pd.Series[Any]) -> pd.Series[bool]:  # noqa: N805
        return _texts(series) & (series.astype(str).str.strip() != "")

    @pa.check("section", name="is_section")
    def _is_section(cls, series: pd.Series[Any]) -> pd.Series[bool]:  # noqa: N805
        return series.isin(SECTIONS)


class CaptionTable(_Table):
    """Gold captions: one row per video and section."""

    caption: Any

    class Config:
        """One caption per video and section."""

        strict = True
        unique: ClassVar[list[str]] = ["video_id", "section"]

    @pa.check("caption", name="is_text")
    def _is_text(cls, series: pd.Series[Any]) -> pd.Series[bool]:  # noqa: N805
        return _texts(series)


class PredictionTable(CaptionTable):
    """Predicted captions: one row per video and section; a blank caption is a caption."""


class _QuestionKey(_Table):
    """The key of a question: the same text may stand twice in a video, so its position is part of it."""

    question_index: Any

    class Config:
        """One row per position."""

        strict = True
        unique: ClassVar[list[str]] = ["video_id", "section", "question_index"]

    @pa.check("question_index", name="is_count")
    def _is_count(cls, series: pd.Series[Any]) -> pd.Series[bool]:  # noqa: N805
        if pd.api.types.is_integer_dtype(series.dtype):
            return (series >= 0).fillna(False).astype(bool)
        return series.map(lambda value: isinstance(value, int) and not isinstance(value, bool) and value >= 0)


class QuestionTable(_QuestionKey):
    """Questions of a benchmark; empty questions and answers are published and stay."""

    question: Any
    gold: Any
    category: Any = pa.Field(nullable=True)

    @pa.check("question", "gold", name="is_text")
    def _is_text(cls, series: pd.Series[Any]) -> pd.Series[bool]:  # noqa: N805
        return _texts(series)

    @pa.check("category", name="is_text_or_null", ignore_na=False)
    def _is_text_or_null(cls, series: pd.Series[Any]) -> pd.Series[bool]:  # noqa: N805
        return series.isna() | _texts(series)


class VerdictTable(_QuestionKey):
    """Verdicts of a run: one row per question of the benchmark, whatever became of it.

    ``suspicious`` holds the reasons joined by commas, empty when there is none; ``error`` is empty where no call
    failed.
    """

    question: Any
    gold: Any
    answer: Any = pa.Field(nullable=True)
    match: Any = pa.Field(nullable=True)
    score: Any = pa.Field(nullable=True)
    status: Any
    raw: Any = pa.Field(nullable=True)
    raw_retry: Any = pa.Field(nullable=True)
    answer_key: Any = pa.Field(nullable=True)
    match_key: Any = pa.Field(nullable=True)
    retry_key: Any = pa.Field(nullable=True)
    suspicious: Any
    error: Any

    @pa.check("question", "gold", "suspicious", "error", name="is_text")
    def _is_text(cls, series: pd.Series[Any]) -> pd.Series[bool]:  # noqa: N805
        return _texts(series)

    @pa.check(
        "answer", "raw", "raw_retry", "answer_key", "match_key", "retry_key", name="is_text_or_null", ignore_na=False
    )
    def _is_text_or_null(cls, series: pd.Series[Any]) -> pd.Series[bool]:  # noqa: N805
        return series.isna() | _texts(series)

    @pa.check("match", name="is_match", ignore_na=False)
    def _is_match(cls, series: pd.Series[Any]) -> pd.Series[bool]:  # noqa: N805
        if pd.api.types.is_bool_dtype(series.dtype):
            return pd.Series(True, index=series.index)
        return series.isna() | series.map(lambda value: isinstance(value, bool)).astype(bool)

    @pa.check("score", name="is_score", ignore_na=False)
    def _is_score(cls, series: pd.Series[Any]) -> pd.Series[bool]:  # noqa: N805
        if pd.api.types.is_bool_dtype(series.dtype):
            return pd.Series(False, index=series.index)
        if not pd.api.types.is_numeric_dtype(series.dtype):
            numbers = series.map(lambda value: isinstance(value, int | float) and not isinstance(value, bool))
            series = series.where(numbers.astype(bool) | series.isna(), -1.0).astype("Float64")
        return (series.isna() | series.between(0.0, TOP_SCORE)).fillna(False).astype(bool)

    @pa.check("status", name="is_status")
    def _is_status(cls, series: pd.Series[Any]) -> pd.Series[bool]:  # noqa: N805
        return series.isin(VERDICT_STATUSES)

    @pa.dataframe_check(name="verdict_only_where_judged")
    def _verdict_only_where_judged(cls, frame: pd.DataFrame) -> pd.Series[bool]:  # noqa: N805
        judged = frame["status"] == "judged"
        return (frame["match"].notna() == judged) & (frame["score"].notna() == judged)


def check(frame: pd.DataFrame, schema: type[pa.DataFrameModel], name: str = "table") -> pd.DataFrame:
    """Check a table against one of the schemas of this module.

    Args:
        frame: The table; its index is not looked at.
        schema: For example :class:`VerdictTable`.
        name: What to call the table in messages, for example its file name.

    Returns:
        The same rows and columns, with an index from 0.

    Raises:
        InputError: Lists every fault with its row (the first row is row 1) and column.
    """
    numbered = frame.reset_index(drop=True)
    try:
        schema.validate(numbered, lazy=True)
    except pa.errors.SchemaErrors as error:
        raise InputError(_problems(numbered, error.failure_cases, schema, name)) from error
    return numbered


def _problems(frame: pd.DataFrame, cases: pd.DataFrame, schema: type[pa.DataFrameModel], name: str) -> list[Problem]:
    unique = ", ".join(schema.to_schema().unique or ())
    problems: dict[tuple[str, object, str], Problem] = {}
    for case in cases.to_dict("records"):
        rule, column, value, row = (case[key] for key in ("check", "column", "failure_case", "index"))
        whole_row = rule in ("verdict_only_where_judged", "multiple_fields_uniqueness")
        named = "" if whole_row else f", column {value if pd.isna(row) else column}"
        # A fault of a whole row comes once per cell; it is told once.
        key = (str(rule), row if pd.notna(row) else value, "" if whole_row else str(column))
        if key in problems:
            continue
        if pd.isna(row):
            found, where = "nothing" if rule == "column_in_dataframe" else "a column", f"{name}{named}"
        else:
            found = _row_found(frame, int(row), str(rule), schema) if whole_row else repr(value)
            where = f"{name}, row {int(row) + 1}{named}"
        expected = _REASONS.get(str(rule), str(rule)).format(unique=unique)
        problems[key] = Problem(found, expected, "correct it where the table is made", where)
    return list(problems.values())


def _row_found(frame: pd.DataFrame, row: int, rule: str, schema: type[pa.DataFrameModel]) -> str:
    columns = ["status", "match", "score"] if rule == "verdict_only_where_judged" else schema.to_schema().unique or ()
    return ", ".join(f"{column} {frame[column].iloc[row]}" for column in columns)
