"""Three rules over one table of verdicts, against sums done by hand."""

from __future__ import annotations

import pytest

from scoring.parsing import Unparsed, parse_score
from scoring.types import VerdictStatus
from scoring.video_qa.judges import QaReply, QaRequest
from scoring.video_qa.rows import QaRow
from scoring.video_qa.rules import add_published, intervals, observed, published, read_literal, strict
from scoring.video_qa.tasks import TASKS
from scoring.video_qa.verdicts import QaVerdict


def verdict(
    status: VerdictStatus = "judged",
    match: bool | None = None,
    score: float | None = None,
    raw: str | None = None,
    video: str = "v",
    task: str = "qa",
) -> QaVerdict:
    row = QaRow("i", 0, video, ("q",), "g", ("a",))
    reply = None if status in ("missing", "empty") else QaReply(QaRequest(TASKS[task], row, ("a",)), raw)
    return QaVerdict(task, row, status, match, score, reply)


TABLE = [
    verdict(match=True, score=4.8, raw="{'pred': 'Yes', 'score': 4.8}"),
    verdict(match=False, score=1.0, raw="{'pred': 'no', 'score': 1}"),
    verdict("unparsed", raw="I cannot tell"),
    verdict("missing"),
    verdict("empty"),
]


def test_strict_counts_everything() -> None:
    numbers = strict(TABLE)
    assert numbers.accuracy == 1 / 5
    assert numbers.score == pytest.approx(5.8 / 5)
    assert (numbers.counted, numbers.left_out) == (5, 0)


def test_observed_leaves_out_what_could_not_be_read_and_nothing_else() -> None:
    numbers = observed(TABLE)
    assert numbers.accuracy == 1 / 4
    assert (numbers.counted, numbers.left_out) == (4, 1)


def test_published_cuts_scores_off_and_asks_unreadable_replies_again() -> None:
    numbers = published(TABLE)
    assert (numbers.yes, numbers.no, numbers.accuracy) == (1, 2, 1 / 3)
    assert numbers.score == (4 + 1 + 0) / 3
    assert (numbers.asked_again, numbers.left_out) == (1, 2)


def test_published_believes_scores_that_strict_refuses() -> None:
    assert add_published([{"pred": "yes", "score": 10}], with_match=True).score == 10
    assert isinstance(parse_score("{'score': 10}"), Unparsed)


def test_published_sees_a_yes_in_any_word_that_holds_one() -> None:
    numbers = add_published([{"pred": "Yesterday, no", "score": "3"}, {"pred": "maybe", "score": 2}], with_match=True)
    assert (numbers.yes, numbers.no, numbers.counted) == (1, 0, 2)
    assert numbers.score == 2.5


@pytest.mark.parametrize(
    "reply", [{"pred": "yes"}, {"pred": "yes", "score": "4.5"}, {"score": 4}, {"pred": 1, "score": 4}]
)
def test_replies_that_end_the_published_script_are_counted_apart(reply: dict) -> None:
    numbers = add_published([reply], with_match=True)
    assert (numbers.would_crash, numbers.counted, numbers.score) == (1, 0, None)


@pytest.mark.parametrize("text", ["__import__('os').getcwd()", "[" * 5000, "{'a': 1} and more", "", None, "5"])
def test_a_reply_that_is_no_dictionary_is_none(text: str | None) -> None:
    assert read_literal(text) is None


def test_a_task_without_yes_or_no_has_no_accuracy() -> None:
    numbers = strict([verdict(score=3.0, task="detail"), verdict("missing", task="detail")])
    assert (numbers.accuracy, numbers.score) == (None, 1.5)


def test_all_answers_missing_is_an_accuracy_of_zero_and_not_of_nothing() -> None:
    assert strict([verdict("missing")]).accuracy == 0.0


def test_the_interval_knows_that_answers_about_one_video_go_together() -> None:
    one_video_each = [
        verdict(match=bool(number % 2), score=5.0 * (number % 2), video=str(number)) for number in range(40)
    ]
    few_videos = [
        verdict(match=bool(number // 20), score=5.0 * (number // 20), video=str(number // 10)) for number in range(40)
    ]
    narrow, wide = intervals(one_video_each)["score"], intervals(few_videos)["score"]
    assert narrow is not None
    assert wide is not None
    assert wide.high - wide.low > 1.5 * (narrow.high - narrow.low)


def test_one_video_has_no_interval() -> None:
    assert intervals(TABLE) == {"accuracy": None, "score": None}


@pytest.mark.parametrize(
    ("text", "score"),
    [
        ("{'score': 4}", 4.0),
        ("4", 4.0),
        ("**4/5**", 4.0),
        ('```json\n{"score": 4.5}\n```', 4.5),
        ("<think>1</think>Score: 3", 3.0),
    ],
)
def test_a_score_alone_is_read_in_every_spelling(text: str, score: float) -> None:
    assert parse_score(text) == score


@pytest.mark.parametrize(
    "text", [None, "", "good", "{'score': 2} {'score': 3}", "7", "-1", "4/10", "<think>4", "{'score': 'nan'}"]
)
def test_what_is_no_score_is_said_to_be_none(text: str | None) -> None:
    assert isinstance(parse_score(text), Unparsed)
