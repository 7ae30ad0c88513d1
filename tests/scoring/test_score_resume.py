"""A run that is repeated, limited in cost, interrupted or killed: nothing is asked twice, nothing is written over."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scoring.dry_run import estimate_run
from scoring.options import JudgeOptions
from scoring.plan import make_plan
from tests.scoring.small_world import (
    QUESTIONS,
    VIDEOS,
    World,
    exit_of,
    numbers,
    results,
    snapshot,
    wait_until,
    write_predictions,
)
from vdc.errors import InputError, RunIncomplete
from vdc.llm.fake_server import FakeServer, FakeServerConfig
from vdc.records import changed_files, read_record
from vdc.sections import SECTIONS

pytestmark = pytest.mark.usefixtures("plots_left_out")

ALL = VIDEOS * len(SECTIONS) * QUESTIONS


def test_it_makes_no_call_and_finds_the_same(world: World, server: FakeServer) -> None:
    first = world.judged(server)
    before = snapshot(first.folder)
    asked = server.stats.requests
    second = world.judged(server)
    assert asked == 2 * ALL
    assert server.stats.requests == asked
    assert (second.report["calls"]["made"], second.report["calls"]["from_store"]) == (0, 2 * ALL)
    # the server showed nothing of itself this time, so only what it decides must agree
    assert results(second.report) == results(first.report)
    assert second.report["run_id"] == first.report["run_id"]
    assert snapshot(second.folder)["verdicts.parquet"] == before["verdicts.parquet"]


def test_other_captions_are_refused_in_the_same_folder(world: World, server: FakeServer) -> None:
    folder = world.judged(server).folder
    before, asked = snapshot(folder), server.stats.requests
    others = write_predictions(world.folder / "others.jsonl", captions={("v0", "short"): "Another."})
    with pytest.raises(InputError, match="another run"):
        world.judged(server, predictions=others)
    assert snapshot(folder) == before
    assert server.stats.requests == asked


def test_overwrite_replaces_the_other_run(world: World, server: FakeServer) -> None:
    first = world.judged(server).report["run_id"]
    others = write_predictions(world.folder / "others.jsonl", captions={("v0", "short"): "Another."})
    run = world.judged(server, predictions=others, overwrite=True)
    assert run.report["run_id"] != first
    assert read_record(run.folder)["run_id"] == run.report["run_id"]
    assert changed_files(run.folder, read_record(run.folder)) == []


def test_a_folder_with_other_files_is_refused(world: World, server: FakeServer) -> None:
    (world.folder / "run").mkdir()
    (world.folder / "run" / "thesis.tex").write_text("years of work")
    with pytest.raises(InputError, match="other files"):
        world.judged(server)
    assert snapshot(world.folder / "run") == {"thesis.tex": b"years of work"}
    assert server.stats.requests == 0


@pytest.mark.parametrize(
    "change",
    [{"model": "other"}, {"seed": 1}, {"sampling": "official"}, {"revision": "abc"}, {"max_tokens": 100}],
    ids=lambda change: next(iter(change)),
)
def test_what_decides_verdicts_makes_another_run(world: World, server: FakeServer, change: dict[str, Any]) -> None:
    first = world.judged(server, "a").report
    if "revision" in change:
        # the run's own argument of that name is the benchmark's; the judge's is an option
        second = world.judged(server, "b", options=JudgeOptions(revision="abc")).report
    else:
        second = world.judged(server, "b", **change).report
    assert second["run_id"] != first["run_id"]
    assert second["calls"]["from_store"] == 0


@pytest.mark.parametrize("change", [{"concurrency": 1}, {"timeout_s": 3}], ids=lambda change: next(iter(change)))
def test_how_it_is_asked_makes_no_other_run(world: World, server: FakeServer, change: dict[str, Any]) -> None:
    first = world.judged(server, "a").report
    assert world.judged(server, "b", **change).report["run_id"] == first["run_id"]


def test_a_run_stopped_while_it_was_written_is_known_again(
    world: World, server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("scoring.run_folder.write_verdicts", stop)
        with pytest.raises(KeyboardInterrupt):
            world.judged(server)
    assert (world.folder / "run" / "report.json").is_file()
    run = world.judged(server)
    assert run.report["calls"]["made"] == 0
    assert changed_files(run.folder, read_record(run.folder)) == []


def test_a_cost_limit_stops_before_it_and_the_rest_is_asked_later(world: World, server: FakeServer) -> None:
    prices = {"price_in": 1.0, "price_out": 1.0}
    with pytest.raises(RunIncomplete, match=r"raise --max-cost and repeat the command \(it resumes\)"):
        world.judged(server, max_cost=0.005, **prices)
    assert not (world.folder / "run").exists()
    paid = server.stats.answered
    assert 0 < paid < 2 * ALL
    report = world.judged(server, max_cost=1.0, **prices).report
    assert server.stats.requests == 2 * ALL
    assert report["calls"]["from_store"] == paid
    assert 0 < report["calls"]["cost"] < 1.0


def test_a_dry_run_counts_the_calls_that_are_then_made(world: World, server: FakeServer) -> None:
    plan = make_plan(world.predictions, benchmark=world.benchmark)
    options = JudgeOptions(judge="openai", model="fake", base_url=server.base_url, price_in=1.0, price_out=2.0)
    before = estimate_run(plan, options)
    assert server.stats.requests == 0
    report = world.judged(server, price_in=1.0, price_out=2.0).report
    assert (before.captions, before.questions) == (15, ALL)
    assert (before.calls, before.from_store) == (report["calls"]["made"], 0) == (2 * ALL, 0)
    assert before.input_tokens == pytest.approx(report["calls"]["input_tokens"], rel=0.05)
    assert before.output_tokens_at_most == 256 * 2 * ALL
    assert before.cost_at_most is not None
    assert before.cost_at_most > report["calls"]["cost"]
    after = estimate_run(plan, options)
    assert (after.calls, after.from_store, after.cost_at_most) == (0, 2 * ALL, 0.0)


def test_a_dry_run_of_repetitions_counts_them_all(world: World) -> None:
    plan = make_plan(world.predictions, benchmark=world.benchmark)
    assert estimate_run(plan, JudgeOptions(judge="openai", model="fake"), repeats=3).calls == 3 * 2 * ALL


def test_the_command_prints_the_estimate_and_writes_nothing(
    world: World, server: FakeServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_of([*world.command(server), "--dry-run", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["calls"] == 2 * ALL
    assert exit_of([*world.command(server), "--dry-run"]) == 0
    assert f"calls          {2 * ALL} " in capsys.readouterr().out
    assert server.stats.requests == 0
    assert not (world.folder / "run").exists()


def start(world: World, server: FakeServer) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "vdc", *world.command(server, "run", "--concurrency", "4")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=dict(os.environ),
        cwd=Path(__file__).parents[2],
    )


@pytest.fixture
def slow_server() -> Iterator[FakeServer]:
    with FakeServer(config=FakeServerConfig(latency_s=0.1)) as running:
        yield running


def test_control_c_ends_cleanly_says_how_to_resume_and_resumes(world: World, slow_server: FakeServer) -> None:
    with start(world, slow_server) as process:
        wait_until(lambda: slow_server.stats.answered >= 5)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "repeat the same command to resume" in said
    assert "Traceback" not in said
    assert not (world.folder / "run").exists()
    asked = slow_server.stats.requests
    assert asked < 2 * ALL
    report = world.judged(slow_server).report
    assert report["calls"]["from_store"] >= asked - 4
    assert slow_server.stats.requests <= 2 * ALL + 4


@pytest.mark.parametrize("answered", [1, 30])
def test_a_killed_run_repeats_at_most_the_calls_in_flight(world: World, slow_server: FakeServer, answered: int) -> None:
    with start(world, slow_server) as process:
        wait_until(lambda: slow_server.stats.answered >= answered)
        process.kill()
        process.communicate(timeout=20)
    assert slow_server.stats.requests < 2 * ALL
    report = world.judged(slow_server).report
    assert slow_server.stats.requests <= 2 * ALL + 4
    with FakeServer() as other:
        whole = world.judged(other, "whole", store=world.folder / "other.sqlite").report
    assert numbers(report) == numbers(whole)
