from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from baselines.captioning.output import FAILURES, CaptionFile, beside, encode_result
from baselines.captioning.types import ClipCaptions
from vdc.errors import InputError, Problem
from vdc.predictions.read import read_predictions

ROW = '{"video_id": "a", "section": "short", "caption": "x"}'


def captions(path: Path) -> dict[tuple[str, str], str]:
    return {key: row.caption for key, row in read_predictions(path).captions.items()}


@pytest.mark.parametrize(
    ("content", "kept"),
    [
        pytest.param("", "", id="new"),
        pytest.param(f"{ROW}\n", f"{ROW}\n", id="whole"),
        pytest.param(f'{ROW}\n{{"video_id": "b", "sect', f"{ROW}\n", id="cut in a key"),
        pytest.param(f"{ROW}\n{ROW[:-1]}", f"{ROW}\n", id="cut before the last brace"),
        pytest.param(ROW, f"{ROW}\n", id="only the line end is missing"),
        pytest.param('{"vid', "", id="nothing but a piece"),
    ],
)
def test_a_half_written_last_line_is_mended(tmp_path: Path, content: str, kept: str) -> None:
    out = tmp_path / "p.jsonl"
    out.write_text(content)
    with CaptionFile(out) as file:
        assert file.done == ({("a", "short")} if kept else set())
        file.add(ClipCaptions("c", {"camera": "pans"}))
    assert out.read_text() == kept + '{"video_id": "c", "section": "camera", "caption": "pans"}\n'


def test_a_character_cut_in_its_bytes_is_mended(tmp_path: Path) -> None:
    out = tmp_path / "p.jsonl"
    out.write_bytes(f"{ROW}\n".encode() + '{"video_id": "é'.encode()[:-1])
    with CaptionFile(out) as file:
        assert file.done == {("a", "short")}
    assert out.read_text() == f"{ROW}\n"


def test_a_file_of_something_else_is_left_as_it_is(tmp_path: Path) -> None:
    out = tmp_path / "p.jsonl"
    out.write_text('{"loss": 1}\n' + ROW + "\n")
    with pytest.raises(InputError, match=r"p\.jsonl:1"), CaptionFile(out):
        pass
    assert out.read_text().startswith('{"loss": 1}')


def test_a_caption_that_is_there_is_not_written_twice(tmp_path: Path) -> None:
    out = tmp_path / "p.jsonl"
    for text in ("first", "second"):
        with CaptionFile(out) as file:
            file.add(ClipCaptions("a", {"short": text}))
    assert captions(out) == {("a", "short"): "first"}


def test_two_runs_on_one_file_are_refused(tmp_path: Path) -> None:
    pytest.importorskip("fcntl", reason="this system cannot lock files")
    with (
        CaptionFile(tmp_path / "p.jsonl"),
        pytest.raises(InputError, match="another run"),
        CaptionFile(tmp_path / "p.jsonl"),
    ):
        pass


def test_what_a_model_or_a_file_name_can_hold_is_read_back(tmp_path: Path) -> None:
    text = 'line\nbreak \u2028 "quotes" \\ \U0001f600 \ufffd'
    with CaptionFile(tmp_path / "p.jsonl") as file:
        file.add(ClipCaptions("näme [1]", {"short": text, "camera": ""}))
    assert captions(tmp_path / "p.jsonl") == {("näme [1]", "short"): text, ("näme [1]", "camera"): ""}


def test_a_failure_is_written_with_reason_and_without_folders(tmp_path: Path) -> None:
    out = tmp_path / "p.jsonl"
    with CaptionFile(out) as file:
        file.add(ClipCaptions("a", {}, {"short": Problem("no file", "a video", "add it", "/home/somebody/a.mp4")}))
    row = json.loads(beside(out, FAILURES).read_text())
    assert row == {
        "video_id": "a",
        "section": "short",
        "found": "no file",
        "expected": "a video",
        "do_next": "add it",
        "where": "a.mp4",
    }
    assert out.read_text() == ""


def test_results_of_killed_workers_are_taken_over_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    out = tmp_path / "p[1].jsonl"
    whole = encode_result(ClipCaptions("a", {"short": "x"}, {"camera": Problem("f", "e", "d")}))
    (tmp_path / "p[1].jsonl.part00000.jsonl").write_text(f"{whole}\n{whole[:20]}")
    (tmp_path / "p[1].jsonl.part00001.jsonl").write_text(f"{whole}\n")
    (tmp_path / "p1.jsonl.part00000.jsonl").write_text("another file's")
    caplog.set_level(logging.WARNING)
    with CaptionFile(out) as file:
        assert file.absorb_parts() == 1
    assert captions(out) == {("a", "short"): "x"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["p1.jsonl.part00000.jsonl", "p[1].jsonl"]
