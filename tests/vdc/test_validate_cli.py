"""``vdc validate``: every problem with its line as text or JSON, and an exit code that says whether there is any."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from vdc.benchmark.sample import sample_path
from vdc.cli import main


def vdc(*arguments: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main([str(argument) for argument in arguments])
    return int(ended.value.code or 0)


def row(video: object, section: object = "short", caption: object = "A dog.") -> str:
    return json.dumps({"video_id": video, "section": section, "caption": caption})


@pytest.fixture
def good(tmp_path: Path) -> Path:
    path = tmp_path / "good.jsonl"
    path.write_text(f"{row('a')}\n{row('b', caption='')}\n{row('b', 'camera')}\n", encoding="utf-8")
    return path


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    path = tmp_path / "bad.jsonl"
    path.write_text(f"{row('a')}\n{row('b', 'shrot')}\n{{\n{row('a')}\n", encoding="utf-8")
    return path


def test_a_good_file_is_described(good: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert vdc("validate", good) == 0
    said = capsys.readouterr()
    assert said.out.startswith(f"{good}: jsonl, 3 captions (short 2, camera 1); no problems")
    assert "note: 1 captions are empty or blank" in said.out
    assert said.err == ""


def test_a_good_file_as_json(good: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert vdc("validate", good, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["file"], found["valid"], found["format"], found["problems"]) == (str(good), True, "jsonl", [])
    assert found["captions"] == {"short": 2, "background": 0, "main_object": 0, "camera": 1, "detailed": 0}
    assert len(found["notes"]) == 1


def test_every_problem_is_a_line_with_its_place(bad: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert vdc("validate", bad) == 2
    said = capsys.readouterr()
    lines = said.out.splitlines()
    assert [line.split(": found ")[0] for line in lines] == [f"{bad}:2", f"{bad}:3", f"{bad}:4"]
    assert all("; expected " in line and "; do next: " in line for line in lines)
    assert said.err == f"3 problem(s) in {bad}\n"


def test_every_problem_as_json(bad: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert vdc("validate", bad, "--json") == 2
    found = json.loads(capsys.readouterr().out)
    assert (found["valid"], found["format"]) == (False, None)
    assert [problem["where"] for problem in found["problems"]] == [f"{bad}:{line}" for line in (2, 3, 4)]
    assert {key for problem in found["problems"] for key in problem} == {"found", "expected", "do_next", "where"}


def test_more_problems_than_a_refusal_shows_are_all_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "broken.jsonl"
    path.write_text("{\n" * 100, encoding="utf-8")
    assert vdc("validate", path) == 2
    assert len(capsys.readouterr().out.splitlines()) == 100


def test_ids_are_checked_against_a_benchmark(good: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert vdc("validate", good, "--benchmark", "sample") == 2
    assert "video ids in benchmark 'sample'" in capsys.readouterr().out
    assert vdc("validate", sample_path("strong"), "--benchmark", "sample") == 0


def test_lenient_tolerates_and_says_what(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "twice.jsonl"
    path.write_text(f"{row('a')}\n{row('a')}\n", encoding="utf-8")
    assert vdc("validate", path) == 2
    capsys.readouterr()
    assert vdc("validate", path, "--lenient") == 0
    assert "note: 1 captions were replaced by a later one" in capsys.readouterr().out


def test_a_file_without_sections_needs_to_be_told_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "camera.jsonl"
    path.write_text(json.dumps({"video_id": "a", "caption": "x"}) + "\n", encoding="utf-8")
    assert vdc("validate", path) == 2
    assert "pass --section" in capsys.readouterr().out
    assert vdc("validate", path, "--section", "camera") == 0
    assert "(camera 1)" in capsys.readouterr().out


def test_an_unknown_section_or_benchmark_lists_the_valid_ones(good: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert vdc("validate", good, "--section", "shrot") == 2
    assert "short, background, main_object, camera, detailed" in "".join(capsys.readouterr())
    assert vdc("validate", good, "--benchmark", "smaple") == 2
    assert "did you mean 'sample'?" in capsys.readouterr().err


def test_json_is_printed_for_a_file_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert vdc("validate", tmp_path / "none.jsonl", "--json") == 2
    found = json.loads(capsys.readouterr().out)
    assert found["problems"][0]["found"] == "no such file"


def test_hostile_text_is_escaped_in_both_outputs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "hostile.jsonl"
    path.write_text(row("a\x1b[2J\u202e", "\x1b[31mred") + "\n", encoding="utf-8")
    for more in ((), ("--json",)):
        assert vdc("validate", path, *more) == 2
        said = "".join(capsys.readouterr())
        assert "\x1b" not in said
        assert "\u202e" not in said
