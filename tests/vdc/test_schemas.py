from __future__ import annotations

from io import BytesIO
from typing import Any

import pandas as pd
import pytest

from vdc.errors import InputError
from vdc.schemas import CaptionTable, PredictionTable, QuestionTable, VerdictTable, check

JUDGED: dict[str, Any] = {
    "video_id": "clip",
    "section": "short",
    "question_index": 0,
    "question": "What colour?",
    "gold": "red",
    "answer": "red",
    "match": True,
    "score": 4.0,
    "status": "judged",
    "raw": "{}",
    "raw_retry": None,
    "answer_key": "k1",
    "match_key": "k2",
    "retry_key": None,
    "suspicious": "",
    "error": "",
}
MISSING = {**JUDGED, "answer": None, "match": None, "score": None, "status": "missing", "raw": None}


def verdicts(*changes: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame([{**JUDGED, "question_index": index, **change} for index, change in enumerate(changes)])


def places(error: InputError) -> list[str]:
    return [problem.where for problem in error.problems]


@pytest.mark.parametrize(
    "frame",
    [
        pytest.param(verdicts({}, {}), id="all judged, plain bool and float"),
        pytest.param(verdicts({}, {**MISSING, "question_index": 1}), id="objects with None"),
        pytest.param(
            verdicts({}, {**MISSING, "question_index": 1}).astype({"match": "boolean", "score": "Float64"}),
            id="nullable types",
        ),
        pytest.param(verdicts({})[:0], id="no rows"),
        pytest.param(verdicts({"question": "", "gold": ""}), id="empty texts"),
    ],
)
def test_good_verdicts_pass_whatever_their_storage_type(frame: pd.DataFrame) -> None:
    assert len(check(frame, VerdictTable)) == len(frame)


def test_verdicts_read_back_from_parquet_pass() -> None:
    buffer = BytesIO()
    verdicts({}, {**MISSING, "question_index": 1}).astype({"match": "boolean"}).to_parquet(buffer)
    buffer.seek(0)
    check(pd.read_parquet(buffer), VerdictTable)


@pytest.mark.parametrize(
    ("change", "column", "expected"),
    [
        pytest.param({"score": 5.5}, "score", "a number from 0 to 5", id="score above 5"),
        pytest.param({"score": -0.1}, "score", "a number from 0 to 5", id="score below 0"),
        pytest.param({"score": "4"}, "score", "a number from 0 to 5", id="score as text"),
        pytest.param({"score": float("inf")}, "score", "a number from 0 to 5", id="infinite score"),
        pytest.param({"match": "yes"}, "match", "true, false or nothing", id="match as text"),
        pytest.param({"section": "object"}, "section", "one of short", id="alias of a section"),
        pytest.param({"video_id": " "}, "video_id", "a name", id="blank id"),
        pytest.param({"video_id": None}, "video_id", "a value", id="no id"),
        pytest.param({"question_index": -1}, "question_index", "a whole number", id="negative index"),
        pytest.param({"question": 7}, "question", "text", id="question as number"),
        pytest.param({"gold": None}, "gold", "a value", id="no gold"),
        pytest.param({"raw": 7}, "raw", "text or nothing", id="raw as number"),
        pytest.param({"error": None}, "error", "a value", id="no error text"),
    ],
)
def test_bad_cell_is_named_by_row_and_column(change: dict[str, Any], column: str, expected: str) -> None:
    with pytest.raises(InputError) as caught:
        check(verdicts({}, change), VerdictTable, "verdicts.parquet")
    assert places(caught.value) == [f"verdicts.parquet, row 2, column {column}"]
    assert expected in caught.value.problems[0].expected


@pytest.mark.parametrize("status", ["unparsed", "failed", "missing", "empty"])
def test_only_judged_questions_have_match_and_score(status: str) -> None:
    with pytest.raises(InputError, match="nowhere else"):
        check(verdicts({"status": status}), VerdictTable)
    check(verdicts({"status": status, "match": None, "score": None}), VerdictTable)


def test_judged_question_without_score_is_refused() -> None:
    with pytest.raises(InputError, match="where the status is judged"):
        check(verdicts({"score": None}), VerdictTable)


def test_all_faults_come_in_one_message() -> None:
    frame = verdicts({"score": 9.0}, {"match": "no"}, {"question": 3})
    with pytest.raises(InputError) as caught:
        check(frame, VerdictTable)
    assert {place.split(", ", 1)[1] for place in places(caught.value)} == {
        "row 1, column score",
        "row 2, column match",
        "row 3, column question",
    }


def test_row_numbers_do_not_depend_on_the_index() -> None:
    frame = verdicts({}, {"score": 9.0})
    frame.index = pd.Index([70, 71])
    with pytest.raises(InputError, match="row 2, column score"):
        check(frame, VerdictTable)


def test_missing_and_extra_columns_are_told() -> None:
    with pytest.raises(InputError) as caught:
        check(verdicts({}).drop(columns="raw").assign(surprise=1), VerdictTable, "t")
    assert set(places(caught.value)) == {"t, column raw", "t, column surprise"}


@pytest.mark.parametrize("schema", [CaptionTable, PredictionTable])
def test_captions_are_unique_per_video_and_section(schema: type[CaptionTable]) -> None:
    row = {"video_id": "clip", "section": "short", "caption": ""}
    check(pd.DataFrame([row, {**row, "section": "camera"}]), schema)
    with pytest.raises(InputError, match="every combination of video_id, section once"):
        check(pd.DataFrame([row, row]), schema)


def test_same_question_text_twice_is_fine_but_not_at_one_position() -> None:
    row = {"video_id": "clip", "section": "short", "question_index": 0, "question": "", "gold": "", "category": None}
    check(pd.DataFrame([row, {**row, "question_index": 1}]), QuestionTable)
    with pytest.raises(InputError, match="question_index 0"):
        check(pd.DataFrame([row, row]), QuestionTable)
