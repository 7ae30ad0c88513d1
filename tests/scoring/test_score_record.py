"""Judges without a model, and what the run record says: marked, chained, and without anything private."""

from __future__ import annotations

import hashlib
import json
import socket
from pathlib import Path

import pandas as pd
import pytest

from scoring.protocols.rules import PROTOCOLS
from tests.scoring.small_world import (
    QUESTIONS,
    VIDEOS,
    World,
    exit_of,
    results,
    snapshot,
    write_predictions,
)
from vdc.errors import InputError, RunIncomplete
from vdc.llm.fake_server import FakeServer, FakeServerConfig
from vdc.records import changed_files, read_record
from vdc.sections import SECTIONS

pytestmark = pytest.mark.usefixtures("plots_left_out")

ALL = VIDEOS * len(SECTIONS) * QUESTIONS

SECRET = "sk-do-not-show-this-0123456789"


def test_it_is_chosen_and_said_where_no_server_is_named(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["score", str(world.predictions), "--benchmark", str(world.benchmark)]
    assert exit_of([*arguments, "--out", str(world.folder / "run")]) == 0
    said = capsys.readouterr()
    assert "the offline judge lexical is used" in said.err
    assert "not comparable with LLM-judged numbers" in said.err
    assert "short" in said.out
    report = json.loads((world.folder / "run" / "report.json").read_text(encoding="utf-8"))
    assert report["judge"]["kind"] == "lexical"


def test_a_dry_run_says_that_this_judge_makes_no_calls(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert exit_of(["score", str(world.predictions), "--benchmark", str(world.benchmark), "--dry-run"]) == 0
    said = capsys.readouterr()
    assert "0 (this judge makes none)" in said.out
    assert "price" not in said.out
    assert "the offline judge lexical is used" in said.err


def test_nothing_is_said_of_choosing_where_it_was_named(
    world: World, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VDC_JUDGE", "lexical")
    arguments = ["score", str(world.predictions), "--benchmark", str(world.benchmark)]
    assert exit_of([*arguments, "--out", str(world.folder / "run")]) == 0
    assert "offline judge lexical is used" not in capsys.readouterr().err


def test_its_numbers_are_marked_wherever_they_are_kept(world: World) -> None:
    run = world.scored(judge="lexical")
    mark = "not comparable with LLM-judged numbers"
    assert run.report["judge"]["comparable"] is False
    assert any(mark in warning for warning in run.report["warnings"])
    assert mark in (run.folder / "report.md").read_text(encoding="utf-8")
    assert read_record(run.folder)["judge"]["comparable"] is False


def test_an_address_in_the_environment_chooses_the_server(
    world: World, server: FakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
    assert world.scored().report["judge"]["kind"] == "openai"


def test_a_replayed_run_has_the_same_numbers_and_asks_nobody(world: World, server: FakeServer) -> None:
    first = world.judged(server)
    asked = server.stats.requests
    again = world.scored("again", judge="recorded", verdicts=first.folder)
    assert results(again.report) == results(first.report)
    assert again.report["judge"]["kind"] == "recorded"
    assert again.report["judge"]["comparable"] is True
    assert again.report["judge"]["recorded_from"]["model"] == "fake"
    assert again.report["prompts"] == first.report["prompts"]
    assert server.stats.requests == asked


def test_verdicts_about_other_captions_are_not_replayed(world: World, server: FakeServer) -> None:
    first = world.judged(server)
    others = write_predictions(world.folder / "others.jsonl", captions={("v0", "short"): "Another."})
    with pytest.raises(InputError, match="another file of captions"):
        world.scored("again", judge="recorded", verdicts=first.folder, predictions=others)
    assert not (world.folder / "again").exists()


def test_a_bare_table_of_verdicts_is_not_called_comparable(world: World, server: FakeServer) -> None:
    table = world.folder / "table.parquet"
    table.write_bytes((world.judged(server).folder / "verdicts.parquet").read_bytes())
    assert world.scored("again", judge="recorded", verdicts=table).report["judge"]["comparable"] is False


def test_a_part_that_was_not_judged_leaves_the_run_incomplete(world: World, server: FakeServer) -> None:
    first = world.judged(server, limit=2)
    with pytest.raises(RunIncomplete, match="complete run of the same captions"):
        world.scored("again", judge="recorded", verdicts=first.folder)


def test_the_hash_chain_covers_every_file(world: World, server: FakeServer) -> None:
    folder = world.judged(server).folder
    record = read_record(folder)
    files = snapshot(folder)
    assert [link["file"] for link in record["files"]] == sorted(set(files) - {"run.json"})
    previous = ""
    for link in record["files"]:
        digest = hashlib.sha256(files[link["file"]]).hexdigest()
        previous = hashlib.sha256(f"{previous}\n{link['file']}\n{digest}".encode()).hexdigest()
        assert (link["sha256"], link["chain"]) == (digest, previous)


@pytest.mark.parametrize("name", ["report.json", "report.md", "verdicts.parquet"])
def test_a_changed_file_shows(world: World, name: str) -> None:
    folder = world.scored(judge="lexical").folder
    path = folder / name
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    assert changed_files(folder, read_record(folder)) == [name]


def test_it_says_what_the_numbers_were_made_of(world: World, server: FakeServer) -> None:
    record = read_record(world.judged(server).folder)
    assert record["predictions"] == {
        "name": "captions.jsonl",
        "format": "jsonl",
        "sha256": hashlib.sha256(world.predictions.read_bytes()).hexdigest(),
    }
    assert record["benchmark"]["files"]["short.jsonl"] == (
        hashlib.sha256((world.benchmark / "short.jsonl").read_bytes()).hexdigest()
    )
    assert record["protocols"] == {name: protocol.version for name, protocol in PROTOCOLS.items()}
    assert record["judge"]["sampling"] == {"temperature": 0.0, "max_tokens": 256, "top_p": None, "seed": 0}
    assert record["judge"]["server"]["structured_output"] == "honoured"
    assert record["tool"]["version"]
    assert record["started"].endswith("+00:00")


def test_no_key_host_or_folder_reaches_a_file(
    world: World, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("VDC_API_KEY", SECRET)
    with FakeServer(config=FakeServerConfig(api_key=SECRET)) as server:
        folder = world.judged(server).folder
        port = str(server.port)
    texts = {name: data.decode("utf-8", "replace") for name, data in snapshot(folder).items()}
    texts["verdicts.parquet"] = pd.read_parquet(folder / "verdicts.parquet").to_csv()
    for text in (*texts.values(), *capfd.readouterr()):
        assert SECRET not in text
    for name, text in texts.items():
        for private in (socket.gethostname(), "127.0.0.1", f":{port}", str(world.folder), str(Path.home())):
            assert private not in text, name
