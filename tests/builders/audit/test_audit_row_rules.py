"""Rules about ids, rows and pairs of rows, worked by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.audit.model import AuditTables, Finding, SectionRule
from builders.audit.near_duplicates import similar_pairs
from builders.audit.registry import SECTION_RULES

RULES: dict[str, SectionRule] = {rule.id: rule for rule in SECTION_RULES}
Make = Callable[[Any], AuditTables]


def found(rule: str, tables: AuditTables, section: Any = "short") -> list[Finding]:
    return list(RULES[rule].find(section, tables))


def plain(count: int, *, word: str = "thing") -> list[tuple[str, str]]:
    return [(f"What is {word} number {index}?", f"{word} {index}") for index in range(count)]


def test_duplicate_ids_name_their_lines_and_whether_they_agree(make_tables: Make) -> None:
    same, other = plain(2), plain(3)
    tables = make_tables({"short": [("a", same), ("b", same), ("a", same), ("c", same), ("c", other), ("c", same)]})
    assert [(finding.video_id, finding.detail) for finding in found("duplicate_ids", tables)] == [
        ("a", "lines 1, 3: the same questions"),
        ("c", "lines 4, 5, 6: different questions"),
    ]


def test_missing_ids_are_those_of_the_other_files(make_tables: Make) -> None:
    row = plain(1)
    tables = make_tables({"short": [("a", row), ("b", row)], "camera": [("b", row), ("c", row)]})
    assert [finding.video_id for finding in found("missing_ids", tables)] == ["c"]
    assert [finding.video_id for finding in found("missing_ids", tables, "camera")] == ["a"]


@pytest.mark.parametrize(
    ("video", "count"),
    [
        ("a" * 64, 0),
        ("4pG1KZS2Y_I", 0),
        ("mixkit-x", 0),
        ("07309684-1f6e-4977-ab74-f3e63c361f36", 0),
        ("clip 7", 1),
    ],
)
def test_unknown_id_form(video: str, count: int, make_tables: Make) -> None:
    assert len(found("unknown_id_form", make_tables({"short": [(video, plain(1))]}))) == count


@pytest.mark.parametrize(("questions", "count"), [(25, 0), (26, 1)])
def test_question_count_outlier_is_more_than_25(questions: int, count: int, make_tables: Make) -> None:
    assert len(found("question_count_outlier", make_tables({"short": [("a", plain(questions))]}))) == count


@pytest.mark.parametrize(
    ("story", "rest", "count"),
    [(1, 3, 1), (1, 4, 0), (0, 4, 0), (5, 15, 1), (4, 13, 0)],
)
def test_invented_story_is_a_quarter_of_the_questions_or_more(
    story: int, rest: int, count: int, make_tables: Make
) -> None:
    row = [("Where does it go?", "to the PROTAGONIST's house")] * story + plain(rest)
    assert len(found("invented_story", make_tables({"short": [("a", row)]}))) == count


def test_category_word_row_is_half_of_the_answers_or_more(make_tables: Make) -> None:
    vocabulary = ("camera", [("v", [("a b?", "x", "mood")] * 100)])
    half = [("a b?", "mood", "x"), ("c d?", "calm", "x")]
    less = [*half, ("e f?", "warm", "x")]
    tables = make_tables({"short": [("half", half), ("less", less)], vocabulary[0]: vocabulary[1]})
    assert [finding.video_id for finding in found("category_word_row", tables)] == ["half"]


def test_one_answer_row_needs_two_equal_answers_and_half_of_the_row(make_tables: Make) -> None:
    rows = [
        ("half", [("a b?", "Dog."), ("c d?", "dog"), ("e f?", "cat"), ("g h?", "cow")]),
        ("less", [("a b?", "dog"), ("c d?", "dog"), ("e f?", "cat"), ("g h?", "cow"), ("i j?", "hen")]),
        ("single", [("a b?", "dog")]),
    ]
    assert [finding.video_id for finding in found("one_answer_row", make_tables({"short": rows}))] == ["half"]


def test_near_duplicates_are_pairs_of_different_ids_with_half_of_all_questions_in_common(make_tables: Make) -> None:
    rows = [
        ("a", [("p q?", "x"), ("r s?", "y"), ("t u?", "z")]),
        ("b", [("P Q", "X."), ("r s?", "y"), ("v w?", "z")]),  # 2 of 4 with a: in
        ("a", [("p q?", "x"), ("r s?", "y"), ("t u?", "z")]),  # equal to line 1, but the same id; 2 of 4 with b
        ("c", [("p q?", "x"), ("1 2?", "y"), ("3 4?", "z")]),  # 1 of 5: out
    ]
    pairs = [(finding.video_id, finding.line) for finding in found("near_duplicate_rows", make_tables({"short": rows}))]
    assert pairs == [("b", 2), ("a", 3)]


@given(st.lists(st.frozensets(st.integers(0, 12), max_size=9), max_size=14))
def test_similar_pairs_are_exactly_those_of_comparing_all_pairs(sets: list[frozenset[int]]) -> None:
    naive = {
        (first, second): len(sets[first] & sets[second]) / len(sets[first] | sets[second])
        for second in range(len(sets))
        for first in range(second)
        if sets[first] and sets[second] and 2 * len(sets[first] & sets[second]) >= len(sets[first] | sets[second])
    }
    assert {(pair.first, pair.second): pair.similarity for pair in similar_pairs(sets)} == naive


def test_row_unlike_own_video_finds_the_one_row_that_was_exchanged(make_tables: Make) -> None:
    # Every video has a word of its own and one it shares with nine others.
    def row(number: int, section: str) -> list[tuple[str, str]]:
        return [(f"What about item{number:03} in {section}?", f"group{number // 10}")]

    def rows(section: str, wrong: dict[int, int]) -> list[tuple[str, list[tuple[str, str]]]]:
        return [(f"video{number:03}", row(wrong.get(number, number), section)) for number in range(60)]

    tables = make_tables({"short": rows("short", {7: 45}), "camera": rows("camera", {}), "detailed": rows("more", {})})
    assert [finding.video_id for finding in found("row_unlike_own_video", tables)] == ["video007"]
    assert "best is video045" in found("row_unlike_own_video", tables)[0].detail
    assert found("row_unlike_own_video", tables, "camera") == []


def test_row_unlike_own_video_is_silent_on_few_videos_and_on_texts_without_words(make_tables: Make) -> None:
    few = [(f"v{number}", plain(2, word=f"word{number}")) for number in range(10)]
    assert found("row_unlike_own_video", make_tables({"short": few, "camera": few[::-1]})) == []
    empty = [(f"v{number}", [("?", "!")]) for number in range(60)]
    assert found("row_unlike_own_video", make_tables({"short": empty, "camera": empty})) == []
