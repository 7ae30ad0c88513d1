from __future__ import annotations

import gzip
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vdc.benchmark.layout import iter_rows, read_captions
from vdc.benchmark.load import load_benchmark
from vdc.errors import InputError, Problem
from vdc.sections import SECTIONS
from vdc.textio import FileBytes


def item(question: str = "What?", answer: str = "that", **more: Any) -> dict[str, Any]:
    return {"question": question, "answer": answer, **more}


def write(folder: Path, section: str, *rows: object) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{section}.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def problems_of(folder: Path) -> list[str]:
    with pytest.raises(InputError) as caught:
        load_benchmark(folder)
    return [str(problem) for problem in caught.value.problems]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path, "short", {"a": [item("q1", "x", category="colour")]}, {"b": [item("q2"), item("q2")]})
    write(tmp_path, "camera", {"b": [item("q3")]}, {"a": [item("", "")]})
    return tmp_path


def test_sections_are_joined_by_id_and_read_in_the_usual_order(folder: Path) -> None:
    benchmark = load_benchmark(folder)
    assert benchmark.sections == ("short", "camera")
    assert list(benchmark.questions) == [("a", "short"), ("b", "short"), ("b", "camera"), ("a", "camera")]
    assert benchmark.questions["b", "camera"][0].question == "q3"
    assert benchmark.videos == ("a", "b")


def test_equal_and_empty_questions_count(folder: Path) -> None:
    benchmark = load_benchmark(folder)
    assert [question.index for question in benchmark.questions["b", "short"]] == [0, 1]
    assert benchmark.questions["a", "camera"][0].gold == ""
    assert benchmark.question_count == 5


def test_category_is_optional(folder: Path) -> None:
    benchmark = load_benchmark(folder)
    assert benchmark.questions["a", "short"][0].category == "colour"
    assert benchmark.questions["b", "short"][0].category is None


def test_last_line_of_a_duplicate_id_counts_and_is_reported(tmp_path: Path) -> None:
    first, other, last = {"a": [item("old"), item("older")]}, {"b": [item()]}, {"a": [item("new")]}
    write(tmp_path, "main_object", first, other, last)
    benchmark = load_benchmark(tmp_path)
    assert [question.question for question in benchmark.questions["a", "main_object"]] == ["new"]
    assert benchmark.duplicate_ids == {"main_object": ("a",)}
    assert benchmark.question_count == 2


def test_ids_that_a_section_lacks_are_reported(tmp_path: Path) -> None:
    write(tmp_path, "short", {"a": [item()]}, {"b": [item()]}, {"c": [item()]})
    write(tmp_path, "detailed", {"c": [item()]})
    write(tmp_path, "camera", {"c": [item()]}, {"a": [item()]}, {"b": [item()]}, {"d": [item()]})
    assert load_benchmark(tmp_path).missing_ids == {"short": ("d",), "detailed": ("a", "b", "d")}


def test_ids_lose_a_video_extension(tmp_path: Path) -> None:
    write(tmp_path, "short", {"a.mp4": [item()]})
    write(tmp_path, "camera", {"a": [item()]})
    assert load_benchmark(tmp_path).videos == ("a",)


def test_files_are_hashed_and_the_revision_follows_their_content(folder: Path) -> None:
    before = load_benchmark(folder)
    digest = hashlib.sha256((folder / "short.jsonl").read_bytes()).hexdigest()
    assert before.files["short.jsonl"] == digest
    assert load_benchmark(folder).revision == before.revision
    write(folder, "camera", {"a": [item("changed")]})
    assert load_benchmark(folder).revision != before.revision


@pytest.mark.parametrize("place", ["VDCScore_qa", "annotations"])
def test_hosted_layouts_are_read_with_their_captions(tmp_path: Path, place: str) -> None:
    write(tmp_path / place, "short", {"a": [item()]})
    captions = {"short_caption": "gold short", "main_object_caption": "gold object", "other": 3}
    (tmp_path / "VDC_1k.jsonl").write_text(json.dumps({"video_id": "a", "captions": captions, "frames": 10}) + "\n")
    benchmark = load_benchmark(tmp_path)
    assert benchmark.captions == {("a", "short"): "gold short", ("a", "main_object"): "gold object"}
    assert set(benchmark.files) == {f"{place}/short.jsonl", "VDC_1k.jsonl"}


def test_packed_files_are_read(tmp_path: Path) -> None:
    (tmp_path / "short.jsonl.gz").write_bytes(gzip.compress(json.dumps({"a": [item()]}).encode()))
    assert load_benchmark(tmp_path).videos == ("a",)


def test_line_ends_of_another_system_do_no_harm(tmp_path: Path) -> None:
    text = "\r\n".join(json.dumps(row) for row in ({"a": [item()]}, {"b": [item()]}))
    (tmp_path / "short.jsonl").write_bytes(b"\xef\xbb\xbf" + text.encode())
    assert load_benchmark(tmp_path).videos == ("a", "b")


def test_selection_keeps_sections_and_first_videos(folder: Path) -> None:
    benchmark = load_benchmark(folder, sections=["camera", "short"], limit=1)
    assert list(benchmark.questions) == [("a", "short"), ("a", "camera")]
    assert benchmark.limit == 1


@pytest.mark.parametrize(
    ("line", "found"),
    [
        pytest.param("[]", "expected one object", id="a list"),
        pytest.param('{"a": [], "b": []}', "2 keys", id="two videos"),
        pytest.param("{}", "0 keys", id="no video"),
        pytest.param('{"a": []}', "without questions", id="no questions"),
        pytest.param('{"a": {"question": "q"}}', "in place of the questions", id="no list"),
        pytest.param('{" ": [{"question": "q", "answer": "a"}]}', "empty video id", id="blank id"),
        pytest.param('{"a": [{"question": "q"}]}', "question 1 is", id="no answer"),
        pytest.param('{"a": [{"question": "q", "answer": 4}]}', "question 1 is", id="answer as number"),
        pytest.param(
            '{"a": [{"question": "q", "answer": "a", "category": 4}]}', "question 1 is", id="category as number"
        ),
        pytest.param('{"a": ["q"]}', "question 1 is 'q'", id="question as text"),
        pytest.param('{"a": [', "no valid JSON", id="cut line"),
        pytest.param('{"a": [], "a": []}', "more than once", id="key twice"),
    ],
)
def test_wrong_line_is_told_with_its_number(tmp_path: Path, line: str, found: str) -> None:
    good = json.dumps({"z": [item()]})
    (tmp_path / "short.jsonl").write_text(f"{good}\n\n{line}\n")
    (message,) = problems_of(tmp_path)
    assert message.startswith(f"{tmp_path}/short.jsonl:3: found ")
    assert found in message
    assert "; do next: " in message


_TEXTS = st.sampled_from(["question", "answer", "category", "captions", "video_id", "short_caption", "", "a.mp4"])
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | _TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS, inner, max_size=3),
    max_leaves=12,
)


@given(st.lists(_VALUES, max_size=4))
def test_any_line_is_a_row_or_a_problem_but_never_a_crash(values: list[Any]) -> None:
    data = "".join(json.dumps(value) + "\n" for value in values).encode()
    problems: list[Problem] = []
    rows = list(iter_rows(FileBytes("f", data, ""), "short", problems))
    wrong = {problem.where for problem in problems}
    assert len(rows) + len(wrong) == len(values)
    assert all(row.questions for row in rows)
    read_captions(FileBytes("f", data, ""), problems)


def test_one_section_may_be_given_as_a_plain_name(folder: Path) -> None:
    assert load_benchmark(folder, sections="camera").sections == ("camera",)


def test_problems_of_all_files_come_in_one_message(tmp_path: Path) -> None:
    write(tmp_path, "short", {"a": [item()]}, [], {"b": [{"question": 1}]})
    write(tmp_path, "camera", "nonsense")
    (tmp_path / "VDC_1k.jsonl").write_text('{"captions": {}}\n{"video_id": "a", "captions": {"short_caption": 5}}\n')
    places = [message.split(": ")[0].rsplit("/", 1)[1] for message in problems_of(tmp_path)]
    assert places == ["short.jsonl:2", "short.jsonl:3", "camera.jsonl:1", "VDC_1k.jsonl:1", "VDC_1k.jsonl:2"]


def test_empty_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "short.jsonl").write_text("\n")
    assert "an empty file" in problems_of(tmp_path)[0]


def test_folder_without_section_files_is_refused_and_says_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").touch()
    (message,) = problems_of(tmp_path)
    assert "notes.txt" in message
    assert "short.jsonl" in message


def test_two_files_for_one_section_are_refused(tmp_path: Path) -> None:
    write(tmp_path, "object", {"a": [item()]})
    write(tmp_path, "main_object", {"a": [item()]})
    assert "main_object.jsonl, object.jsonl" in problems_of(tmp_path)[0]


def test_section_that_is_not_there_is_refused(folder: Path) -> None:
    with pytest.raises(InputError, match="no questions for detailed; expected sections it has: short, camera"):
        load_benchmark(folder, sections=["short", "detailed"])


@pytest.mark.parametrize(
    ("name", "message"),
    [
        pytest.param("smaple", "did you mean 'sample'", id="close name"),
        pytest.param("nothing here", "one of sample, vdc, wchai/Video-Detailed-Caption", id="far name"),
        pytest.param("x" * 5000, "one of sample", id="name too long for a path"),
        pytest.param("/no/such/folder/at/all", "an existing folder", id="missing folder"),
    ],
)
def test_unknown_source_lists_what_there_is(name: str, message: str) -> None:
    with pytest.raises(InputError) as caught:
        load_benchmark(name)
    assert message in str(caught.value)


def test_file_in_place_of_a_folder_is_refused(folder: Path) -> None:
    with pytest.raises(InputError, match="found a file; expected a folder of section files"):
        load_benchmark(folder / "short.jsonl")


@pytest.mark.parametrize("limit", [0, -1])
def test_limit_below_one_is_refused(limit: int) -> None:
    with pytest.raises(InputError, match="1 or more"):
        load_benchmark("sample", limit=limit)


def test_revision_of_a_folder_can_be_required(folder: Path) -> None:
    revision = load_benchmark(folder).revision
    assert load_benchmark(folder, revision=revision).revision == revision
    with pytest.raises(InputError, match="expected revision main"):
        load_benchmark(folder, revision="main")


def test_real_files_give_the_published_counts(published_questions: Path) -> None:
    benchmark = load_benchmark(published_questions)
    per_section = {
        section: [len(row) for key, row in benchmark.questions.items() if key[1] == section] for section in SECTIONS
    }
    assert len(benchmark.videos) == 1027
    assert {section: len(rows) for section, rows in per_section.items()} == {
        "short": 1027,
        "background": 1027,
        "main_object": 1025,
        "camera": 1027,
        "detailed": 1027,
    }
    assert {section: sum(rows) for section, rows in per_section.items()} == {
        "short": 19512,
        "background": 19156,
        "main_object": 19234,
        "camera": 19112,
        "detailed": 19811,
    }
    assert benchmark.question_count == 96825
    assert {section: len(ids) for section, ids in benchmark.duplicate_ids.items()} == {"main_object": 4}
    assert set(benchmark.missing_ids) == {"main_object"}
    assert [video[:11] for video in benchmark.missing_ids["main_object"]] == ["JJshlR5WkrY", "699b3cf7c5b"]
    assert sum(not question.question.strip() for row in benchmark.questions.values() for question in row) == 3


def test_a_folder_called_vdc_does_not_hide_the_published_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "vdc").mkdir()
    monkeypatch.chdir(tmp_path)
    asked = []

    def fetch(name: str, **_: object) -> None:
        asked.append(name)
        raise InputError(Problem("no network", "a network", "nothing"))

    monkeypatch.setattr("vdc.benchmark.hub.fetch", fetch)
    with pytest.raises(InputError, match="no network"):
        load_benchmark("vdc")
    assert asked == ["wchai/Video-Detailed-Caption"]
