"""Faults of the judge server change no number; what fails for good leaves the run incomplete, never a silent number."""

from __future__ import annotations

import json
import socket
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.scoring.small_world import (
    GOOD,
    QUESTIONS,
    VIDEOS,
    YES,
    PartlyBrokenServer,
    World,
    always,
    exit_of,
    numbers,
    question_of,
    results,
    snapshot,
    step_of,
    verdicts_by,
)
from vdc.errors import RunFailed, RunIncomplete
from vdc.llm.fake_faults import Faults
from vdc.llm.fake_http import Response
from vdc.llm.fake_server import GARBAGE, FakeServer, FakeServerConfig
from vdc.records import changed_files, read_record
from vdc.sections import SECTIONS

pytestmark = pytest.mark.usefixtures("plots_left_out")

ALL = VIDEOS * len(SECTIONS) * QUESTIONS
REFUSED = "of v1 in camera"
"""Stands in every call about these questions; a server refuses them with status 400, as a content filter does."""

SECRET = "sk-do-not-show-this-0123456789"


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Retries come at once."""
    monkeypatch.setattr("vdc.llm.patience.BACKOFF_S", 0.005)


def faulty(rates: Mapping[Any, float], **more: Any) -> FakeServer:
    return FakeServer(config=FakeServerConfig(faults=Faults(rates=rates, retry_after_s=0.02, **more)))


@pytest.mark.parametrize(
    "rates",
    [
        pytest.param({"error": 0.3}, id="status 500"),
        pytest.param({"rate_limit": 0.3}, id="status 429 with Retry-After"),
        pytest.param({"hang": 0.1}, id="no reply at all"),
        pytest.param({"drop": 0.3}, id="connection closed"),
        pytest.param({"cut_json": 0.3}, id="half a reply"),
        pytest.param({"cut_body": 0.3}, id="connection closed in the reply"),
        pytest.param({"error": 0.1, "rate_limit": 0.05, "hang": 0.02, "drop": 0.02, "cut_body": 0.02}, id="all"),
    ],
)
def test_faults_that_pass_change_no_number(world: World, rates: Mapping[str, float]) -> None:
    with FakeServer() as server:
        healthy = world.judged(server, "healthy").report
    with faulty(rates) as server:
        report = world.judged(server, "faulty", store=world.folder / "other.sqlite", timeout_s=0.3).report
        assert {name for name, count in server.stats.faults.items() if count} == set(rates)
    assert numbers(report) == numbers(healthy)
    assert report["calls"]["retries"] > 0
    assert report["calls"]["made"] == 2 * ALL + report["calls"]["retries"]


def test_a_server_that_is_still_loading_is_waited_for(world: World) -> None:
    with faulty({}, warm_up_s=0.3) as server:
        assert world.judged(server).report["incomplete"] is False
        assert server.stats.faults["warm_up"] > 0


def test_a_malformed_verdict_is_asked_for_once_more_in_stricter_words(world: World) -> None:
    def rule(asked: str, step: str) -> str:
        if " v0 " not in asked or "camera" not in asked:
            return YES
        return GARBAGE if step == "match" or "fact 1" in asked else YES

    with FakeServer(verdicts_by(rule)) as server:
        run = world.judged(server)
        asked = Counter((question_of(body), step_of(body)) for body in server.log)
    rows = run.verdicts.set_index(["video_id", "section", "question_index"])
    mended, hopeless = rows.loc[("v0", "camera", 0)], rows.loc[("v0", "camera", 1)]
    assert (mended["status"], mended["raw"], mended["raw_retry"], mended["score"]) == ("judged", GARBAGE, YES, 5)
    assert (hopeless["status"], hopeless["raw"], hopeless["raw_retry"]) == ("unparsed", GARBAGE, GARBAGE)
    assert set(asked.values()) == {1}
    assert sorted(text for text, step in asked if step == "retry") == sorted([mended["question"], hopeless["question"]])
    section = run.report["sections"]["camera"]
    assert (section["unparsed"], section["failed"], section["videos"]) == (1, 0, VIDEOS)
    assert section["accuracy"] == pytest.approx((0.5 + 1 + 1) / 3)


def test_unparsed_verdicts_drop_no_video_from_strict(world: World) -> None:
    with FakeServer(always(GARBAGE)) as server:
        run = world.judged(server)
        assert server.stats.requests == 3 * ALL
    strict, observed = run.report["protocols"]["strict"], run.report["protocols"]["observed"]
    assert set(run.verdicts["status"]) == {"unparsed"}
    assert (strict["videos"], strict["dropped_videos"]) == (VIDEOS * len(SECTIONS), 0)
    assert run.report["average"]["accuracy"] == 0.0
    assert observed["average"]["accuracy"] is None
    assert run.report["incomplete"] is False
    assert any("unparsed" in warning for warning in run.report["warnings"])


def test_garbled_verdicts_count_the_same_whatever_else_goes_wrong(world: World) -> None:
    with faulty({}, garbled=0.2) as server:
        calm = world.judged(server, "calm").report
        assert server.stats.faults["garbled"] > 0
    with faulty({"error": 0.2, "drop": 0.05}, garbled=0.2) as server:
        rough = world.judged(server, "rough", store=world.folder / "other.sqlite").report
    # which replies the server is judged by as to structured output depends on their order, the numbers do not
    assert results(rough) == results(calm)


def test_the_run_is_incomplete_and_says_how_to_go_on(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    with PartlyBrokenServer(REFUSED, 400, GOOD) as server:
        assert exit_of(world.command(server)) == 1
    said = capsys.readouterr().err
    assert f"found {QUESTIONS} of {ALL} questions without a verdict because calls failed" in said
    assert "status 400" in said
    assert "repeat the same command" in said
    assert "Traceback" not in said


def test_the_folder_says_so_and_counts_them(world: World) -> None:
    with PartlyBrokenServer(REFUSED, 400, GOOD) as server, pytest.raises(RunIncomplete):
        world.judged(server)
    folder = world.folder / "run"
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    assert report["incomplete"] is True
    assert {name: part["failed"] for name, part in report["sections"].items() if part["failed"]} == {
        "camera": QUESTIONS
    }
    assert "incomplete" in (folder / "report.md").read_text(encoding="utf-8")
    assert changed_files(folder, read_record(folder)) == []


def test_a_section_with_failed_calls_has_no_number_and_the_run_no_average(world: World) -> None:
    with PartlyBrokenServer(REFUSED, 400, GOOD) as server, pytest.raises(RunIncomplete):
        world.judged(server)
    report = json.loads((world.folder / "run" / "report.json").read_text(encoding="utf-8"))
    for protocol in (report, *report["protocols"].values()):
        assert protocol["sections"]["camera"]["accuracy"] is None
        assert protocol["sections"]["camera"]["score"] is None
        assert set(protocol["average"].values()) == {None}
        assert protocol["sections"]["short"]["accuracy"] == 1.0


def test_the_same_command_asks_only_these_again_and_completes(world: World) -> None:
    with PartlyBrokenServer(REFUSED, 400, GOOD) as server, pytest.raises(RunIncomplete):
        world.judged(server)
    with FakeServer(GOOD) as server:
        report = world.judged(server).report
        assert server.stats.requests == 2 * QUESTIONS
        whole = world.judged(server, "whole", store=world.folder / "other.sqlite").report
    assert report["incomplete"] is False
    assert results(report) == results(whole)


def test_a_complete_run_is_not_replaced_by_an_incomplete_one(world: World) -> None:
    with FakeServer(GOOD) as server:
        folder = world.judged(server).folder
    before = snapshot(folder)
    lost = world.folder / "lost.sqlite"
    with PartlyBrokenServer(REFUSED, 400, GOOD) as server, pytest.raises(RunIncomplete, match="keeps the complete"):
        world.judged(server, store=lost)
    assert snapshot(folder) == before


def test_a_later_repetition_with_failed_calls_leaves_no_report_that_looks_complete(world: World) -> None:
    class BrokenLater(PartlyBrokenServer):
        """Refuses only after every call of the first repetition."""

        def handle(self, method: bytes, path: bytes, head: bytes, content: bytes) -> Response:
            self.mark = REFUSED.encode() if self.stats.requests >= 2 * ALL else b"nothing holds this"
            return super().handle(method, path, head, content)

    with BrokenLater(REFUSED, 400, GOOD) as server, pytest.raises(RunIncomplete, match="nothing was written"):
        world.judged(server, repeats=2, sampling="official")
    assert not (world.folder / "run").exists()
    with FakeServer(GOOD) as server:
        report = world.judged(server, repeats=2, sampling="official").report
        assert server.stats.requests == 2 * QUESTIONS
    assert report["repeats"]["accuracy"]["values"] == [1.0, 1.0]


def test_too_many_refusals_in_a_row_stop_the_run(world: World) -> None:
    with PartlyBrokenServer("What is fact", 400, GOOD) as server:
        with pytest.raises(RunFailed, match="refused in a row"):
            world.judged(server, concurrency=4)
        assert server.refused < ALL
    assert not (world.folder / "run").exists()


@pytest.fixture
def earlier_run(world: World) -> None:
    """An earlier run of the same, whose replies are lost."""
    with FakeServer() as server:
        world.judged(server, store=world.folder / "lost.sqlite")


def refused(world: World, base_url: str, capsys: pytest.CaptureFixture[str], *more: str) -> str:
    """What the command says, after checking that it failed without touching the earlier run."""
    arguments = ["score", str(world.predictions), "--benchmark", str(world.benchmark), "--model", "fake"]
    before = snapshot(world.folder / "run")
    assert before
    assert exit_of([*arguments, "--out", str(world.folder / "run"), "--base-url", base_url, *more]) == 1
    assert snapshot(world.folder / "run") == before
    said = capsys.readouterr()
    assert said.out == ""
    assert "Traceback" not in said.err
    for part in ("found", "expected", "do next"):
        assert part in said.err
    return said.err


@pytest.mark.usefixtures("earlier_run")
def test_a_wrong_key_is_said_without_showing_it(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    with FakeServer(config=FakeServerConfig(api_key="another")) as server:
        said = refused(world, server.base_url, capsys)
        assert server.stats.requests <= 64
    assert "VDC_API_KEY" in said
    assert SECRET not in said


@pytest.mark.usefixtures("earlier_run")
def test_an_unknown_model_is_named(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    with FakeServer(config=FakeServerConfig(models=("llama",))) as server:
        said = refused(world, server.base_url, capsys)
    assert "'fake' does not exist" in said
    assert "--model" in said


@pytest.mark.usefixtures("earlier_run")
def test_nothing_listening_is_given_up_soon(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    said = refused(world, address, capsys, "--give-up", "0.3")
    assert "no reply for" in said
    assert "it resumes" in said


def test_nothing_listening_and_no_model_says_what_to_look_at(
    world: World, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    arguments = ["score", str(world.predictions), "--benchmark", str(world.benchmark), "--base-url", address]
    assert exit_of([*arguments, "--out", str(tmp_path / "run")]) == 2
    said = capsys.readouterr().err
    assert f"no list of models from {address}" in said
    assert "see that the server runs there" in said


def test_an_error_in_the_verdicts_names_the_status(world: World) -> None:
    with PartlyBrokenServer(REFUSED, 400, GOOD) as server, pytest.raises(RunIncomplete):
        world.judged(server)
    verdicts = pd.read_parquet(world.folder / "run" / "verdicts.parquet")
    errors = verdicts.loc[verdicts["status"] == "failed", "error"]
    assert len(errors) == QUESTIONS
    assert errors.str.contains("status 400: not this one").all()
