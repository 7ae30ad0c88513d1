"""A verdict is one number however a judge spells it, and what is no verdict is counted, not guessed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.scoring.small_world import YES, World, always, make_world, verdicts_by
from vdc.llm.fake_server import FakeServer, FakeServerConfig

pytestmark = pytest.mark.usefixtures("plots_left_out")

QUESTIONS = 4

YES_AND_FOUR = {
    "Python dict": "{'pred': 'yes', 'score': 4}",
    "JSON": '{"pred": "yes", "score": 4}',
    "pretty": '{\n    "pred": "yes",\n    "score": 4\n}',
    "fenced": '```json\n{"pred": "yes", "score": 4}\n```',
    "fenced without language": "```\n{'pred': 'yes', 'score': 4}\n```",
    "prose around": "Here is my verdict: {'pred': 'yes', 'score': 4} I hope this helps!",
    "trailing note": "{'pred': 'yes', 'score': 4}\n\nNote: the answers agree in every detail.",
    "float": "{'pred': 'yes', 'score': 4.0}",
    "score as text": '{"pred": "yes", "score": "4"}',
    "capitals": "{'pred': 'YES', 'score': 4}",
    "capital and full stop": "{'pred': 'Yes.', 'score': 4}",
    "upper-case keys": '{"PRED": "yes", "SCORE": 4}',
    "JSON true": '{"pred": true, "score": 4}',
    "Python True": "{'pred': True, 'score': 4}",
    "in words": "Yes, 4/5",
    "smart quotes": "{“pred”: “yes”, “score”: 4}",
    "thinking before": "<think>At first I would say no, 1.</think>\n{'pred': 'yes', 'score': 4}",
    "assignment": "result = {'pred': 'yes', 'score': 4}",
    "two lines": "pred: yes\nscore: 4",
}

NO_VERDICT = {
    "above the range": "{'pred': 'yes', 'score': 6}",
    "below the range": "{'pred': 'yes', 'score': -1}",
    "not a number": "{'pred': 'yes', 'score': NaN}",
    "not a number in quotes": '{"pred": "yes", "score": "nan"}',
    "too large for a float": "{'pred': 'yes', 'score': 1e999}",
    "no score": "{'pred': 'yes'}",
    "no yes or no": "{'score': 4}",
    "empty": "",
    "nested too deep": '{"a":' * 50 + '{"pred": "yes", "score": 4}' + "}" * 50,
    "nested a hundred thousand times": "{" * 100_000,
    "prose alone": "The two answers seem to be about different things.",
    "yes and no": "{'pred': 'yes', 'score': 4} {'pred': 'no', 'score': 0}",
    "code": "{'pred': 'yes', 'score': len('four')}",
    "thinking that never ends": "<think>{'pred': 'yes', 'score': 4}",
}


@pytest.fixture
def world(tmp_path: Path) -> World:
    return make_world(tmp_path, videos=2, questions=2, sections=["short"])


@pytest.mark.parametrize("spelling", YES_AND_FOUR.values(), ids=YES_AND_FOUR)
def test_every_spelling_of_a_verdict_is_the_same_number(world: World, spelling: str) -> None:
    with FakeServer(always(spelling)) as server:
        run = world.judged(server)
        assert server.stats.requests == 2 * QUESTIONS
    section = run.report["sections"]["short"]
    assert (section["accuracy"], section["score"], section["unparsed"]) == (1.0, 4.0, 0)
    assert set(run.verdicts["raw"]) == {spelling}


@pytest.mark.parametrize("text", NO_VERDICT.values(), ids=NO_VERDICT)
def test_what_is_no_verdict_is_unparsed_and_counts_as_wrong(world: World, text: str) -> None:
    with FakeServer(always(text)) as server:
        run = world.judged(server)
        assert server.stats.requests == 3 * QUESTIONS
    section = run.report["sections"]["short"]
    assert set(run.verdicts["status"]) == {"unparsed"}
    assert (section["unparsed"], section["failed"], section["videos"]) == (QUESTIONS, 0, 2)
    assert (section["accuracy"], section["score"]) == (0.0, 0.0)


def test_spellings_may_be_mixed_in_one_run(world: World) -> None:
    spellings = iter([*YES_AND_FOUR.values()][:QUESTIONS])
    with FakeServer(verdicts_by(lambda _, __: next(spellings))) as server:
        report = world.judged(server).report
    assert (report["sections"]["short"]["accuracy"], report["sections"]["short"]["score"]) == (1.0, 4.0)


@pytest.mark.parametrize("mode", ["honour", "ignore", "refuse"])
def test_servers_with_and_without_structured_output_give_the_same(world: World, mode: str) -> None:
    with FakeServer(always(YES), FakeServerConfig(response_format=mode)) as server:  # type: ignore[arg-type]
        report = world.judged(server).report
    assert (report["sections"]["short"]["accuracy"], report["sections"]["short"]["score"]) == (1.0, 5.0)


def test_the_same_question_twice_in_a_video_counts_twice(tmp_path: Path) -> None:
    world = make_world(tmp_path, videos=1, sections=["short"])
    facts = [{"question": text, "answer": "x", "category": "c"} for text in ("Same?", "Same?", "Other?")]
    (world.benchmark / "short.jsonl").write_text(json.dumps({"v0": facts}) + "\n", encoding="utf-8")
    with FakeServer(verdicts_by(lambda asked, _: YES if asked == "Same?" else "{'pred': 'no', 'score': 0}")) as server:
        run = world.judged(server)
        assert server.stats.requests == 6
    assert len(run.verdicts) == 3
    assert run.report["sections"]["short"]["accuracy"] == pytest.approx(2 / 3)
    assert run.verdicts["match_key"].is_unique
