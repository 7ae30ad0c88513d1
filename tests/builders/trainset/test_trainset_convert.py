"""Published captions and conversations to one list: every row kept, or left out for a reason."""

from __future__ import annotations

import csv
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from builders.cli.build import app
from builders.trainset.llava import REASONS
from builders.trainset.webvid import instructions
from vdc.errors import InputError, RunFailed

BASE = [
    {
        "id": "b1",
        "image": "a.jpg",
        "conversations": [{"from": "human", "value": "<image>\nWhat?"}, {"from": "gpt", "value": "A cat."}],
    },
    {"id": "b2", "conversations": [{"from": "gpt", "value": "Hello."}], "more": 1},
]


def talk(
    video: str = "v_1.pkl", human: str = "<video>\nWhat happens?", gpt: str = "Rain.", **more: Any
) -> dict[str, Any]:
    turns = [{"from": "human", "value": human}, {"from": "gpt", "value": gpt}]
    return {"id": "v_1", "video": video, "conversations": turns, **more}


class Place:
    """A folder with sources and videos."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.videos = folder / "videos"
        self.videos.mkdir()
        self.out = folder / "out.json"

    def video(self, path: str) -> None:
        (self.videos / path).parent.mkdir(parents=True, exist_ok=True)
        (self.videos / path).write_bytes(b"video")

    def table(self, rows: list[list[str]], head: str = "videoid,contentUrl,duration,page_dir,name") -> Path:
        path = self.folder / "results.csv"
        with path.open("w", encoding="utf-8", newline="", errors="surrogateescape") as file:
            csv.writer(file).writerows([head.split(","), *rows])
        return path

    def list(self, items: Any, name: str = "talks.json") -> Path:
        path = self.folder / name
        path.write_text(json.dumps(items), encoding="utf-8")
        return path

    def run(self, *arguments: object) -> Result:
        return CliRunner().invoke(app, ["trainset", *map(str, arguments)])

    def items(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(self.out.read_text(encoding="utf-8"))
        return found

    def report(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(Path(f"{self.out}.report.json").read_text(encoding="utf-8"))
        return found

    def dropped(self) -> list[dict[str, str]]:
        return [json.loads(line) for line in Path(f"{self.out}.dropped.jsonl").read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def clip(identity: str = "7", page: str = "000001_000050", caption: str = "A dog runs.") -> list[str]:
    return [identity, "http://x", "PT10S", page, caption]


def test_a_caption_becomes_a_conversation_of_one_turn(place: Place) -> None:
    place.video("000001_000050/7.mp4")
    done = place.run("webvid", place.table([clip()]), place.out, "--videos", place.videos, "--prefix", "webvid/")
    assert done.exit_code == 0, done.output
    (item,) = place.items()
    human, gpt = item.pop("conversations")
    assert item == {"id": "7", "video": "webvid/000001_000050/7.mp4"}
    assert gpt == {"from": "gpt", "value": "A dog runs."}
    words, mark = human["value"].split("\n")
    assert (human["from"], mark) == ("human", "<image>")
    assert words in instructions()


def test_the_instruction_depends_on_the_row_and_the_seed_and_not_on_its_place(place: Place) -> None:
    names = [str(number) for number in range(60)]
    for name in names:
        place.video(f"p/{name}.mp4")

    def asked(order: list[str], seed: int) -> dict[str, str]:
        table = place.table([clip(name, "p") for name in order])
        assert (
            place.run("webvid", table, place.out, "--videos", place.videos, "--seed", seed, "--overwrite").exit_code
            == 0
        )
        return {item["id"]: item["conversations"][0]["value"] for item in place.items()}

    first = asked(names, 0)
    assert asked(names[::-1], 0) == first
    assert asked(names, 1) != first
    assert len(set(first.values())) == len(instructions()) == 11


def test_every_hostile_row_of_a_table_is_left_out_for_its_reason(place: Place) -> None:
    place.video("p/1.mp4")
    (place.folder / "secret.mp4").write_bytes(b"secret")
    (place.videos / "p" / "link.mp4").symlink_to(place.folder / "secret.mp4")
    (place.videos / "p" / "folder.mp4").mkdir()
    rows = {
        "missing_video": [clip("2", "p"), clip("folder", "p")],
        "unsafe_path": [
            clip("../../secret", "p"),
            clip("1", "/etc"),
            clip("1", ".."),
            clip("a\x00b", "p"),
            clip("a\nb", "p"),
        ],
        "outside_folder": [clip("link", "p")],
        "missing_field": [clip("1", "p", " "), clip("", "p"), clip("1", "")],
        "mark_in_text": [clip("1", "p", "A <image> of a dog")],
        "not_utf8": [clip("1", "p", "caf\udce9")],
        "not_an_object": [["1", "p"], [*clip("1", "p"), "more"], clip("1", "p", "x" * 200_000)],
        "duplicate": [clip("1", "p", "again")],
    }
    table = place.table([clip("1", "p"), *(row for found in rows.values() for row in found)])
    done = place.run("webvid", table, place.out, "--videos", place.videos)
    assert done.exit_code == 0, done.output
    assert [item["id"] for item in place.items()] == ["1"]
    counts = {reason: len(found) for reason, found in rows.items()}
    assert place.report()["reasons"] == dict(sorted(counts.items()))
    assert Counter(row["reason"] for row in place.dropped()) == counts
    report = place.report()
    assert report["rows"] == report["rows_kept"] + report["rows_dropped"] == 1 + sum(counts.values())


def test_a_table_without_the_columns_is_refused_and_nothing_is_written(place: Place) -> None:
    done = place.run("webvid", place.table([], head="a,b"), place.out, "--videos", place.videos)
    assert isinstance(done.exception, InputError)
    assert not [path.name for path in place.folder.iterdir() if path.name.startswith(("out", ".out"))]


def test_feature_files_become_videos_and_the_mark_of_a_video_that_of_a_picture(place: Place) -> None:
    source = place.list([talk(), talk("v_2.pkl", "What?\n<video>"), talk("v_3.mp4", "no mark")])
    done = place.run("video-chatgpt", source, place.out, "--base", place.list(BASE, "base.json"))
    assert done.exit_code == 0, done.output
    items = place.items()
    assert items[:2] == BASE
    assert [item["video"] for item in items[2:]] == ["v_1.mp4", "v_2.mp4", "v_3.mp4"]
    assert [item["conversations"][0]["value"] for item in items[2:]] == [
        "<image>\nWhat happens?",
        "What?\n<image>",
        "no mark",
    ]
    assert place.report()["notes"] == {"without_mark": 1}
    assert (place.report()["base_kept"], place.report()["rows_kept"]) == (2, 3)


def test_every_bad_conversation_is_left_out_for_its_reason(place: Place) -> None:
    good = talk()
    rows: dict[str, list[Any]] = {
        "not_an_object": [1, ["x"]],
        "missing_field": [talk(id=None), talk(id=True), talk(video=None), talk(gpt=" "), talk(gpt=None)],
        "unsafe_path": [talk("/etc/passwd.pkl"), talk("../v.pkl"), talk("a\\b.pkl"), talk("c:/b.pkl")],
        "unknown_video_kind": [talk("v.txt"), talk("v")],
        "bad_conversation": [
            talk(conversations=[]),
            talk(conversations="x"),
            talk(conversations=good["conversations"][::-1]),
            talk(conversations=good["conversations"] + good["conversations"][:1]),
        ],
        "several_marks": [talk(human="<video> and <image>")],
        "mark_in_text": [talk(gpt="see <video>")],
        "not_utf8": [talk(gpt="half \ud800")],
        "duplicate": [good],
    }
    source = place.list([good, *(row for found in rows.values() for row in found)])
    assert place.run("video-chatgpt", source, place.out).exit_code == 0
    assert place.report()["reasons"] == dict(sorted((reason, len(found)) for reason, found in rows.items()))
    assert len(place.items()) == 1


def test_videos_are_looked_for_where_a_folder_is_named(place: Place) -> None:
    place.video("v_1.mp4")
    source = place.list([talk(), talk("v_2.pkl")])
    assert place.run("video-chatgpt", source, place.out, "--videos", place.videos).exit_code == 0
    assert place.report()["reasons"] == {"missing_video": 1}


def test_duplicates_stay_when_asked_for_and_are_counted_either_way(place: Place) -> None:
    source = place.list([talk(), talk()])
    assert place.run("video-chatgpt", source, place.out, "--keep-duplicates").exit_code == 0
    assert (len(place.items()), place.report()["duplicates"]) == (2, 1)


def test_the_same_conversion_is_not_made_twice_and_another_does_not_overwrite_it(place: Place) -> None:
    source = place.list([talk()])
    place.run("video-chatgpt", source, place.out)
    before = place.out.stat().st_mtime_ns
    again = place.run("video-chatgpt", source, place.out)
    assert "nothing to do" in again.output
    assert place.out.stat().st_mtime_ns == before
    other = place.run("video-chatgpt", place.list([talk(), talk("v_2.pkl")]), place.out)
    assert isinstance(other.exception, InputError)
    place.out.write_text("[]", encoding="utf-8")
    changed = place.run("video-chatgpt", place.list([talk()]), place.out)
    assert isinstance(changed.exception, InputError)


@pytest.mark.parametrize("text", ["", "{}", "[1", '[{"id": 1}] x'])
def test_a_broken_list_writes_nothing(place: Place, text: str) -> None:
    (place.folder / "talks.json").write_text(text, encoding="utf-8")
    done = place.run("video-chatgpt", place.folder / "talks.json", place.out)
    assert isinstance(done.exception, InputError)
    assert sorted(path.name for path in place.folder.iterdir()) == ["talks.json", "videos"]


def test_no_usable_row_at_all_is_a_failure_with_its_reasons(place: Place) -> None:
    done = place.run("video-chatgpt", place.list([1, 2]), place.out)
    assert isinstance(done.exception, RunFailed)
    assert "not_an_object 2" in str(done.exception)
    assert not place.out.exists()
    assert len(place.dropped()) == 2


def test_a_source_is_never_its_own_result(place: Place) -> None:
    source = place.list([talk()])
    done = place.run("video-chatgpt", source, source, "--overwrite")
    assert isinstance(done.exception, InputError)
    assert json.loads(source.read_text(encoding="utf-8")) == [talk()]


@pytest.mark.parametrize("prefix", ["../", "/data/", "a\n/"])
def test_a_prefix_that_leaves_the_folder_is_refused(place: Place, prefix: str) -> None:
    done = place.run("video-chatgpt", place.list([talk()]), place.out, "--prefix", prefix)
    assert isinstance(done.exception, InputError)


def test_the_page_names_every_reason_in_the_same_words() -> None:
    page = (Path(__file__).parents[3] / "docs" / "trainset.md").read_text(encoding="utf-8")
    assert [reason for reason, words in REASONS.items() if f"| `{reason}` | {words} |" not in page] == []
