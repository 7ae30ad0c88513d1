"""``vdc score`` end to end: the report's contract, what is scored, and how repetitions lie apart."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from scoring.protocols.rules import PROTOCOLS
from tests.scoring.small_world import (
    NO,
    QUESTIONS,
    VIDEOS,
    YES,
    World,
    always,
    exit_of,
    question,
    verdicts_by,
    write_predictions,
)
from vdc.errors import InputError, RunIncomplete
from vdc.llm.fake_server import FakeServer, FakeServerConfig
from vdc.sections import SECTIONS

pytestmark = pytest.mark.usefixtures("plots_left_out")

ALL = VIDEOS * len(SECTIONS) * QUESTIONS


def test_every_part_of_the_contract_is_there_with_its_type(world: World, server: FakeServer) -> None:
    run = world.judged(server)
    report = json.loads((run.folder / "report.json").read_text(encoding="utf-8"))
    assert report == run.report
    assert report["schema_version"] == 1
    assert len(report["run_id"]) == 16
    assert report["judge"] | {"kind": "openai", "model": "fake", "comparable": True} == report["judge"]
    assert report["prompts"]["name"] == "vdc-1"
    assert len(report["prompts"]["sha256"]) == 64
    assert report["benchmark"]["name"] == "benchmark"
    assert (report["benchmark"]["videos"], report["benchmark"]["questions"]) == (VIDEOS, ALL)
    assert report["coverage"] == {
        "captions": 15,
        "expected": 15,
        **dict.fromkeys(("missing", "unknown", "duplicates", "without_questions", "empty", "cut", "neutralised"), 0),
    }
    assert tuple(report["sections"]) == SECTIONS
    for part in (*report["sections"].values(), report["average"]):
        assert 0 <= part["accuracy"] <= 1
        assert 0 <= part["score"] <= 5
        for metric in ("accuracy", "score"):
            low, high = part[f"{metric}_ci95"]
            assert low <= part[metric] <= high
    for part in report["sections"].values():
        assert (part["videos"], part["questions"], part["unparsed"], part["failed"]) == (VIDEOS, 2 * VIDEOS, 0, 0)
    assert set(report["protocols"]) == set(PROTOCOLS)
    for part in report["protocols"].values():
        assert {"average", "sections", "dropped_videos"} <= set(part)
    assert {name: type(value) for name, value in report["calls"].items()} | dict.fromkeys(
        ("made", "from_store", "retries", "input_tokens", "output_tokens"), int
    ) == {name: type(value) for name, value in report["calls"].items()}
    assert report["elapsed_s"] > 0
    assert report["incomplete"] is False


def test_the_average_is_the_mean_of_the_five_sections(world: World, server: FakeServer) -> None:
    report = world.judged(server).report
    for metric in ("accuracy", "score"):
        values = [report["sections"][section][metric] for section in SECTIONS]
        assert report["average"][metric] == pytest.approx(sum(values) / 5)


def test_every_question_has_a_row_with_everything_said(world: World, server: FakeServer) -> None:
    verdicts = pd.read_parquet(world.judged(server).folder / "verdicts.parquet")
    assert len(verdicts) == ALL
    assert not verdicts.duplicated(["video_id", "section", "question_index"]).any()
    first = verdicts.iloc[0]
    assert (first["video_id"], first["section"], first["question_index"]) == ("v0", "short", 0)
    assert first["question"] == question("v0", "short", 0)
    assert first["gold"] == "fact 0"
    assert first["answer"].startswith("answer ")
    assert json.loads(first["raw"])["score"] == first["score"]
    assert {len(key) for name in ("answer_key", "match_key") for key in verdicts[name]} == {40}


def test_numbers_follow_from_the_verdicts_by_hand(world: World) -> None:
    # v0 has both facts right, v1 the first one, v2 none: 1, 1/2, 0.
    def rule(asked: str, _: str) -> str:
        return YES if " v0 " in asked or ("fact 0" in asked and " v1 " in asked) else NO

    with FakeServer(verdicts_by(rule)) as server:
        report = world.judged(server).report
    for section in report["sections"].values():
        assert section["accuracy"] == pytest.approx(0.5)
        assert section["score"] == pytest.approx(2.5)
    official = report["protocols"]["official"]
    assert official["average"]["accuracy"] == pytest.approx(0.75)
    assert official["dropped_videos"] == 5
    assert report["score_histogram"]["questions"]["short"] == [3, 0, 0, 0, 0, 3]


def test_people_find_the_same_numbers_in_the_markdown(world: World) -> None:
    with FakeServer(always(YES)) as server:
        run = world.judged(server)
    text = (run.folder / "report.md").read_text(encoding="utf-8")
    assert "Accuracy 100.0 %" in text
    for name in PROTOCOLS:
        assert f"`{name}`" in text


def test_a_run_without_pictures_is_whole_and_gets_them_with_its_next_report(world: World, server: FakeServer) -> None:
    from scoring.report.folder import remake_report
    from vdc.records import changed_files, read_record

    run = world.judged(server, plots=False)
    files = {path.name for path in run.folder.iterdir()}
    assert files == {"report.json", "report.md", "run.json", "verdicts.parquet"}
    assert "![" not in (run.folder / "report.md").read_text()
    assert changed_files(run.folder, read_record(run.folder)) == []
    assert remake_report(run.folder) == run.report
    assert len(list((run.folder / "plots").glob("*.png"))) == 3


def test_the_sections_of_the_file_are_scored(world: World, server: FakeServer) -> None:
    some = write_predictions(world.folder / "some.jsonl", sections=["camera", "short"])
    report = world.judged(server, predictions=some).report
    assert tuple(report["sections"]) == ("short", "camera")
    assert report["benchmark"]["questions"] == 2 * VIDEOS * QUESTIONS


@pytest.mark.parametrize("count", [1, 4])
def test_without_all_five_sections_there_is_no_average(world: World, server: FakeServer, count: int) -> None:
    report = world.judged(server, sections=SECTIONS[:count]).report
    assert set(report["average"].values()) == {None}
    assert {value for part in report["protocols"].values() for value in part["average"].values()} == {None}
    assert any("No average" in warning for warning in report["warnings"])


def test_named_sections_alone_are_scored_and_aliases_are_understood(world: World, server: FakeServer) -> None:
    report = world.judged(server, sections=["object"]).report
    assert tuple(report["sections"]) == ("main_object",)


def test_a_section_the_file_lacks_is_refused(world: World, server: FakeServer) -> None:
    some = write_predictions(world.folder / "some.jsonl", sections=["camera"])
    with pytest.raises(InputError, match="the file has no caption for"):
        world.judged(server, predictions=some, sections=["camera", "short"])
    assert server.stats.requests == 0


def test_one_section_names_the_section_of_a_file_without(world: World, server: FakeServer) -> None:
    path = world.folder / "plain.jsonl"
    path.write_text(json.dumps({"video_id": "v1.mp4", "caption": "A fact."}) + "\n", encoding="utf-8")
    report = world.judged(server, predictions=path, section="camera").report
    assert tuple(report["sections"]) == ("camera",)
    assert report["coverage"]["missing"] == VIDEOS - 1


def test_a_limit_is_another_run_and_says_so(world: World, server: FakeServer) -> None:
    whole = world.judged(server, "whole").report
    part = world.judged(server, "part", limit=2).report
    assert part["benchmark"]["limit"] == 2
    assert (part["benchmark"]["videos"], part["benchmark"]["questions"]) == (2, 2 * 5 * QUESTIONS)
    assert part["coverage"]["expected"] == part["coverage"]["captions"] == 10
    assert part["run_id"] != whole["run_id"]
    assert any("Only the first 2 videos" in warning for warning in part["warnings"])
    assert any("first 2 videos" in note for note in part["notes"])
    assert part["calls"]["made"] == 0


@pytest.mark.parametrize("choice", [{"limit": 0}, {"limit": -1}, {"repeats": 0}, {"sections": ["shrot"]}])
def test_a_choice_that_cannot_be_is_refused(world: World, server: FakeServer, choice: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        world.judged(server, **choice)
    assert not (world.folder / "run").exists()


def test_without_out_the_folder_is_named_after_file_and_run(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(world.folder)
    run = world.scored(None, judge="lexical")
    assert run.folder == Path("runs") / f"captions-{run.report['run_id'][:8]}"
    assert (world.folder / run.folder / "report.json").is_file()


def test_the_one_model_of_the_server_needs_no_name(world: World) -> None:
    with FakeServer(config=FakeServerConfig(models=("only",))) as server:
        assert world.judged(server, model=None).report["judge"]["model"] == "only"


def test_a_server_of_several_models_is_asked_for_one_of_their_names(world: World) -> None:
    config = FakeServerConfig(models=("one", "two"))
    with FakeServer(config=config) as server, pytest.raises(InputError, match="one, two"):
        world.judged(server, model=None)


def test_every_repetition_is_asked_again_and_the_spread_is_shown(world: World) -> None:
    seen: dict[str, int] = {}

    def rule(asked: str, _: str) -> str:
        seen[asked] = seen.get(asked, 0) + 1
        return YES if seen[asked] == 2 else NO

    with FakeServer(verdicts_by(rule)) as server:
        run = world.judged(server, repeats=3, sampling="official")
    assert set(seen.values()) == {3}
    assert run.report["repeats"] == {
        "count": 3,
        "accuracy": {"values": [0.0, 1.0, 0.0], "standard_deviation": pytest.approx(3**-0.5)},
        "score": {"values": [0.0, 5.0, 0.0], "standard_deviation": pytest.approx(5 * 3**-0.5)},
        "verdicts_that_differ": 1.0,
    }
    assert run.report["average"]["accuracy"] == 0.0
    assert run.report["calls"]["made"] == 3 * 2 * ALL
    assert run.report["judge"]["sampling"]["temperature"] == 1.0
    assert (pd.read_parquet(run.folder / "verdicts-repeat-1.parquet")["score"] == 5).all()
    assert (pd.read_parquet(run.folder / "verdicts-repeat-2.parquet")["score"] == 0).all()


def test_repetitions_share_one_cost_limit(world: World, server: FakeServer) -> None:
    prices = {"price_in": 1.0, "price_out": 1.0}
    once = world.judged(server, "once", max_cost=100, **prices).report["calls"]["cost"]
    with pytest.raises(RunIncomplete, match="max-cost"):
        world.judged(server, "thrice", repeats=3, max_cost=1.5 * once, store=world.folder / "new.sqlite", **prices)


def test_the_command_shows_the_spread_of_repetitions(
    world: World, server: FakeServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_of(world.command(server, "run", "--repeats", "2")) == 0
    said = capsys.readouterr().out
    assert "judged 2 times; the numbers above are the first's" in said
    assert "standard deviation" in said


def test_the_command_prints_a_table_or_the_report_and_keeps_progress_apart(
    world: World, server: FakeServer, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_of(world.command(server)) == 0
    said = capsys.readouterr()
    assert f"report: {world.folder / 'run' / 'report.md'}" in said.out
    assert f"{ALL}/{ALL} questions (100 %)" in said.err
    assert exit_of(world.command(server, "run", "--json")) == 0
    written = (world.folder / "run" / "report.json").read_text(encoding="utf-8")
    assert json.loads(capsys.readouterr().out) == json.loads(written)
