"""Rules about one question: when they fire and when they do not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from builders.audit.model import AuditTables, SectionRule
from builders.audit.registry import REMOVING_RULES, SECTION_RULES

RULES: dict[str, SectionRule] = {rule.id: rule for rule in SECTION_RULES}

CASES: list[tuple[str, tuple[str, ...], bool]] = [
    ("empty_question", (" \t", "a"), True),
    ("empty_question", ("?", "a"), False),
    ("one_word_question", ("What?", "a"), True),
    ("one_word_question", ("What now?", "a"), False),
    ("one_word_question", ("", "a"), False),
    ("no_question_mark", ("What is it", "a"), True),
    ("no_question_mark", ("What is it? ", "a"), False),
    ("no_question_mark", ("", ""), True),
    ("control_character", ("What\x00is it?", "a"), True),
    ("control_character", ("What is it?", "zero\u200bwidth"), True),
    ("control_character", ("What is it?", "caf\u00e9\u00a0noir"), False),
    ("long_question", (" ".join(["word"] * 31), "a"), True),
    ("long_question", (" ".join(["word"] * 30), "a"), False),
    ("not_ascii", ("Where?", "caf\u00e9"), True),
    ("not_ascii", ("Where?", "cafe"), False),
    ("untidy_space", ("Where  is it?", "a"), True),
    ("untidy_space", ("Where is it?", "a "), True),
    ("untidy_space", ("Where is it?", "a"), False),
    ("empty_answer", ("Where?", "  "), True),
    ("empty_answer", ("Where?", "."), False),
    ("non_answer", ("Where?", "Not specified."), True),
    ("non_answer", ("Where?", "'N/A'"), True),
    ("non_answer", ("Where?", "not specified in the video"), False),
    ("split_damage", ("Where?", "?a house"), True),
    ("split_damage", ("Where?", "if anywhere? , a house"), True),
    ("split_damage", ("Where?", "a house?"), False),
    ("split_damage", ("Where?", " ?a house"), False),
    ("answer_in_question", ("Is the red lure green?", "Lure"), True),
    ("answer_in_question", ("Is the lure red?", "red"), False),
    ("answer_in_question", ("What flies?", "a kite"), False),
    ("answer_equals_own_category", ("What?", "Tension.", "`tension'"), True),
    ("answer_equals_own_category", ("What?", "", ""), False),
    ("answer_equals_own_category", ("What?", "tension", "mood"), False),
    ("bracketed_answer", ("What?", "<object>"), True),
    ("bracketed_answer", ("What?", "a [big] dog"), False),
    ("yes_no_answer", ("Is it?", "Yes, it is"), True),
    ("yes_no_answer", ("Is it?", "no."), True),
    ("yes_no_answer", ("Is it?", "no mention"), False),
    ("long_answer", ("What?", " ".join(["word"] * 11)), True),
    ("long_answer", ("What?", " ".join(["word"] * 10)), False),
    ("stray_quote", ("Where?", "center'"), True),
    ("stray_quote", ("Where?", "'center"), True),
    ("stray_quote", ("Where?", "the dogs'"), False),
    ("stray_quote", ("Where?", "the man's hat"), False),
    ("stray_quote", ("Where?", "'center'"), False),
    ("malformed_category", ("What?", "a", ""), True),
    ("malformed_category", ("What?", "a", " mood"), True),
    ("malformed_category", ("What?", "a", "mood'"), True),
    ("malformed_category", ("What?", "a", "mood`s"), True),
    ("malformed_category", ("What?", "a", "mo\nod"), True),
    ("malformed_category", ("What?", "a", "mood (inner)"), True),
    ("malformed_category", ("What?", "a", "{mood}"), True),
    ("malformed_category", ("What?", "a", "[mood]"), True),
    ("malformed_category", ("What?", "a", "mood;"), True),
    ("malformed_category", ("What?", "a", "one two three four five six"), True),
    ("malformed_category", ("What?", "a", "m\u00f6od"), True),
    ("malformed_category", ("What?", "a", "one two three four five"), False),
    ("malformed_category", ("What?", "a", "object/person"), False),
    ("malformed_category", ("What?", "a"), False),
    ("absent_category", ("What?", "a"), True),
    ("absent_category", ("What?", "a", ""), False),
]


@pytest.mark.parametrize(
    ("rule", "question", "fires"), CASES, ids=[f"{rule}-{index}" for index, (rule, _, _) in enumerate(CASES)]
)
def test_rule_on_one_question(
    rule: str, question: tuple[str, ...], fires: bool, make_tables: Callable[[Any], AuditTables]
) -> None:
    tables = make_tables({"short": [("video", [question])]})
    assert len(list(RULES[rule].find("short", tables))) == int(fires)


def test_every_question_rule_has_a_case_that_fires_and_one_that_does_not() -> None:
    elsewhere = {"repeated_question", "generic_question", "answer_is_category_word", "contradicting_answer"}
    for rule in SECTION_RULES:
        if rule.level == "question" and rule.id not in elsewhere:
            assert {fires for name, _, fires in CASES if name == rule.id} == {True, False}, rule.id


def test_category_vocabulary_counts_all_files_together_and_leaves_out_the_empty_category(
    make_tables: Callable[[Any], AuditTables],
) -> None:
    tables = make_tables(
        {
            "short": [("video", [("a b?", "Mood!", "mood"), ("c d?", "rare", "rare"), ("e f?", "...", "")] * 60)],
            "camera": [("video", [("a b?", "x", "`Mood'"), ("c d?", "x", ""), ("e f?", "rare", "x")] * 40)],
        }
    )
    assert tables.category_vocabulary == {"mood"}
    assert len(list(RULES["answer_is_category_word"].find("short", tables))) == 60


def test_repeated_questions_count_beyond_the_first_and_include_empty_ones(
    make_tables: Callable[[Any], AuditTables],
) -> None:
    row = [("What?", "a"), ("what", "b"), ("WHAT!", "a"), ("", "a"), (" ", "a"), ("Who?", "a")]
    tables = make_tables({"short": [("one", row), ("two", [("What?", "a")])]})
    assert [finding.question_index for finding in RULES["repeated_question"].find("short", tables)] == [1, 2, 4]
    assert [finding.question_index for finding in RULES["contradicting_answer"].find("short", tables)] == [1]


def test_generic_question_needs_twenty_different_videos(make_tables: Callable[[Any], AuditTables]) -> None:
    rows = [(f"video{number}", [("What is it?", "a"), ("What is it", "b")]) for number in range(19)]
    assert not list(RULES["generic_question"].find("short", make_tables({"short": [*rows, rows[0]]})))
    tables = make_tables({"short": [*rows, ("last", [("what is it", "c")])]})
    assert len(list(RULES["generic_question"].find("short", tables))) == 39


def test_rule_ids_are_unique_and_every_rule_says_why_and_when() -> None:
    assert len(RULES) == len(SECTION_RULES)
    assert all(rule.reason.endswith(".") and rule.definition for rule in SECTION_RULES)


def test_nothing_about_categories_removes_a_question() -> None:
    # Categories are never used in scoring, so their damage must not change a score.
    assert not {"malformed_category", "absent_category"} & {rule.id for rule in REMOVING_RULES}
