"""``vdc audit`` as a user calls it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner, Result

from builders.cli.audit import audit
from vdc.benchmark.clean import load_clean_list
from vdc.errors import InputError

Rows = Any


@pytest.fixture
def call() -> Callable[..., Result]:
    app = typer.Typer()
    app.command()(audit)

    def run(*arguments: object) -> Result:
        return CliRunner().invoke(app, [str(argument) for argument in arguments])

    return run


def test_findings_are_no_failure_unless_strict(
    call: Callable[..., Result], write_folder: Callable[[Rows], Path], small_benchmark: Rows
) -> None:
    folder = write_folder(small_benchmark)
    assert call(folder).exit_code == 0
    assert call(folder, "--strict").exit_code == 1


def test_strict_passes_where_only_notes_are_found(
    call: Callable[..., Result], write_folder: Callable[[Rows], Path]
) -> None:
    names = ("short", "background", "main_object", "camera", "detailed")
    rows = {name: [("v", [(f"What is {name} like", f"{name[:2]}wide", name)])] for name in names}
    done = call(write_folder(rows), "--strict")
    assert (done.exit_code, "no_question_mark" in done.stdout) == (0, True)


def test_table_fits_80_columns(
    call: Callable[..., Result], write_folder: Callable[[Rows], Path], small_benchmark: Rows
) -> None:
    lines = call(write_folder(small_benchmark)).stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert any(line.split() == ["repeated_question", "warning", "1", "0"] for line in lines)


def test_json_alone_is_on_stdout(
    call: Callable[..., Result], write_folder: Callable[[Rows], Path], small_benchmark: Rows, tmp_path: Path
) -> None:
    done = call(
        write_folder(small_benchmark), "--json", "--out", tmp_path / "clean.json", "--report", tmp_path / "report"
    )
    record = json.loads(done.stdout)
    assert record["clean"] == json.loads(json.dumps(record["clean"]))
    assert record["sections"]["short"]["rules"]["duplicate_ids"]["count"] == 1
    assert (tmp_path / "report" / "benchmark.html").is_file()
    clean = load_clean_list(tmp_path / "clean.json")
    superseded = 2
    assert clean.removed_count == record["clean"]["removed"] - superseded


def test_board_file_is_recognised(call: Callable[..., Result], tmp_path: Path) -> None:
    board = tmp_path / "board.json"
    board.write_text('[{"model": "m", "avg_acc": "50", "avg_score": 2}]', encoding="utf-8")
    record = json.loads(call(board, "--json").stdout)
    assert (record["kind"], record["board"]["rules"]["number_as_text"]["count"]) == ("board", 1)
    assert "number_as_text" in call(board).stdout
    assert call(board, "--strict").exit_code == 1


@pytest.mark.parametrize("name", ["nothing-here", "/no/such/folder"])
def test_unknown_benchmark_is_an_input_error(name: str, call: Callable[..., Result]) -> None:
    error = call(name).exception
    assert isinstance(error, InputError)
    assert "sample" in str(error)
    assert error.exit_code == 2


def test_clean_list_of_a_board_is_refused_before_anything_is_written(
    call: Callable[..., Result], tmp_path: Path
) -> None:
    board = tmp_path / "board.json"
    board.write_text('[{"model": "m", "avg_acc": 50}]', encoding="utf-8")
    assert isinstance(call(board, "--out", tmp_path / "clean.json").exception, InputError)
    assert not (tmp_path / "clean.json").exists()


def test_hostile_names_do_not_reach_the_terminal(call: Callable[..., Result], tmp_path: Path) -> None:
    board = tmp_path / "board.json"
    board.write_text(json.dumps([{"model": "m\x1b[2J", "avg_acc": 101}]), encoding="utf-8")
    assert "\x1b" not in call(board).stdout
