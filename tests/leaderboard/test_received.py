from __future__ import annotations

import io
from pathlib import Path

import pytest

from leaderboard.db.models import SubmissionKind
from leaderboard.failures import TooLarge
from leaderboard.received import GivenFile, receive, shown_name
from vdc.errors import InputError


def given(*names: str, content: bytes = b"x") -> list[GivenFile]:
    return [GivenFile(name, io.BytesIO(content), len(content)) for name in names]


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "..\\..\\windows", "/etc/passwd", "a\x00b", "-rf", "x" * 900, "<img src=x>", ".."]
)
def test_a_users_name_never_becomes_a_path(tmp_path: Path, name: str) -> None:
    received = receive(given(name), tmp_path, 100)
    assert [path.name for path in tmp_path.iterdir()] == ["predictions"]
    (file,) = received.files
    assert file.path == tmp_path / "predictions" and not set("/\\<>\x00") & set(file.name)


def test_a_run_folder_keeps_what_is_needed(tmp_path: Path) -> None:
    names = ["run/run.json", "run/verdicts.parquet", "run/report.json", "run/plots/a.png", "captions.jsonl"]
    received = receive(given(*names), tmp_path, 100)
    assert received.kind is SubmissionKind.RUN
    assert {file.role for file in received.files} == {"run.json", "verdicts.parquet", "predictions"}
    assert received.left_out == ("report.json", "a.png")


@pytest.mark.parametrize(
    ("names", "words"),
    [((), "no file"), (("run.json",), "without verdicts.parquet"), (("a.jsonl", "b.jsonl"), "two files")],
)
def test_sets_of_files_that_cannot_be_used(tmp_path: Path, names: tuple[str, ...], words: str) -> None:
    with pytest.raises(InputError, match=words):
        receive(given(*names), tmp_path, 100)


def test_all_files_together_count(tmp_path: Path) -> None:
    with pytest.raises(TooLarge):
        receive(given("run.json", "verdicts.parquet", content=b"x" * 60), tmp_path, 100)
    assert list(tmp_path.iterdir()) == []


def test_the_digest_knows_contents_and_roles_not_names(tmp_path: Path) -> None:
    folders = [tmp_path / str(number) for number in range(3)]
    for folder in folders:
        folder.mkdir()
    first, second = receive(given("a.jsonl"), folders[0], 9), receive(given("b.jsonl"), folders[1], 9)
    assert first.digest == second.digest != receive(given("a.jsonl", content=b"y"), folders[2], 9).digest


def test_shown_names_are_never_empty() -> None:
    assert shown_name("///", "predictions") == "predictions"
