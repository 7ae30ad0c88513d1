"""``vdc score`` with files nobody can score: exit code 2, one message, nothing written over an earlier run."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.scoring.small_world import World, exit_of, make_world, snapshot
from vdc.errors import InputError

ROOT = Path(__file__).parents[2]
HELP = ROOT / "docs" / "cli.md"
"""The help of every command, as it is printed."""

Spoil = Callable[[Path], Path]


def row(video: object = "v0", section: object = "short", caption: object = "A dog.") -> str:
    return json.dumps({"video_id": video, "section": section, "caption": caption})


def written(content: bytes | str, name: str = "bad.jsonl") -> Spoil:
    def write(folder: Path) -> Path:
        path = folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


def directory(folder: Path) -> Path:
    (folder / "bad.jsonl").mkdir()
    return folder / "bad.jsonl"


def sparse(folder: Path) -> Path:
    with (folder / "bad.jsonl").open("wb") as file:
        file.truncate(2 << 30)
    return folder / "bad.jsonl"


def bomb(folder: Path) -> Path:
    """200 kB that unpack to 200 MB."""
    with gzip.open(folder / "bad.jsonl.gz", "wb", compresslevel=6) as file:
        for _ in range(200):
            file.write(bytes(1 << 20))
    return folder / "bad.jsonl.gz"


WHOLE = f"{row('v0')}\n{row('v1')}\n"

BAD: dict[str, tuple[Spoil, str]] = {
    "truncated JSON": (written(WHOLE + '{"video_id": "v2", "cap'), "bad.jsonl:3: found no valid JSON"),
    "truncated list": (written('[{"video_id": "v0", "caption": "x"}, {"vid', "bad.json"), "bad.json:1: found no valid"),
    "byte order mark": (written(b"\xef\xbb\xbf" + WHOLE.encode()), "bad.jsonl:1: found a UTF-8 byte order mark"),
    "CRLF": (written(WHOLE.replace("\n", "\r\n")), "bad.jsonl:1: found 2 line ends of the form CR LF"),
    "duplicate id": (written(WHOLE + row("v0") + "\n"), "bad.jsonl:3: found a second caption for video 'v0'"),
    "unknown id": (written(WHOLE + row("nobody") + "\n"), "bad.jsonl:3: found video 'nobody'"),
    "no id known": (written(row("a") + "\n" + row("b") + "\n"), "bad.jsonl:1: found none of 2 video ids in benchmark"),
    "wrong type": (written(WHOLE + row("v2", caption=4) + "\n"), "bad.jsonl:3: found a caption that is a number (4)"),
    "null": (written(WHOLE + row("v2", caption=None) + "\n"), "bad.jsonl:3: found a caption that is null"),
    "NaN": (written(WHOLE + row("v2", caption=float("nan")) + "\n"), "bad.jsonl:3: found the number NaN"),
    "wrong section name": (written(WHOLE + row("v2", "shrot") + "\n"), "bad.jsonl:3: found section 'shrot'"),
    "empty file": (written(b""), "bad.jsonl: found an empty file"),
    "directory": (directory, "bad.jsonl: found a directory"),
    "no such file": (lambda folder: folder / "bad.jsonl", "bad.jsonl: found no such file"),
    "gzip cut short": (written(gzip.compress(WHOLE.encode() * 99)[:60], "bad.jsonl.gz"), "bad.jsonl.gz: found"),
    "gzip bomb": (bomb, "bad.jsonl.gz: found gzip data"),
    "sparse file of 2 GB": (sparse, "bad.jsonl: found a file of 2,147,483,648 bytes"),
    "nested a million levels": (written("[" * 1_000_000), "bad.jsonl: found JSON nested deeper than"),
    "not UTF-8": (written(WHOLE.encode() + b'{"video_id": "v2", "caption": "\xff\xfe"}\n'), "bad.jsonl:3: found bytes"),
}


DANGEROUS = ("truncated JSON", "gzip bomb", "sparse file of 2 GB", "nested a million levels")
"""Run in a process of their own: they could end it, and one of the others shows that nothing differs there."""


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """A benchmark and an earlier run of good captions in ``run``."""
    world = make_world(tmp_path_factory.mktemp("world"), sections=["short"])
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("VDC_HOME", str(world.folder / "user"))
        world.scored(judge="lexical")
    return world


Score = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def score(world: World, capsys: pytest.CaptureFixture[str]) -> Score:
    """Runs ``vdc score`` on a file; ``apart`` in a process of its own."""

    def run(predictions: Path, *more: str, apart: bool = False) -> subprocess.CompletedProcess[str]:
        where = ["--benchmark", str(world.benchmark), "--out", str(world.folder / "run"), "--judge", "lexical"]
        arguments = ["score", str(predictions), *where, *more]
        if apart:
            command = [sys.executable, "-m", "vdc", *arguments]
            return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=dict(os.environ), timeout=60)
        code = exit_of(arguments)
        said = capsys.readouterr()
        return subprocess.CompletedProcess(arguments, code, said.out, said.err)

    return run


@pytest.mark.parametrize(("spoil", "found"), BAD.values(), ids=BAD)
def test_a_bad_file_is_refused_in_one_message(
    world: World, score: Score, tmp_path: Path, spoil: Spoil, found: str, request: pytest.FixtureRequest
) -> None:
    path = spoil(tmp_path)
    before = snapshot(world.folder / "run")
    done = score(path, apart=request.node.callspec.id in DANGEROUS)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("vdc: ")
    assert done.stderr.count("vdc: ") == 1
    assert f"{tmp_path}/{found}" in done.stderr
    for part in ("found ", "; expected ", "; do next: "):
        assert done.stderr.count(part) == 1
    assert "Traceback" not in done.stderr
    assert snapshot(world.folder / "run") == before


def test_all_problems_of_a_file_stand_in_the_one_message(score: Score, tmp_path: Path) -> None:
    lines = [row("v0"), row("v1", "shrot"), "{", row("nobody"), row("v2", caption=4), row("v0")]
    done = score(written("\n".join(lines) + "\n")(tmp_path))
    assert done.returncode == 2
    first, *problems = done.stderr.rstrip().split("\n")
    assert first == "vdc: 5 problems"
    assert [line.strip().split(": ")[0].rsplit(":", 1)[1] for line in problems] == ["2", "3", "5", "4", "6"]


def test_more_problems_than_fit_are_counted(world: World, score: Score, tmp_path: Path) -> None:
    done = score(written("{\n" * 500)(tmp_path))
    assert done.returncode == 2
    assert "500 problems" in done.stderr
    assert "and 480 more (vdc validate FILE --json lists all)" in done.stderr
    assert len(done.stderr.split("\n")) < 30


def test_control_characters_of_a_file_do_not_reach_the_terminal(world: World, score: Score, tmp_path: Path) -> None:
    done = score(written(row("v0", "\x1b[31mred\x07") + "\n")(tmp_path))
    assert done.returncode == 2
    assert "\x1b" not in done.stderr
    assert "\x07" not in done.stderr


@pytest.mark.parametrize(
    ("name", "content", "found"),
    [
        pytest.param("short.jsonl", '{"v0": [{"question": "Wh', "short.jsonl:1: found no valid JSON", id="truncated"),
        pytest.param("short.jsonl", '{"v0": [{"question": 1}]}\n', "short.jsonl:1: found", id="wrong types"),
        pytest.param("shrot.jsonl", '{"v0": []}\n', "found no", id="no section file"),
    ],
)
def test_a_bad_benchmark_is_refused_in_the_same_way(
    world: World, score: Score, tmp_path: Path, name: str, content: str, found: str
) -> None:
    (tmp_path / "benchmark").mkdir()
    (tmp_path / "benchmark" / name).write_text(content, encoding="utf-8")
    before = snapshot(world.folder / "run")
    done = score(world.predictions, "--benchmark", str(tmp_path / "benchmark"))
    assert done.returncode == 2
    assert found in done.stderr
    assert "do next: " in done.stderr
    assert "Traceback" not in done.stderr
    assert snapshot(world.folder / "run") == before


def test_a_damaged_run_folder_is_not_written_over(world: World, score: Score, tmp_path: Path) -> None:
    folder = tmp_path / "damaged"
    folder.mkdir()
    (folder / "run.json").write_text('{"schema_version": 1, "run_', encoding="utf-8")
    done = score(world.predictions, "--out", str(folder))
    assert done.returncode == 2
    assert "run.json that is not JSON" in done.stderr
    assert snapshot(folder) == {"run.json": b'{"schema_version": 1, "run_'}


def test_a_file_that_is_not_there_is_said_before_a_benchmark_is_fetched(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "vdc", "score", str(tmp_path / "nothing.jsonl"), "--benchmark", "owner/set"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert "nothing.jsonl" in done.stderr
    assert "owner/set" not in done.stderr


def test_a_file_whose_name_is_not_utf8_is_scored_and_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from scoring.report.folder import remake_report

    world = make_world(tmp_path)
    named = tmp_path / os.fsdecode(b"caf\xe9.jsonl")
    try:
        named.write_bytes(world.predictions.read_bytes())
    except OSError:
        pytest.skip("this file system takes only names in UTF-8")
    monkeypatch.chdir(tmp_path)
    run = world.scored(out=None, predictions=named, judge="lexical")
    assert os.fsencode(run.folder.name).startswith(b"caf\xe9-")
    assert remake_report(run.folder)["average"] == run.report["average"]


@pytest.mark.parametrize("field", ["timeout_s", "give_up_s", "max_tokens"])
def test_a_refused_number_names_an_option_that_exists(field: str) -> None:
    from scoring.options import JudgeOptions

    with pytest.raises(InputError) as refused:
        JudgeOptions(**{field: -1})  # type: ignore[arg-type]
    option = refused.value.problems[0].do_next.split()[1]
    assert f" {option} <" in HELP.read_text(encoding="utf-8")
