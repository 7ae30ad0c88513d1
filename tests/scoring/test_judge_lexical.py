"""The offline judge: deterministic, reads the caption alone, knows no gold in step 1."""

from __future__ import annotations

import pytest

from scoring.judges.lexical import NO_ANSWER, LexicalJudge, content_words, stem
from scoring.parsing import parse_verdict
from scoring.types import JudgeRequest, Verdict
from vdc.benchmark.model import Question

CAPTION = (
    "A red kite climbs over a sandy beach. A girl in a yellow coat holds the string with both hands. "
    "Three gulls circle above the pier; the sea is calm."
)


def ask(question: str, gold: str, caption: str = CAPTION) -> tuple[str | None, Verdict]:
    request = JudgeRequest(Question("video", "short", 0, question, gold), caption)
    (reply,) = LexicalJudge().judge([request])
    verdict = parse_verdict(reply.raw)
    assert isinstance(verdict, Verdict)
    return reply.answer, verdict


@pytest.mark.parametrize(
    ("question", "gold", "match", "score"),
    [
        ("What colour is the kite?", "red", True, 5),
        ("Who holds the string?", "a girl", True, 5),
        ("How many gulls circle above the pier?", "three", True, 5),
        ("What colour is the kite?", "blue", False, 0),
        ("What does the girl wear?", "a yellow coat", True, 5),
        ("What does the girl wear?", "a green coat", False, 2),
    ],
)
def test_gold_words_in_the_nearest_sentences_decide(question: str, gold: str, match: bool, score: float) -> None:
    assert ask(question, gold)[1] == Verdict(match, score)


def test_a_question_about_nothing_in_the_caption_has_no_answer() -> None:
    answer, verdict = ask("Which dashboard lamp blinks?", "oil pressure")
    assert (answer, verdict) == (NO_ANSWER, Verdict(False, 0))


def test_the_answer_does_not_depend_on_the_gold() -> None:
    assert ask("What colour is the kite?", "red")[0] == ask("What colour is the kite?", "purple")[0]


def test_replies_do_not_depend_on_the_neighbours() -> None:
    requests = [
        JudgeRequest(Question("video", "short", index, question, "red"), caption)
        for index, (question, caption) in enumerate(
            [("What colour is the kite?", CAPTION), ("What colour is the car?", "A red car waits."), ("Who?", "...")]
        )
    ]
    together = list(LexicalJudge().judge(requests))
    alone = [next(LexicalJudge().judge([request])) for request in requests]
    assert together == alone
    assert [reply.request for reply in together] == requests


@pytest.mark.parametrize(("word", "other"), [("walks", "walking"), ("carried", "carries"), ("moves", "moving")])
def test_common_endings_meet(word: str, other: str) -> None:
    assert stem(word) == stem(other)


def test_numbers_and_places_are_content() -> None:
    assert content_words("three on the left") == ["thr", "left"]
