"""Normal forms, by hand from their definitions."""

from __future__ import annotations

import json

import pytest

from builders.audit.answers import NON_ANSWERS
from tests.conftest import REFERENCE
from vdc.benchmark.normalise import (
    CONTENT_STOP_WORDS,
    content_words,
    jaccard,
    normal_answer,
    normal_category,
    normal_question,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("  What IS\tthis ?! ", "what is this"),
        ("What?.?!", "what"),
        ("'Quoted'?", "'quoted'"),
        ("a\u00a0b", "a b"),
        (" ?! ", ""),
    ],
)
def test_normal_question(text: str, expected: str) -> None:
    assert normal_question(text) == expected


@pytest.mark.parametrize(
    ("text", "answer", "category"),
    [
        ("  N/A. ", "n/a", "n/a"),
        ("'Not  Specified'", "not specified", "not specified"),
        ("`object`'", "`object`", "object"),
        ("?, a kite", "a kite", "a kite"),
        ("...", "", ""),
    ],
)
def test_normal_answer_and_category(text: str, answer: str, category: str) -> None:
    assert (normal_answer(text), normal_category(text)) == (answer, category)


def test_content_words_are_letter_runs_of_three_or_more_without_stop_words() -> None:
    assert content_words("What is the man's RED-ish bag_2b doing? An ox") == {"man", "red", "ish", "bag", "doing"}


def test_jaccard_of_two_empty_sets_is_zero() -> None:
    assert jaccard(frozenset(), frozenset()) == 0.0
    assert jaccard(frozenset("abc"), frozenset("bcd")) == 0.5


def test_word_lists_are_those_of_the_definitions() -> None:
    path = REFERENCE / "vdc" / "audit_definitions.json"
    if not path.is_file():
        pytest.skip("the audit's definitions are not part of this project and are not beside this checkout")
    definitions = json.loads(path.read_text(encoding="utf-8"))["definitions"]
    assert set(definitions["content_word_stop_list"]) == CONTENT_STOP_WORDS
    assert set(definitions["non_answer_values"]) == NON_ANSWERS
