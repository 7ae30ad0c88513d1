"""Which questions are good enough, case by case."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.benchmark.model import Item
from builders.benchmark.questioning import CATEGORIES, SCHEMAS, read_items
from builders.benchmark.support import refusal, support_of
from vdc.sections import SECTIONS

CAPTION = "Two red kites glide over a snowy mountain while three children run towards the wooden cabin, laughing."


@pytest.mark.parametrize(
    ("question", "answer", "reason"),
    [
        ("What glides over the mountain?", "two red kites", None),
        ("How many kites are there?", "2", None),
        ("How many children run?", "3", None),
        ("What is the cabin like?", "Wooden.", None),
        ("What do the children run towards?", "a wooden cabin", None),
        ("What are the children doing?", "running and laughing", None),
        ("", "two", "empty"),
        ("How many kites?", "  ", "empty"),
        ("Name the colour of the kites.", "red", "no_question"),
        ("What does the caption say about kites?", "red", "speaks_of_the_text"),
        ("What is over the mountain?", "two red kites " * 5, "answer_too_long"),
        ("Are the kites red?", "Yes", "yes_no_answer"),
        ("Are the kites blue?", "no, they are red", "yes_no_answer"),
        ("What time is it?", "Not specified.", "non_answer"),
        ("What is the snowy mountain like?", "snowy", "answer_in_question"),
        ("Which cabin, the wooden one?", "wooden", "answer_in_question"),
        ("What colour are the kites?", "blue", "answer_not_in_caption"),
        ("How many children run?", "four", "answer_not_in_caption"),
        ("What  glides over the MOUNTAIN", "kites", "no_question"),
        ("Who laughs?", "three children", "repeated_question"),
    ],
)
def test_rules_for_questions(question: str, answer: str, reason: str | None) -> None:
    assert refusal(Item(question, answer, "other"), CAPTION, {"who laughs"}) == reason


def test_lower_support_accepts_part_of_the_answer() -> None:
    item = Item("What glides over the mountain?", "two red big kites", "object")
    assert refusal(item, CAPTION, ()) == "answer_not_in_caption"
    assert refusal(item, CAPTION, (), support=0.75) is None


@given(st.integers(0, 15), st.integers(1, 4))
def test_any_run_of_the_captions_words_is_supported(start: int, length: int) -> None:
    words = CAPTION.split()
    assert support_of(" ".join(words[start : start + length]), CAPTION) == 1.0


def test_questions_are_read_from_a_fence_and_other_entries_left_out() -> None:
    text = """Sure: ```json
    {"questions": [{"question": " What  moves? ", "answer": "a kite", "category": "MOTION"}, "x", {"question": 3},
    {"question": "Where?", "answer": "there", "category": "nonsense"}]}```"""
    items = read_items(text, "detailed")
    assert items == [Item("What moves?", "a kite", "motion"), Item("Where?", "there", "other")]


@pytest.mark.parametrize("text", ["", "no", "[1]", '{"questions": 3}', "{" * 5000, '{"a": ' * 2000])
def test_reply_without_questions_is_none(text: str) -> None:
    assert read_items(text, "short") is None


@pytest.mark.parametrize("section", SECTIONS)
def test_schema_names_the_closed_list_of_categories(section: str) -> None:
    item = SCHEMAS[section]["properties"]["questions"]["items"]  # type: ignore[index]
    assert item["properties"]["category"]["enum"] == list(CATEGORIES[section])  # type: ignore[index]
    assert len(set(CATEGORIES[section])) == len(CATEGORIES[section])  # type: ignore[index]
