"""``vdc build synthetic`` as a user meets it."""

from __future__ import annotations

import json
from pathlib import Path

import typer
from typer.testing import CliRunner

from builders.cli.build_synthetic import synthetic
from vdc.errors import InputError

APP = typer.Typer()
APP.command()(synthetic)
SMALL = ["--size", "32", "--seconds", "1", "--fps", "8", "--workers", "1"]


def test_the_command_builds_and_says_what_to_do_next(tmp_path: Path) -> None:
    out = tmp_path / "toy"
    done = CliRunner().invoke(APP, ["--videos", "2", "--out", str(out), "--predictions", "good=1:1", *SMALL])
    assert done.exit_code == 0, done.output
    assert "2 videos" in done.stdout
    assert f"vdc score {out}/predictions/good.jsonl --benchmark {out}" in done.stdout
    assert "videos 2/2" in done.stderr
    assert "videos 2/2" not in done.stdout


def test_json_goes_to_stdout_alone(tmp_path: Path) -> None:
    done = CliRunner().invoke(APP, ["--videos", "1", "--out", str(tmp_path / "toy"), "--json", *SMALL])
    record = json.loads(done.stdout)
    assert (record["videos"], record["rendered"], record["kept"]) == (1, 1, 0)


def test_bad_settings_reach_the_front_door_as_input_errors(tmp_path: Path) -> None:
    done = CliRunner().invoke(APP, ["--videos", "1", "--out", str(tmp_path / "toy"), "--size", "33"])
    assert isinstance(done.exception, InputError)
    assert not (tmp_path / "toy").exists()
