"""Published files of answers and questions: read, refused, joined."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scoring.video_qa.rows import join, read_answers, read_questions
from scoring.video_qa.tasks import choose_tasks
from vdc.errors import InputError

QA = {"id": "a", "question": "Who?", "answer": "a dog", "pred": "A dog."}
GENERIC = {"video_name": "v", "Q": "What?", "A": "rain", "pred": "It rains."}
TWICE = {"video_name": "v", "Q1": "What?", "Q2": "Say what?", "A": "rain", "pred1": "rain", "pred2": "snow"}


@pytest.mark.parametrize("name", ["answers.jsonl", "answers.json"])
def test_rows_are_named_as_the_published_scripts_name_their_replies(write_rows: Callable[..., Path], name: str) -> None:
    read = read_answers(write_rows([QA, {**QA, "id": "b"}, {**QA, "question": "Where?"}], name))
    assert [row.key for row in read.rows] == ["a_0", "b_0", "a_1"]
    assert read.shape == "qa"


def test_both_answers_of_a_consistency_row_are_read(write_rows: Callable[..., Path]) -> None:
    (row,) = read_answers(write_rows([TWICE])).rows
    assert row.questions == ("What?", "Say what?")
    assert row.answers == ("rain", "snow")


def test_a_packed_file_is_read(write_rows: Callable[..., Path], tmp_path: Path) -> None:
    packed = tmp_path / "answers.jsonl.gz"
    packed.write_bytes(gzip.compress(write_rows([GENERIC]).read_bytes()))
    assert read_answers(packed).rows[0].gold == "rain"


@pytest.mark.parametrize(
    "row",
    [
        {},
        [],
        1,
        {**QA, "id": None},
        {**QA, "id": True},
        {**QA, "pred": None},
        {key: value for key, value in QA.items() if key != "answer"},
    ],
    ids=["empty", "list", "number", "no id", "id of truth", "no answer", "no gold"],
)
def test_every_bad_row_is_named_with_its_line(write_rows: Callable[..., Path], row: Any) -> None:
    with pytest.raises(InputError, match=r"answers\.jsonl:2"):
        read_answers(write_rows([QA, row, QA]))


def test_rows_of_two_shapes_in_one_file_are_refused(write_rows: Callable[..., Path]) -> None:
    with pytest.raises(InputError, match=r"answers\.jsonl:2"):
        read_answers(write_rows([QA, GENERIC]))


def test_an_empty_file_is_refused(write_rows: Callable[..., Path]) -> None:
    with pytest.raises(InputError, match="no rows"):
        read_answers(write_rows([]))


def test_a_question_without_an_answer_stays_and_an_answer_without_a_question_is_counted(
    write_rows: Callable[..., Path],
) -> None:
    asked = read_questions(write_rows([{**QA, "video_id": 7}, {**QA, "id": "b"}], "questions.json"))
    answered = read_answers(write_rows([QA, {**QA, "id": "c"}]))
    rows, unknown = join(asked.rows, answered.rows)
    assert [row.answers for row in rows] == [("A dog.",), None]
    assert unknown == 1
    assert rows[0].video_id == "7"


def test_the_same_question_asked_twice_gets_its_answers_in_order(write_rows: Callable[..., Path]) -> None:
    asked = read_questions(write_rows([QA, QA], "questions.json"))
    rows, unknown = join(asked.rows, read_answers(write_rows([QA, {**QA, "pred": "second"}])).rows)
    assert [row.answers for row in rows] == [("A dog.",), ("second",)]
    assert unknown == 0


def test_answers_made_for_another_gold_are_refused(write_rows: Callable[..., Path]) -> None:
    asked = read_questions(write_rows([{**QA, "answer": "a cat"}], "questions.json"))
    with pytest.raises(InputError, match="a cat"):
        join(asked.rows, read_answers(write_rows([QA])).rows)


def test_questions_and_golds_may_be_two_files(write_rows: Callable[..., Path]) -> None:
    questions = write_rows([{"video_name": "v", "question": "Who?", "question_id": "v_1"}], "q.json")
    golds = write_rows([{"question_id": "v_1", "answer": "a dog", "type": 3}], "a.json")
    (row,) = read_questions(questions, golds).rows
    assert (row.id, row.video_id, row.gold) == ("v_1", "v", "a dog")


@pytest.mark.parametrize(
    ("names", "shape", "chosen"),
    [
        ([], "qa", ["qa"]),
        ([], "consistency", ["consistency"]),
        (["detail", "temporal"], "generic", ["detail", "temporal"]),
    ],
)
def test_tasks_follow_from_the_file(names: list[str], shape: str, chosen: list[str]) -> None:
    assert [task.name for task in choose_tasks(names, shape)] == chosen


@pytest.mark.parametrize(
    ("names", "shape", "message"),
    [
        ([], "generic", "no --task"),
        (["qa"], "generic", "one of correctness"),
        (["corectness"], "generic", "did you mean"),
    ],
)
def test_tasks_that_do_not_fit_are_refused(names: list[str], shape: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        choose_tasks(names, shape)
