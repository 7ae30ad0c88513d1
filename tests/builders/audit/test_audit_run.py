"""The audit as a whole: reading, the stable JSON, the schema of the raw table."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import vdc
from builders.audit.model import AuditTables
from builders.audit.reading import read_tables
from builders.audit.registry import SECTION_RULES
from builders.audit.run import audit_benchmark, audit_json, has_findings
from builders.audit.schemas import check_raw_questions, raw_question_frame
from vdc.benchmark.hub import Snapshot
from vdc.benchmark.parquet import write_export
from vdc.errors import InputError

PROMISED_RULES = {
    "duplicate_ids",
    "missing_ids",
    "repeated_question",
    "empty_question",
    "empty_answer",
    "malformed_category",
    "answer_is_category_word",
    "answer_equals_own_category",
    "answer_in_question",
    "non_answer",
    "split_damage",
    "near_duplicate_rows",
    "question_count_outlier",
    "invented_story",
}


def test_small_benchmark_by_hand(write_folder: Callable[[Any], Path], small_benchmark: Any) -> None:
    record = audit_json(audit_benchmark(write_folder(small_benchmark)))
    short, camera = record["sections"]["short"], record["sections"]["camera"]
    assert (short["rows"], short["videos"], short["questions"]) == (3, 2, 10)
    assert short["per_row"] == {"min": 2, "median": 3, "mean": 3.3333, "max": 5}
    counts = {rule: entry["count"] for rule, entry in short["rules"].items() if entry["count"]}
    assert counts == {
        "duplicate_ids": 1,
        "unknown_id_form": 3,
        "empty_question": 1,
        "one_word_question": 1,
        "repeated_question": 1,
        "no_question_mark": 3,
        "untidy_space": 1,
        "empty_answer": 1,
        "non_answer": 1,
        "split_damage": 1,
        "answer_in_question": 1,
        "contradicting_answer": 1,
        "malformed_category": 2,
        "invented_story": 1,
    }
    assert camera["rules"]["missing_ids"]["count"] == 1
    assert record["cross_section"]["rules"]["absent_section"]["count"] == 3
    assert record["clean"]["kept"] == 2  # the first question of the last row of "twice", and the one of camera
    assert record["clean"]["removed"] == 9


def test_json_form_is_stable(write_folder: Callable[[Any], Path], small_benchmark: Any) -> None:
    record = audit_json(audit_benchmark(write_folder(small_benchmark)))
    assert json.loads(json.dumps(record)) == record
    assert set(record) == {"schema_version", "kind", "benchmark", "sections", "cross_section", "clean"}
    assert record["schema_version"] == 1
    for section in record["sections"].values():
        assert set(section["rules"]) == {rule.id for rule in SECTION_RULES} >= PROMISED_RULES
        for entry in section["rules"].values():
            assert set(entry) == {"severity", "count", "items"}
            assert all(set(item) == {"video_id", "line", "question_index", "detail"} for item in entry["items"])


def test_only_the_first_twenty_findings_are_listed_and_all_counted(write_folder: Callable[[Any], Path]) -> None:
    folder = write_folder({"short": [(f"v{number}", [("What", "a")]) for number in range(30)]})
    entry = audit_json(audit_benchmark(folder))["sections"]["short"]["rules"]["one_word_question"]
    assert (entry["count"], len(entry["items"])) == (30, 20)


def test_notes_alone_are_no_finding_for_strict() -> None:
    def record(severity: str) -> dict[str, Any]:
        return {"sections": {"short": {"rules": {"rule": {"severity": severity, "count": 1}}}}}

    assert not has_findings(record("info"))
    assert has_findings(record("warning"))
    assert has_findings(record("error"))


def test_export_is_audited_like_the_folder_it_was_made_from(
    write_folder: Callable[[Any], Path], small_benchmark: Any, tmp_path: Path
) -> None:
    folder = write_folder({"camera": small_benchmark["camera"], "short": small_benchmark["short"][1:]})
    write_export(vdc.load_benchmark(folder), tmp_path / "export")
    first, second = (audit_json(audit_benchmark(path)) for path in (folder, tmp_path / "export"))
    assert first["sections"] == second["sections"]
    assert second["benchmark"]["source"] == "parquet"


def test_set_of_the_hub_is_read_from_its_snapshot_with_its_commit(
    write_folder: Callable[[Any], Path], small_benchmark: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_folder(small_benchmark)
    asked: list[tuple[str, str | None]] = []

    def fetch(name: str, *, revision: str | None = None) -> Snapshot:
        asked.append((name, revision))
        return Snapshot(folder, "c0ffee")

    monkeypatch.setattr("vdc.benchmark.hub.fetch", fetch)
    tables = read_tables("wchai/Video-Detailed-Caption", revision="main")
    assert asked == [("wchai/Video-Detailed-Caption", "main")]
    assert (tables.source, tables.revision) == ("hub", "c0ffee")
    assert len(tables.rows["short"]) == 3


def test_local_source_of_another_revision_is_refused(write_folder: Callable[[Any], Path], small_benchmark: Any) -> None:
    folder = write_folder(small_benchmark)
    revision = read_tables(folder).revision
    assert read_tables(folder, revision=revision).revision == revision == vdc.load_benchmark(folder).revision
    with pytest.raises(InputError, match="expected revision other"):
        read_tables(folder, revision="other")


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("{}", "0 keys"),
        ('{"v": []}', "without questions"),
        ('{"v": [{"question": "a", "answer": 1}]}', "question 1"),
        ("[", "no valid JSON"),
    ],
)
def test_lines_of_another_structure_are_an_input_error_with_their_line_number(
    line: str, found: str, write_folder: Callable[[Any], Path]
) -> None:
    folder = write_folder({"short": [("v", [("a b?", "c")])]})
    with (folder / "short.jsonl").open("a", encoding="utf-8") as file:
        file.write(line + "\n")
    with pytest.raises(InputError, match=found) as caught:
        audit_benchmark(folder)
    assert "short.jsonl:2" in str(caught.value)


def test_raw_table_of_a_readable_benchmark_fits_the_schema(
    make_tables: Callable[[Any], AuditTables], small_benchmark: Any
) -> None:
    frame = raw_question_frame(make_tables(small_benchmark))
    assert len(frame) == 11
    check_raw_questions(frame)


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        ("section", "object", "one of short"),
        ("line", 0, "line number from 1"),
        ("video_id", " ", "not blank"),
        ("question_index", 7, "positions 0, 1, 2"),
        ("question", 3.5, "text"),
        ("answer", None, "value"),
        ("category", 3, "text, or no category"),
        ("line", 2, "one video per line"),
    ],
)
def test_every_fault_of_the_raw_table_is_told_with_its_line(column: str, value: Any, expected: str) -> None:
    frame = pd.DataFrame(
        [
            {
                "section": "short",
                "line": line,
                "video_id": f"v{line}",
                "question_index": index,
                "question": "a?",
                "answer": "b",
                "category": None,
            }
            for line in (1, 2)
            for index in (0, 1)
        ]
    ).astype({"question": object, "answer": object, "category": object})
    frame.at[1, column] = value
    with pytest.raises(InputError) as caught:
        check_raw_questions(frame)
    assert any(expected in problem.expected and "line" in problem.where for problem in caught.value.problems)


def test_raw_table_with_another_column_or_without_one_is_refused() -> None:
    with pytest.raises(InputError) as caught:
        check_raw_questions(pd.DataFrame({"section": ["short"], "guess": [1]}))
    text = str(caught.value)
    assert "guess" in text
    assert "video_id" in text
