"""Scoring through batch files: rounds of files out and in, and in the end the run that online calls would give."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from scoring.batch import BatchRound, score_batch
from scoring.options import JudgeOptions
from scoring.run_folder import Run
from tests.scoring.small_world import (
    QUESTIONS,
    VIDEOS,
    YES,
    World,
    exit_of,
    numbers,
    question_of,
    results,
    snapshot,
    verdicts_by,
    write_predictions,
)
from vdc.errors import InputError
from vdc.llm.fake_server import GARBAGE, FakeServer, default_reply
from vdc.records import changed_files, read_record
from vdc.sections import SECTIONS

pytestmark = pytest.mark.usefixtures("plots_left_out")

ALL = VIDEOS * len(SECTIONS) * QUESTIONS

ReplyTo = Callable[[dict[str, Any]], str]


def next_round(world: World, out: str = "run", **choices: Any) -> BatchRound | Run:
    options = JudgeOptions(judge="openai", model="fake", store=world.folder / f"{out}.sqlite")
    choices = {"benchmark": world.benchmark, "out": world.folder / out, "options": options, **choices}
    return score_batch(choices.pop("predictions", world.predictions), **choices)


def waiting(found: BatchRound | Run) -> BatchRound:
    assert isinstance(found, BatchRound)
    return found


def finished(found: BatchRound | Run) -> Run:
    assert isinstance(found, Run)
    return found


def reply_line(request: Mapping[str, Any], text: str) -> dict[str, Any]:
    """A line of a batch output file, as hosted endpoints and vLLM write it."""
    message = {"role": "assistant", "content": text}
    body = {
        "object": "chat.completion",
        "model": request["body"]["model"],
        "choices": [{"index": 0, "finish_reason": "stop", "message": message}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 5},
    }
    return {"id": "x", "custom_id": request["custom_id"], "response": {"status_code": 200, "body": body}, "error": None}


def error_line(request: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": "x",
        "custom_id": request["custom_id"],
        "response": {"status_code": 500, "body": {"error": {"message": "broken"}}},
        "error": None,
    }


def run_batch(
    found: BatchRound | Run, reply: ReplyTo = default_reply, failing: Callable[[int], bool] = lambda _: False
) -> None:
    """Does what a batch endpoint does: one output line per request, in another order."""
    for path in waiting(found).requests:
        requests = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        lines = [
            error_line(request) if failing(place) else reply_line(request, reply(request["body"]))
            for place, request in enumerate(requests)
        ]
        write_lines(path.with_name(path.name.replace("requests", "replies")), reversed(lines))


def write_lines(path: Path, lines: Iterable[Mapping[str, Any]]) -> None:
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


def test_two_rounds_give_the_run_that_online_calls_give(world: World) -> None:
    first = waiting(next_round(world))
    assert (first.waiting, first.imported, first.errors) == (ALL, 0, 0)
    run_batch(first)
    second = waiting(next_round(world))
    assert (second.waiting, second.imported, second.errors) == (ALL, ALL, 0)
    run_batch(second)
    run = finished(next_round(world))
    with FakeServer() as server:
        online = world.judged(server, "online")
    assert run.report["run_id"] == online.report["run_id"]
    assert results(run.report) == results(online.report)
    assert list(run.verdicts["raw"]) == list(online.verdicts["raw"])
    assert (run.report["calls"]["made"], run.report["calls"]["from_store"]) == (0, 2 * ALL)
    assert changed_files(run.folder, read_record(run.folder)) == []


def test_the_request_files_hold_the_calls_that_would_be_sent_online(world: World) -> None:
    with FakeServer() as server:
        world.judged(server, "online")
        sent = [json.dumps(body, sort_keys=True) for body in server.log]
    written = []
    for _ in range(2):
        found = waiting(next_round(world))
        for path in found.requests:
            lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
            assert {(line["method"], line["url"]) for line in lines} == {("POST", "/v1/chat/completions")}
            assert len({line["custom_id"] for line in lines}) == len(lines)
            written += [json.dumps(line["body"], sort_keys=True) for line in lines]
        run_batch(found)
    assert sorted(written) == sorted(sent)


def test_calls_that_failed_wait_again(world: World) -> None:
    first = waiting(next_round(world))
    run_batch(first, failing=lambda place: place < 4)
    second = waiting(next_round(world))
    assert (second.imported, second.errors) == (ALL - 4, 4)
    # those that have an answer wait for their verdict, the others for their answer
    assert second.waiting == ALL
    run_batch(second)
    third = waiting(next_round(world))
    assert third.waiting == 4
    run_batch(third)
    assert finished(next_round(world)).report["incomplete"] is False


def test_unreadable_verdicts_take_a_third_round(world: World) -> None:
    def rule(asked: str, step: str) -> str:
        if "fact 0 of v0" not in asked:
            return YES
        return YES if step == "retry" and "short" in asked else GARBAGE

    for expected in (ALL, ALL, len(SECTIONS)):
        found = waiting(next_round(world))
        assert found.waiting == expected
        run_batch(found, verdicts_by(rule))
    bodies = [json.loads(line)["body"] for line in found.requests[0].read_text(encoding="utf-8").splitlines()]
    assert all("fact 0 of v0" in question_of(body) for body in bodies)
    report = finished(next_round(world)).report
    unparsed = {name: section["unparsed"] for name, section in report["sections"].items()}
    assert unparsed == {"short": 0, "background": 1, "main_object": 1, "camera": 1, "detailed": 1}


def test_a_finished_batch_asks_for_nothing_more(world: World) -> None:
    for _ in range(2):
        run_batch(next_round(world))
    first = finished(next_round(world)).report
    again = finished(next_round(world)).report
    assert numbers(again) == numbers(first)


def test_no_round_is_needed_where_the_store_has_every_reply(world: World) -> None:
    with FakeServer() as server:
        online = world.judged(server, "online", store=world.folder / "run.sqlite").report
    assert results(finished(next_round(world)).report) == results(online)


def test_request_files_of_an_earlier_round_do_not_lie_about(world: World) -> None:
    first = waiting(next_round(world))
    stale = first.folder / "batch" / "requests-0002.jsonl"
    stale.write_text("{}\n", encoding="utf-8")
    run_batch(first)
    second = waiting(next_round(world))
    assert not stale.exists()
    assert [path.name for path in second.requests] == ["requests-0001.jsonl"]


@pytest.mark.parametrize(
    ("content", "found"),
    [
        pytest.param("hello\n", "no valid JSON", id="no JSON"),
        pytest.param('{"video_id": "v0", "caption": "x"}\n', "without a custom_id of ours", id="captions"),
        pytest.param('{"custom_id": "request-1", "response": {}}\n', "without a custom_id of ours", id="of others"),
    ],
)
def test_a_wrong_file_among_the_replies_is_named_and_the_good_ones_are_taken(
    world: World, capsys: pytest.CaptureFixture[str], content: str, found: str
) -> None:
    run_batch(next_round(world))
    wrong = world.folder / "run" / "batch" / "wrong.jsonl"
    wrong.write_text(content, encoding="utf-8")
    arguments = ["score", str(world.predictions), "--benchmark", str(world.benchmark), "--model", "fake", "--batch"]
    store = ["--store", str(world.folder / "run.sqlite")]
    assert exit_of([*arguments, *store, "--out", str(world.folder / "run")]) == 2
    said = capsys.readouterr().err
    assert f"{wrong}:1: found" in said
    assert found in said
    assert "the others were taken" in said
    wrong.unlink()
    assert waiting(next_round(world)).imported == 0


def test_the_request_file_among_the_replies_is_no_reply_file(world: World) -> None:
    first = waiting(next_round(world))
    (first.folder / "batch" / "copy.jsonl").write_bytes(first.requests[0].read_bytes())
    with pytest.raises(InputError, match="not the request file"):
        next_round(world)


def test_another_run_in_the_folder_is_refused(world: World) -> None:
    folder = world.scored("run", judge="lexical").folder
    before = snapshot(folder)
    with pytest.raises(InputError, match="another run"):
        next_round(world)
    assert snapshot(folder) == before


def test_other_captions_do_not_take_over_a_finished_batch(world: World) -> None:
    for _ in range(2):
        run_batch(next_round(world))
    folder = finished(next_round(world)).folder
    before = snapshot(folder)
    others = write_predictions(world.folder / "others.jsonl", captions={("v0", "short"): "Another."})
    with pytest.raises(InputError, match="another run"):
        next_round(world, predictions=others)
    assert snapshot(folder) == before


@pytest.mark.parametrize(
    ("more", "found"),
    [
        pytest.param(["--judge", "lexical"], "--batch with the judge lexical", id="judge without calls"),
        pytest.param(["--repeats", "3"], "--batch with --repeats 3", id="repeats"),
        pytest.param(["--max-cost", "1", "--price-in", "1"], "--batch with --max-cost", id="cost limit"),
    ],
)
def test_what_a_batch_cannot_do_is_refused(
    world: World, capsys: pytest.CaptureFixture[str], more: list[str], found: str
) -> None:
    arguments = ["score", str(world.predictions), "--benchmark", str(world.benchmark), "--model", "fake", "--batch"]
    assert exit_of([*arguments, "--out", str(world.folder / "run"), *more]) == 2
    assert found in capsys.readouterr().err
    assert not (world.folder / "run").exists()


def test_the_command_says_what_to_run_next(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["score", str(world.predictions), "--benchmark", str(world.benchmark), "--model", "fake", "--batch"]
    arguments += ["--out", str(world.folder / "run")]
    assert exit_of(arguments) == 0
    said = capsys.readouterr().out
    requests = world.folder / "run" / "batch" / "requests-0001.jsonl"
    assert f"{ALL} calls wait" in said
    assert f"vllm run-batch -i {requests} -o {requests.with_name('replies-0001.jsonl')}" in said
    assert "repeat the same vdc score command" in said
    assert exit_of([*arguments, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "state": "waiting",
        "folder": str(world.folder / "run"),
        "requests": [str(requests)],
        "waiting": ALL,
        "imported": 0,
        "errors": 0,
    }
