"""Applying clean lists."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from vdc.benchmark.clean import apply_clean_list, load_clean_list, parse_clean_list, question_hashes
from vdc.benchmark.model import Benchmark, Question
from vdc.errors import InputError
from vdc.sections import Section


def benchmark(category: str | None = None) -> Benchmark:
    def row(video: str, section: Section, count: int) -> tuple[Question, ...]:
        return tuple(Question(video, section, index, f"q{index}?", f"a{index}", category) for index in range(count))

    return Benchmark(
        name="small",
        source="folder",
        revision="1",
        questions={
            ("a", "short"): row("a", "short", 3),
            ("b", "short"): row("b", "short", 1),
            ("a", "camera"): row("a", "camera", 2),
        },
        files={"VDCScore_qa/short.jsonl": "1" * 64, "VDCScore_qa/camera.jsonl": "2" * 64},
    )


def record(**changes: Any) -> dict[str, Any]:
    whole = benchmark()
    return {
        "schema_version": 1,
        "clean_version": "1",
        "benchmark": {"files": dict(whole.files), "questions_sha256": question_hashes(whole)},
        "rules": ["non_answer", "split_damage"],
        "removed_questions": {"short": {"a": {"1": "non_answer"}, "b": {"0": "split_damage"}}},
        **changes,
    }


def test_named_questions_go_and_the_others_keep_their_numbers() -> None:
    clean = apply_clean_list(benchmark(), parse_clean_list(record()))
    assert {key: [question.index for question in row] for key, row in clean.questions.items()} == {
        ("a", "short"): [0, 2],
        ("a", "camera"): [0, 1],
    }
    assert clean.question_count == 4


def test_counts_by_rule() -> None:
    clean = parse_clean_list(record())
    assert clean.removed_count == 2
    assert clean.removed_by_rule() == {"non_answer": 1, "split_damage": 1}


def test_list_fits_the_same_questions_with_other_categories_and_file_names() -> None:
    other = benchmark(category="mood")
    assert apply_clean_list(other, parse_clean_list(record())).question_count == 4


def test_list_fits_some_of_the_sections() -> None:
    part = benchmark().select(["camera"])
    assert apply_clean_list(part, parse_clean_list(record())).question_count == 2


def test_list_fits_a_limited_benchmark_of_the_same_files() -> None:
    part = benchmark().select(limit=1)
    assert [len(row) for row in apply_clean_list(part, parse_clean_list(record())).questions.values()] == [2, 2]


def test_list_for_other_questions_is_refused() -> None:
    whole = benchmark()
    changed = dict(whole.questions)
    changed["b", "short"] = (Question("b", "short", 0, "another?", "a0"),)
    other = Benchmark("other", "folder", "2", changed, files=whole.files)
    with pytest.raises(InputError, match="other questions in short"):
        apply_clean_list(other, parse_clean_list(record()))


def test_loading_records_the_hash_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "clean.json"
    path.write_text(json.dumps(record()), encoding="utf-8")
    assert len(load_clean_list(path).sha256) == 64


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ([], "no clean list"),
        ({"schema_version": 2, "benchmark": {}}, "schema_version is 2"),
        (record(removed_questions={"shot": {}}), "'shot'"),
        (record(removed_questions={"short": {"a": {"first": "non_answer"}}}), "first"),
        (record(removed_questions={"short": {"a": {"1": "my_own_rule"}}}), "my_own_rule"),
        (record(removed_questions={"short": {"a": [1]}}), r"\[1\]"),
        (record(removed_questions={"short": [1]}), r"\[1\]"),
        (record(removed_questions={"short": {"a": {"1": ["non_answer"]}}}), "non_answer"),
    ],
)
def test_faulty_lists_are_refused(value: Any, found: str, tmp_path: Path) -> None:
    path = tmp_path / "clean.json"
    path.write_text(json.dumps(value), encoding="utf-8")
    with pytest.raises(InputError, match=found):
        load_clean_list(path)
