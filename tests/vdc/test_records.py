"""The run record: same inputs same id, and a chain that notices any change."""

from __future__ import annotations

import json
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
