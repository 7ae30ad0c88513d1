"""The run record: same inputs same id, and a chain that notices any change."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from pathlib import Path

import pytest

from vdc.errors import InputError
from vdc.records import changed_files, environment_facts, read_record, run_id, tool_facts, write_record


def make_run(folder: Path) -> dict[str, object]:
    (folder / "a.json").write_text("{}")
    (folder / "b.bin").write_bytes(b"\0\1")
    return write_record(folder, {"run_id": "x"}, ["b.bin", "a.json"])


def test_record_round_trips_and_nothing_is_changed(tmp_path: Path) -> None:
    written = make_run(tmp_path)
    assert read_record(tmp_path) == written
    assert changed_files(tmp_path, written) == []


@pytest.mark.parametrize("harm", ["edit", "delete"])
def test_a_changed_file_is_named(tmp_path: Path, harm: str) -> None:
    written = make_run(tmp_path)
    if harm == "edit":
        (tmp_path / "a.json").write_text("{ }")
    else:
        (tmp_path / "a.json").unlink()
    assert changed_files(tmp_path, written) == ["a.json"]


def test_each_link_covers_the_ones_before(tmp_path: Path) -> None:
    first = make_run(tmp_path)["files"]
    (tmp_path / "a.json").write_text("changed")
    second = write_record(tmp_path, {"run_id": "x"}, ["a.json", "b.bin"])["files"]
    assert first[1]["sha256"] == second[1]["sha256"]  # type: ignore[index]
    assert first[1]["chain"] != second[1]["chain"]  # type: ignore[index]


def test_run_id_depends_on_every_part_and_not_on_order() -> None:
    assert run_id({"a": 1, "b": 2}) == run_id({"b": 2, "a": 1})
    assert run_id({"a": 1, "b": 2}) != run_id({"a": 1, "b": 3})


def test_record_names_no_host() -> None:
    text = json.dumps([tool_facts(), environment_facts()])
    assert platform.node() not in text or not platform.node()
    assert str(Path.home()) not in text


@pytest.mark.parametrize(
    ("text", "found"),
    [("[", "not JSON"), ("[]", "schema_version"), ('{"schema_version": 9}', "schema_version 9")],
    ids=["cut", "list", "newer"],
)
def test_unreadable_record_is_refused(tmp_path: Path, text: str, found: str) -> None:
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(InputError, match=found):
        read_record(tmp_path)


def test_folder_without_record_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"without run\.json"):
        read_record(tmp_path)


def bad_record(folder: Path, files: object) -> dict[str, object]:
    record = {"schema_version": 1, "files": files}
    (folder / "run.json").write_text(json.dumps(record))
    return record


@pytest.mark.parametrize(
    "files",
    [
        None,
        {},
        "a.json",
        7,
        [None],
        ["a.json"],
        [[]],
        [{}],
        [{"file": "a.json"}],
        [{"file": "a.json", "sha256": None}],
        [{"file": ["a.json"], "sha256": "0"}],
        [{"file": 5, "sha256": "0"}],
    ],
    ids=repr,
)
def test_a_list_of_files_that_is_none_is_refused(tmp_path: Path, files: object) -> None:
    record = bad_record(tmp_path, files)
    with pytest.raises(InputError, match=r"list of files"):
        read_record(tmp_path)
    with pytest.raises(InputError, match=r"list of files"):
        changed_files(tmp_path, record)


@pytest.mark.parametrize(
    "name",
    ["", ".", "/etc/hostname", "../a", "x/../../a", "x//a", "x/.", "x\\a", "C:a", "C:/a", "a\0", "n" * 5000, "ü" * 200],
)
def test_a_file_name_that_may_lead_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    record = bad_record(tmp_path, [{"file": name, "sha256": "0"}])
    with pytest.raises(InputError, match="the file name"):
        read_record(tmp_path)
    with pytest.raises(InputError, match="the file name"):
        changed_files(tmp_path, record)


@pytest.mark.parametrize("kind", ["link out", "folder linked out", "pipe", "circle", "directory"])
def test_only_regular_files_inside_the_folder_are_hashed(tmp_path: Path, kind: str) -> None:
    folder, outside = tmp_path / "run", tmp_path / "outside"
    folder.mkdir()
    outside.mkdir()
    (outside / "b").write_bytes(b"secret")
    name = "d/b" if kind == "folder linked out" else "b"
    if kind == "link out":
        (folder / "b").symlink_to(outside / "b")
    elif kind == "folder linked out":
        (folder / "d").symlink_to(outside)
    elif kind == "pipe":
        os.mkfifo(folder / "b")
    elif kind == "circle":
        (folder / "b").symlink_to(folder / "b")
    else:
        (folder / "b").mkdir()
    digest = hashlib.sha256(b"secret").hexdigest()
    assert changed_files(folder, {"files": [{"file": name, "sha256": digest}]}) == [name]


def test_files_are_hashed_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "big.bin").write_bytes(bytes(3_000_001))
    monkeypatch.setattr(Path, "read_bytes", lambda path: pytest.fail(f"{path} read whole"))
    written = write_record(tmp_path, {}, ["sub/big.bin"])
    assert written["files"][0]["sha256"] == hashlib.sha256(bytes(3_000_001)).hexdigest()
    assert changed_files(tmp_path, written) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"schema_version": 1, "seed": %s}' % ("9" * 5000), "an integer of thousands of digits"),
        ('{"schema_version": 1, "name": "\\ud800"}', "text that is not Unicode"),
        ('{"schema_version": 1, "a": [{"\\udfff": 1}]}', "text that is not Unicode"),
        ('{"schema_version": 1, "a": %s}' % ("[" * 100_000), "not JSON"),
        ('{"schema_version": ' + "[" * 400 + "]" * 400 + "}", "schema_version of another type"),
    ],
    ids=["integer", "surrogate", "surrogate key", "deep", "odd version"],
)
def test_a_hostile_record_is_refused(tmp_path: Path, text: str, found: str) -> None:
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(InputError, match=found) as caught:
        read_record(tmp_path)
    assert len(str(caught.value)) < 1000


def test_characters_beyond_the_first_plane_stay(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text('{"schema_version": 1, "name": "\\ud83d\\ude00"}')
    assert read_record(tmp_path)["name"] == "\U0001f600"
