"""Clean lists made by the audit fit what scoring reads."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import vdc
from builders.audit.registry import REMOVING_RULES
from builders.audit.run import audit_benchmark
from vdc.benchmark.clean import apply_clean_list, parse_clean_list


def test_positions_are_those_of_the_row_that_is_scored(
    write_folder: Callable[[Any], Path], small_benchmark: Any
) -> None:
    clean = audit_benchmark(write_folder(small_benchmark)).clean
    assert clean["removed_questions"] == {
        "short": {
            "other": {"0": "invented_story", "1": "invented_story", "2": "answer_in_question"},
            "twice": {
                "1": "repeated_question",
                "2": "empty_question",
                "3": "one_word_question",
                "4": "split_damage",
            },
        }
    }
    assert clean["superseded_rows"] == [{"section": "short", "video_id": "twice", "line": 1, "questions": 2}]
    assert clean["removed_by_rule"]["duplicate_ids"] == 2


def test_kept_is_what_scoring_then_counts(write_folder: Callable[[Any], Path], small_benchmark: Any) -> None:
    folder = write_folder(small_benchmark)
    clean = audit_benchmark(folder).clean
    benchmark = vdc.load_benchmark(folder)
    kept = apply_clean_list(benchmark, parse_clean_list(clean))
    assert kept.question_count == clean["kept"]
    assert ("other", "short") not in kept.questions


def test_a_benchmark_without_defects_loses_nothing(write_folder: Callable[[Any], Path]) -> None:
    folder = write_folder({"short": [("v", [("What barks?", "a dog"), ("Where is it?", "at home")])]})
    clean = audit_benchmark(folder).clean
    assert (clean["kept"], clean["removed"], clean["removed_questions"]) == (2, 0, {})


def test_list_names_all_rules_that_could_have_removed_a_question(
    write_folder: Callable[[Any], Path], small_benchmark: Any
) -> None:
    clean = audit_benchmark(write_folder(small_benchmark)).clean
    assert clean["rules"] == [rule.id for rule in REMOVING_RULES]
    assert set(clean["definitions"]) == set(clean["rules"])
