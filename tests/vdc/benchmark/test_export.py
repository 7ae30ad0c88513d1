from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from vdc.benchmark.load import load_benchmark, load_dataset
from vdc.benchmark.model import Benchmark
from vdc.benchmark.parquet import CAPTIONS_FILE, HEADER_FILE, QUESTIONS_FILE, write_export
from vdc.errors import InputError
from vdc.sections import SECTIONS


@pytest.fixture(scope="module")
def sample() -> Benchmark:
    return load_benchmark("sample")


def test_export_gives_the_same_benchmark_back(sample: Benchmark, tmp_path: Path) -> None:
    marked = replace(sample, duplicate_ids={"short": ("x",)}, missing_ids={"camera": ("y", "z")})
    write_export(marked, tmp_path)
    assert load_benchmark(tmp_path) == replace(marked, source="parquet")
    assert list(load_benchmark(tmp_path).questions) == list(sample.questions)


def test_export_is_the_same_bytes_every_time(sample: Benchmark, tmp_path: Path) -> None:
    assert write_export(sample, tmp_path / "a") == write_export(sample, tmp_path / "b")


def test_export_of_a_part_stays_a_part(sample: Benchmark, tmp_path: Path) -> None:
    part = replace(sample.select(["short"], 3), captions={})
    write_export(sample, tmp_path)
    write_export(part, tmp_path)
    again = load_benchmark(tmp_path)
    assert (len(again.videos), again.sections, again.limit, again.captions) == (3, ("short",), 3, {})
    assert not (tmp_path / CAPTIONS_FILE).exists()


def test_changed_table_is_refused(sample: Benchmark, tmp_path: Path) -> None:
    write_export(sample, tmp_path)
    table = tmp_path / QUESTIONS_FILE
    table.write_bytes(table.read_bytes()[:-9] + b"x" * 9)
    with pytest.raises(InputError, match="changed or cut short after the export"):
        load_benchmark(tmp_path)


def test_missing_table_is_refused(sample: Benchmark, tmp_path: Path) -> None:
    write_export(sample, tmp_path)
    (tmp_path / QUESTIONS_FILE).unlink()
    with pytest.raises(InputError, match="no such file"):
        load_benchmark(tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"schema_version": 2}, id="later version"),
        pytest.param({"parquet": {"../../outside": "0"}}, id="table elsewhere"),
        pytest.param({"parquet": None}, id="no tables"),
        pytest.param({"name": 3}, id="name as number"),
        pytest.param({"files": []}, id="files as list"),
    ],
)
def test_header_of_another_form_is_refused(sample: Benchmark, tmp_path: Path, change: dict[str, object]) -> None:
    write_export(sample, tmp_path)
    path = tmp_path / HEADER_FILE
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(InputError, match="export the benchmark again"):
        load_benchmark(tmp_path)


def test_header_that_is_no_json_is_refused_with_its_line(sample: Benchmark, tmp_path: Path) -> None:
    write_export(sample, tmp_path)
    (tmp_path / HEADER_FILE).write_text('{\n"name": ')
    with pytest.raises(InputError, match=f"{HEADER_FILE}:2"):
        load_benchmark(tmp_path)


def test_dataset_of_all_sections_holds_every_question(sample: Benchmark) -> None:
    tables = load_dataset("sample")
    assert list(tables) == list(SECTIONS)
    assert sum(len(table) for table in tables.values()) == sample.question_count
    features = {name: feature.dtype for name, feature in tables["short"].features.items()}
    assert features == {
        "video_id": "string",
        "section": "string",
        "question_index": "int64",
        "question": "string",
        "gold": "string",
        "category": "string",
    }


def test_dataset_of_one_section_follows_the_benchmark(sample: Benchmark) -> None:
    rows = list(load_dataset("sample", "object"))
    first = sample.questions[rows[0]["video_id"], "main_object"][0]
    assert (rows[0]["section"], rows[0]["question"], rows[0]["gold"]) == ("main_object", first.question, first.gold)
    assert [row["question_index"] for row in rows[:6]] == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("split", ["captions", "VDC_captions"])
def test_gold_captions_are_a_split(sample: Benchmark, split: str) -> None:
    table = load_dataset("sample", "camera", split=split)
    assert {row["video_id"]: row["caption"] for row in table} == {
        video: text for (video, section), text in sample.captions.items() if section == "camera"
    }


def test_unknown_split_lists_the_valid_ones() -> None:
    with pytest.raises(InputError, match="one of questions, captions"):
        load_dataset("sample", split="train")


def test_captions_of_a_source_without_them_are_refused(tmp_path: Path) -> None:
    (tmp_path / "short.jsonl").write_text('{"a": [{"question": "q", "answer": "x"}]}')
    with pytest.raises(InputError, match="no gold captions"):
        load_dataset(tmp_path, split="captions")
