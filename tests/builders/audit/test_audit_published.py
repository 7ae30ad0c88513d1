"""The published files: counts that were worked out from the definitions independently of this code."""

from __future__ import annotations

import pytest

from builders.audit.clean_list import make_clean_list
from builders.audit.cross_section import find_background_about_main_object, word_overlap
from builders.audit.model import AuditTables
from builders.audit.reading import read_tables
from builders.audit.registry import REMOVING_RULES, SECTION_RULES
from tests.conftest import REFERENCE
from vdc.sections import SECTIONS

#                              short backgr object camera detailed
COUNTS: dict[str, tuple[int, int, int, int, int]] = {
    "duplicate_ids": (0, 0, 4, 0, 0),
    "missing_ids": (0, 0, 2, 0, 0),
    "unknown_id_form": (0, 0, 0, 0, 0),
    "repeated_question": (188, 34, 107, 35, 1),
    "empty_question": (2, 0, 0, 0, 1),
    "empty_answer": (2, 0, 0, 0, 1),
    "one_word_question": (251, 20, 102, 16, 1),
    "no_question_mark": (7677, 5236, 5782, 5912, 3430),
    "malformed_category": (126, 28, 1382, 131, 2032),
    "answer_is_category_word": (140, 218, 366, 435, 460),
    "answer_equals_own_category": (11, 10, 11, 23, 7),
    "answer_in_question": (161, 87, 121, 144, 146),
    "non_answer": (1706, 411, 408, 263, 71),
    "split_damage": (38, 106, 198, 119, 410),
    "near_duplicate_rows": (0, 0, 0, 0, 0),
    "question_count_outlier": (1, 1, 2, 2, 4),
    "invented_story": (357, 5, 8, 14, 1),
    "generic_question": (2372, 596, 689, 974, 778),
    "absent_category": (0, 0, 0, 0, 0),
}


@pytest.fixture(scope="module")
def published() -> AuditTables:
    folder = REFERENCE / "vdc" / "data" / "qa"
    if not folder.is_dir():
        pytest.skip("the published question files are not part of this project and are not beside this checkout")
    return read_tables(folder)


@pytest.mark.parametrize("rule", COUNTS)
def test_counts_of_the_published_files(rule: str, published: AuditTables) -> None:
    find = next(entry.find for entry in SECTION_RULES if entry.id == rule)
    assert tuple(len(list(find(section, published))) for section in SECTIONS) == COUNTS[rule]


def test_duplicate_and_missing_ids_of_main_object(published: AuditTables) -> None:
    rules = {entry.id: entry.find for entry in SECTION_RULES}
    duplicates = [finding.detail.partition(":")[0] for finding in rules["duplicate_ids"]("main_object", published)]
    assert set(duplicates) == {"lines 113, 440", "lines 1007, 1009", "lines 65, 415", "lines 1008, 1010"}
    missing = [finding.video_id for finding in rules["missing_ids"]("main_object", published)]
    assert [video[:8] for video in missing] == ["699b3cf7", "JJshlR5W"]


def test_category_word_rows_are_83(published: AuditTables) -> None:
    find = next(entry.find for entry in SECTION_RULES if entry.id == "category_word_row")
    assert sum(len(list(find(section, published))) for section in SECTIONS) == 83


def test_background_overlaps_with_main_object_as_no_other_pair_does(published: AuditTables) -> None:
    overlap = word_overlap(published)
    pair = overlap["background", "main_object"]
    assert (pair.videos, pair.overlap, pair.control) == (1025, 0.2945, 0.052)
    assert max(value.overlap for key, value in overlap.items() if set(key) != {"background", "main_object"}) == 0.1241
    assert len(list(find_background_about_main_object(published))) == 683


def test_clean_list_keeps_or_removes_every_question_once(published: AuditTables) -> None:
    findings = {
        section: {rule.id: list(rule.find(section, published)) for rule in REMOVING_RULES} for section in SECTIONS
    }
    clean = make_clean_list(published, findings)
    assert (clean["kept"], clean["removed"]) == (84_350, 12_552)
    assert sum(row["questions"] for row in clean["superseded_rows"]) == 77
