"""What is wrong with training data is found before anything is trained."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="the baselines extra (torch) is not installed")

from baselines.training.records import in_turns, read_data, usable
from tests.baselines.training.conftest import picture, text
from vdc.errors import InputError


@pytest.mark.parametrize("lines", [False, True], ids=["list", "lines"])
def test_both_forms_are_read(write_data: Callable[..., Path], media: Path, lines: bool) -> None:
    data = read_data(write_data(picture("red"), text(1), lines=lines), media)
    assert [(record.id, record.kind) for record in data.records] == [("red", "image"), ("text-1", "text")]
    assert data.counts() == {"image": 1, "text": 1}
    assert data.records[0].media == (media / "red.png",)
    assert (data.records[0].length, data.records[1].length) == (3, -5)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"image": "gone.png"}, "no file 'gone.png'"),
        ({"image": "../red.png"}, "'../red.png'"),
        ({"image": "/etc/passwd"}, "'/etc/passwd'"),
        ({"image": 3}, "3"),
        ({"video": "red.png"}, "a picture and a video"),
        ({"conversations": []}, "no conversations"),
        ({"conversations": [{"from": "robot", "value": "x"}]}, "robot"),
        ({"conversations": [{"from": "human", "value": 4}]}, "without text"),
        ({"conversations": [{"from": "human", "value": "x"}]}, "no answer"),
    ],
)
def test_every_broken_record_is_named(
    write_data: Callable[..., Path], media: Path, change: dict[str, Any], found: str
) -> None:
    data = read_data(write_data(picture("red") | change, picture("green")), media)
    assert len(data.records) == 1
    assert found in data.unusable[0].found and "(red)" in data.unusable[0].where
    with pytest.raises(InputError, match="1 of 2 records"):
        usable(data, "refuse")
    assert usable(data, "skip") == data.records


def test_nothing_left_is_refused_even_where_some_may_be_skipped(write_data: Callable[..., Path], media: Path) -> None:
    with pytest.raises(InputError):
        usable(read_data(write_data(picture("gone")), media), "skip")


def test_a_film_is_known_by_its_features(write_data: Callable[..., Path], tmp_path: Path) -> None:
    (tmp_path / "a.pkl").write_bytes(b"")
    (tmp_path / "a.mp4").write_bytes(b"")
    told = text(1)["conversations"]
    records = [{"video": "a.pkl", "conversations": told}, {"video": "a.mp4", "conversations": told}]
    assert [record.kind for record in read_data(write_data(*records), tmp_path).records] == ["film", "video"]


def test_the_mark_of_a_video_becomes_that_of_a_picture(write_data: Callable[..., Path], media: Path) -> None:
    told = [{"from": "human", "value": "<video>\nWhat?"}, {"from": "gpt", "value": "That."}]
    data = read_data(write_data({"image": "red.png", "conversations": told}), media)
    assert data.records[0].messages[0]["value"] == "<image>\nWhat?"


def test_a_picture_that_nothing_marks_gets_its_mark(write_data: Callable[..., Path], media: Path) -> None:
    told = [{"from": "human", "value": "What?"}, {"from": "gpt", "value": "That."}]
    data = read_data(write_data({"image": "red.png", "conversations": told}), media)
    assert data.records[0].messages[0]["value"] == "<image>\nWhat?"


def test_no_folder_and_no_records_are_refused(write_data: Callable[..., Path], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="check --media"):
        read_data(write_data(text(1)), tmp_path / "none")
    with pytest.raises(InputError, match="no records"):
        read_data(write_data(), None)
    data = read_data(write_data(picture("red")), None)
    assert "--media" in data.unusable[0].do_next


@pytest.mark.parametrize(
    ("speakers", "good"),
    [("hg", True), ("ghg", True), ("hghg", True), ("hh", False), ("hgg", False), ("g", False), ("gh", False)],
)
def test_sides_speak_in_turn(speakers: str, good: bool) -> None:
    messages = [{"from": "human" if one == "h" else "gpt", "value": "x"} for one in speakers]
    assert (in_turns(messages, "here") is None) == good
