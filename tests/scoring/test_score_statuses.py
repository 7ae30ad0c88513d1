"""Missing, empty, unparsed, failed and wrong are five things, in the verdicts and in the report; so are gaps."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from scoring.captions import MAX_CAPTION_CHARACTERS
from tests.scoring.small_world import (
    NO,
    QUESTIONS,
    VIDEOS,
    YES,
    PartlyBrokenServer,
    World,
    always,
    make_world,
    step_of,
    verdicts_by,
)
from vdc.errors import RunIncomplete
from vdc.llm.fake_server import GARBAGE, FakeServer
from vdc.sections import SECTIONS

pytestmark = pytest.mark.usefixtures("plots_left_out")

ALL = VIDEOS * len(SECTIONS) * QUESTIONS


def statuses(verdicts: pd.DataFrame) -> dict[str, int]:
    return {str(name): int(count) for name, count in verdicts["status"].value_counts().items()}


@pytest.fixture
def world(tmp_path: Path) -> World:
    """One section: v0 is judged, v1 has no caption, v2 an empty one, v3 confuses the judge, v4 breaks the calls."""
    captions = {("v1", "short"): None, ("v2", "short"): " \n"}
    return make_world(tmp_path, videos=5, sections=["short"], captions=captions)


def test_missing_empty_unparsed_and_wrong_are_told_apart(world: World) -> None:
    def rule(asked: str, _: str) -> str:
        return GARBAGE if " v3 " in asked else NO

    with FakeServer(verdicts_by(rule)) as server:
        run = world.judged(server)
    by_video = run.verdicts.groupby("video_id")["status"].agg(lambda found: ",".join(sorted(set(found)))).to_dict()
    assert by_video == {"v0": "judged", "v1": "missing", "v2": "empty", "v3": "unparsed", "v4": "judged"}
    section = run.report["sections"]["short"]
    assert {name: section[name] for name in ("unparsed", "failed", "missing", "empty")} == {
        "unparsed": 2,
        "failed": 0,
        "missing": 2,
        "empty": 2,
    }
    assert (section["videos"], section["questions"], section["accuracy"]) == (5, 10, 0.0)
    assert (run.report["coverage"]["missing"], run.report["coverage"]["empty"]) == (1, 1)
    unjudged = run.verdicts[run.verdicts["status"] != "judged"]
    assert unjudged["match"].isna().all()
    assert unjudged["score"].isna().all()


def test_a_failed_call_is_a_fifth_thing(world: World) -> None:
    with PartlyBrokenServer(" of v4 ", 500, always(NO)) as server, pytest.MonkeyPatch.context() as patched:
        patched.setattr("vdc.llm.patience.BACKOFF_S", 0.001)
        with pytest.raises(RunIncomplete):
            world.judged(server)
    verdicts = pd.read_parquet(world.folder / "run" / "verdicts.parquet")
    assert statuses(verdicts) == {"judged": 4, "missing": 2, "empty": 2, "failed": 2}
    failed = verdicts[verdicts["status"] == "failed"]
    assert set(failed["video_id"]) == {"v4"}
    assert failed["raw"].isna().all()
    assert failed["error"].str.contains("status 500").all()
    report = json.loads((world.folder / "run" / "report.json").read_text(encoding="utf-8"))
    assert report["incomplete"] is True
    assert report["sections"]["short"]["failed"] == 2


def test_no_call_is_made_for_missing_and_empty_captions(world: World, server: FakeServer) -> None:
    world.judged(server)
    assert server.stats.requests == 2 * 3 * QUESTIONS


def test_missing_captions_count_as_wrong_in_strict_alone(world: World) -> None:
    with FakeServer(always(YES)) as server:
        protocols = world.judged(server).report["protocols"]
    accuracy = {name: part["sections"]["short"]["accuracy"] for name, part in protocols.items()}
    assert accuracy["strict"] == accuracy["observed"] == pytest.approx(3 / 5)
    assert accuracy["official"] == 1.0
    assert accuracy["lmms_eval"] == pytest.approx(3 / 4)


def test_a_caption_of_a_video_without_questions_is_known_but_not_scored(tmp_path: Path, server: FakeServer) -> None:
    gaps = [("v0", "main_object"), ("v2", "main_object")]
    report = make_world(tmp_path, without=gaps).judged(server).report
    assert report["coverage"]["without_questions"] == 2
    assert report["coverage"]["unknown"] == 0
    assert (report["coverage"]["captions"], report["coverage"]["expected"]) == (15, 13)
    assert report["coverage"]["missing"] == 0
    assert report["sections"]["main_object"]["videos"] == VIDEOS - 2
    assert report["sections"]["camera"]["videos"] == VIDEOS
    assert any("main_object: 2 videos" in note for note in report["notes"])


def test_the_last_of_two_lines_of_a_video_counts_and_is_noted(tmp_path: Path, server: FakeServer) -> None:
    world = make_world(tmp_path, sections=["short"])
    path = world.benchmark / "short.jsonl"
    again = json.dumps({"v1": [{"question": "Only this?", "answer": "yes", "category": "x"}]})
    path.write_text(path.read_text(encoding="utf-8") + again + "\n", encoding="utf-8")
    run = world.judged(server)
    assert list(run.verdicts.loc[run.verdicts["video_id"] == "v1", "question"]) == ["Only this?"]
    assert any("last line was used" in note for note in run.report["notes"])


def test_a_caption_over_the_stated_length_is_cut_counted_and_flagged(tmp_path: Path, server: FakeServer) -> None:
    captions = {("v0", "short"): "word " * MAX_CAPTION_CHARACTERS}
    world = make_world(tmp_path, sections=["short"], captions=captions)
    run = world.judged(server)
    assert run.report["coverage"]["cut"] == 1
    assert run.report["suspicious"]["by_reason"]["too_long"] == 1
    longest = max(len(body["messages"][-1]["content"]) for body in server.log)
    assert MAX_CAPTION_CHARACTERS - 10 < longest < MAX_CAPTION_CHARACTERS + 1000


@pytest.mark.parametrize("said", ["", " \n", "<think>The caption speaks of", "at length</think>"])
def test_blank_answers_are_counted_and_the_reader_is_warned(tmp_path: Path, said: str) -> None:
    with FakeServer(lambda body: said if step_of(body) == "answer" else NO) as server:
        run = make_world(tmp_path).judged(server)
    assert set(run.verdicts["answer"]) == {""}
    assert run.report["blank_answers"] == ALL
    assert any("blank" in warning and "--max-tokens" in warning for warning in run.report["warnings"])


@pytest.mark.parametrize("said", ["a dog", "<think>Hm.</think>\n\na dog", "Hm, a cat?</think>a dog"])
def test_the_reasoning_before_an_answer_is_no_part_of_it(tmp_path: Path, said: str) -> None:
    with FakeServer(lambda body: said if step_of(body) == "answer" else NO) as server:
        run = make_world(tmp_path).judged(server)
    assert set(run.verdicts["answer"]) == {"a dog"}
    assert run.report["blank_answers"] == 0
    assert not any("blank" in warning for warning in run.report["warnings"])
