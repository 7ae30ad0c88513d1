"""The front door: exit codes, lazy mounting, messages."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

import vdc
from vdc.commands import COMMANDS, PUBLIC, resolve

ROOT = Path(__file__).parents[2]


def run_vdc(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "vdc", *arguments], capture_output=True, text=True, cwd=ROOT)


def test_help_lists_every_command_with_its_line() -> None:
    done = run_vdc("--help")
    assert done.returncode == 0
    for command in COMMANDS:
        assert command.name in done.stdout
        assert command.help.split(".")[0][:40] in " ".join(done.stdout.split())


def test_help_takes_under_four_tenths_of_a_second() -> None:
    times = []
    for _ in range(3):
        start = time.perf_counter()
        run_vdc("--help")
        times.append(time.perf_counter() - start)
    assert min(times) < 0.4


@pytest.mark.parametrize("command", [command.name for command in COMMANDS])
def test_every_command_resolves_and_shows_an_example(command: str) -> None:
    done = run_vdc(command, "--help")
    assert done.returncode == 0, done.stderr
    assert "Usage: vdc" in done.stdout


@pytest.mark.parametrize("name", sorted(PUBLIC))
def test_every_public_name_resolves(name: str) -> None:
    assert callable(getattr(vdc, name))
    assert resolve(PUBLIC[name]) is getattr(vdc, name)


def test_unknown_public_name_lists_the_valid_ones() -> None:
    with pytest.raises(AttributeError, match="load_benchmark"):
        _ = vdc.skore


def test_unknown_command_names_the_closest_and_exits_2() -> None:
    done = run_vdc("scroe")
    assert done.returncode == 2
    assert "score" in done.stderr


def test_expected_failure_is_one_message_without_a_traceback(tmp_path: Path) -> None:
    done = run_vdc("report", str(tmp_path / "nothing"))
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    for part in ("found", "expected", "do next"):
        assert part in done.stderr


def test_a_refusal_of_the_system_is_one_line_and_exit_1(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("VDC_HOME", str(tmp_path / "file"))
    done = run_vdc("config")
    assert done.returncode == 1
    assert done.stderr.startswith("vdc: ")
    for part in ("found", "expected", "do next"):
        assert part in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs the device that is always full")
def test_a_full_disk_behind_stdout_is_one_line_and_exit_1() -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([sys.executable, "-m", "vdc", "config"], stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1
    assert "No space left" in done.stderr
    assert "Traceback" not in done.stderr and "Exception ignored" not in done.stderr


def test_an_unknown_log_level_lists_the_levels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VDC_LOG", "loud")
    done = run_vdc("config")
    assert done.returncode == 2
    assert "WARNING" in done.stderr and "Traceback" not in done.stderr
