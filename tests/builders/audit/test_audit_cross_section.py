"""Sections against each other."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from builders.audit.cross_section import (
    find_absent_sections,
    find_background_about_main_object,
    word_overlap,
)
from builders.audit.model import AuditTables

Make = Callable[[Any], AuditTables]


def test_overlap_and_control_by_hand(make_tables: Make) -> None:
    tables = make_tables(
        {
            "short": [("b", [("grey cat?", "sleeping")]), ("a", [("brown dog?", "barking")])],
            # Same video: a shares dog of {brown, dog, barking, running}; b shares grey, cat of four.
            "camera": [("a", [("dog?", "running")]), ("b", [("grey cat?", "dog")]), ("c", [("x?", "y")])],
        }
    )
    overlap = word_overlap(tables)["short", "camera"]
    assert overlap.videos == 2
    assert overlap.overlap == round((1 / 4 + 2 / 4) / 2, 4)
    # Control: short of a with camera of b shares dog of five; short of b with camera of a shares nothing.
    assert overlap.control == round((1 / 5 + 0) / 2, 4)


def test_overlap_uses_the_last_row_of_a_repeated_id(make_tables: Make) -> None:
    tables = make_tables({"short": [("a", [("dog?", "")]), ("a", [("cat?", "")])], "camera": [("a", [("cat?", "")])]})
    assert word_overlap(tables)["camera", "short"].overlap == 1.0


def test_background_row_with_the_words_of_the_main_object_is_found(make_tables: Make) -> None:
    names = ["apple", "bread", "candle", "drum"]
    other = ["wall", "river", "forest", "street"]

    def rows(words: list[str]) -> list[tuple[str, list[tuple[str, str]]]]:
        return [(f"v{place}", [(f"{word}?", f"{word}s near")]) for place, word in enumerate(words)]

    tables = make_tables(
        {
            "background": rows([*other[:3], "drum"]),
            "main_object": rows(names),
            "detailed": rows(["x" * 5, "y" * 5, "z" * 5, "w" * 5]),
        }
    )
    assert [finding.video_id for finding in find_background_about_main_object(tables)] == ["v3"]


def test_background_rule_needs_both_sections(make_tables: Make) -> None:
    tables = make_tables({"background": [("a", [("dog?", "x")]), ("b", [("cat?", "y")])]})
    assert list(find_background_about_main_object(tables)) == []


def test_absent_sections_are_named(make_tables: Make) -> None:
    tables = make_tables({"short": [("a", [("x?", "y")])], "camera": [("a", [("x?", "y")])]})
    assert [finding.detail for finding in find_absent_sections(tables)] == [
        "no questions for background",
        "no questions for main_object",
        "no questions for detailed",
    ]
