"""Folders, completeness and the command line of every converter."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="the baselines extra (torch) is not installed")

from baselines.common.conversion import (
    check_whole,
    copy_text_files,
    parameter_shapes,
    run_converter,
    source_folder,
    target_folder,
    two_folders,
)
from baselines.common.shards import StoredTensor
from vdc.errors import InputError, Problem


def test_a_source_must_be_there_and_a_target_empty(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no folder"):
        source_folder(tmp_path / "absent")
    assert target_folder(tmp_path / "new", overwrite=False) == tmp_path / "new"
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="something already there"):
        target_folder(tmp_path, overwrite=False)
    assert target_folder(tmp_path, overwrite=True) == tmp_path
    with pytest.raises(InputError, match="two folders"):
        two_folders(tmp_path, tmp_path / "x" / "..")


def test_text_files_are_copied_where_there_are_any(tmp_path: Path) -> None:
    source, target = tmp_path / "a", tmp_path / "b"
    source.mkdir()
    target.mkdir()
    (source / "tokenizer.json").write_text("{}")
    (source / "other.txt").write_text("x")
    copy_text_files(source, target)
    assert [path.name for path in target.iterdir()] == ["tokenizer.json"]


def test_a_checkpoint_holds_exactly_the_parameters_of_its_model() -> None:
    shapes = parameter_shapes(lambda: torch.nn.Linear(2, 3), lambda key: None if key == "bias" else f"x.{key}")
    assert shapes == {"x.weight": (3, 2)}
    stored = StoredTensor(Path("f"), "k", (3, 2), "F32")
    check_whole({"x.weight": stored}, shapes, Path("f"))
    with pytest.raises(InputError) as caught:
        check_whole({"y": stored}, shapes, Path("f"))
    assert len(caught.value.problems) == 2


def test_the_command_line_hands_over_what_was_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    seen: dict[str, Any] = {}

    def convert(source: str, destination: str, **options: Any) -> Path:
        seen.update(source=source, **options)
        if source == "bad":
            raise InputError(Problem("a", "b", "c"))
        return Path(destination)

    def run(*arguments: str) -> int:
        return run_converter(convert, "m", ["one", "two"], arguments, paths=["from-there"], flags=["without-it"])

    assert run("a", "b", "--layout", "two", "--dtype", "float16", "--from-there", "f", "--overwrite") == 0
    assert seen == {
        "source": "a",
        "layout": "two",
        "dtype": torch.float16,
        "from_there": "f",
        "without_it": False,
        "overwrite": True,
    }
    assert capsys.readouterr().out == "b\n"
    assert run("bad", "b") == 2
    assert (seen["layout"], seen["dtype"]) == ("one", None)
    assert "convert: " in capsys.readouterr().err
