"""Sentence frames: the small grammar, and every frame the benchmark uses."""

from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from builders.synthetic.facts import KINDS
from builders.synthetic.wording import QUESTIONS, STATEMENTS
from builders.synthetic.wording.frame import fill, frame_keys
from vdc.sections import SECTIONS

FRAME = "[{count} ][{colour} ]{kind|landmarks} line the skyline[ at {time}[ of a(n) {mood} day]]."


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        pytest.param({}, "", id="nothing stated"),
        pytest.param({"unknown": "x"}, "", id="only keys of other frames"),
        pytest.param({"kind": "tents"}, "Tents line the skyline.", id="required only"),
        pytest.param({"count": "two"}, "Two landmarks line the skyline.", id="default"),
        pytest.param(
            {"count": "two", "colour": "red", "kind": "tents", "time": "noon"},
            "Two red tents line the skyline at noon.",
            id="optional parts",
        ),
        pytest.param({"time": "dusk", "mood": "odd"}, "Landmarks line the skyline at dusk of an odd day.", id="nested"),
        pytest.param({"kind": "tents", "mood": "odd"}, "Tents line the skyline.", id="inner part without outer"),
    ],
)
def test_a_frame_says_what_is_stated_and_nothing_else(values: dict[str, str], sentence: str) -> None:
    assert fill(FRAME, values) == sentence


def test_the_article_fits_the_next_word() -> None:
    assert fill("a(n) {x}, a(n) {y}.", {"x": "apple", "y": "pear"}) == "An apple, a pear."


@pytest.mark.parametrize("frame", ["[{a} ", "{a} ]"], ids=["open", "closed twice"])
def test_a_frame_with_unmatched_brackets_is_refused(frame: str) -> None:
    with pytest.raises(ValueError, match="bracket"):
        frame_keys(frame)


ALL_STATEMENTS = [(section, ways) for section in SECTIONS for ways in STATEMENTS[section]]


def test_all_ways_to_say_a_sentence_state_the_same_facts() -> None:
    for section, ways in ALL_STATEMENTS:
        keys = {tuple(sorted(frame_keys(frame))) for frame in ways}
        assert len(keys) == 1, (section, ways)
        assert set(next(iter(keys))) <= set(QUESTIONS[section]) & set(KINDS)


def test_every_subset_of_facts_gives_a_clean_sentence() -> None:
    for _, ways in ALL_STATEMENTS:
        for frame in ways:
            keys = frame_keys(frame)
            for size in range(1, len(keys) + 1):
                for chosen in itertools.combinations(keys, size):
                    values = {key: f"Q{key.replace('_', '')}Q" for key in chosen}
                    text = fill(frame, values)
                    assert all(value in text for value in values.values()), (frame, chosen, text)
                    assert not re.search(r"  | [.,]|[\[\]{}|]|\(n\)|,\.|\.\.", text), text
                    assert text[0].isupper() and text.endswith("."), text


@pytest.mark.parametrize("section", SECTIONS)
def test_every_fact_is_stated_once_and_asked_for_in_three_ways(section: str) -> None:
    stated = [key for name, ways in ALL_STATEMENTS if name == section for key in frame_keys(ways[0])]
    assert len(stated) == len(set(stated))
    assert set(stated) == set(QUESTIONS[section])  # type: ignore[index]
    for ways in QUESTIONS[section].values():  # type: ignore[index]
        assert len(set(ways)) == 3
        assert all(question.endswith("?") for question in ways)


def test_no_question_contains_a_value_its_fact_could_have() -> None:
    for questions in QUESTIONS.values():
        for key, ways in questions.items():
            for question, value in itertools.product(ways, KINDS[key].values):
                assert not re.search(rf"\b{re.escape(value)}\b", question.lower()), (question, value)


@settings(max_examples=50, deadline=None)
@given(st.dictionaries(st.sampled_from(sorted(KINDS)), st.sampled_from(["oak", "blue mist"])))
def test_what_is_not_stated_is_not_said(values: dict[str, str]) -> None:
    for _, ways in ALL_STATEMENTS:
        text = fill(ways[0], values)
        words = sum(text.lower().count(value) for value in ("oak", "blue mist"))
        assert words == sum(key in values for key in frame_keys(ways[0]))
