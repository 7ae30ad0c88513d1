from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.vdc.llm.conversations import ask_server, question
from vdc.llm.batch import batch_line, import_batch, write_batch
from vdc.llm.fake_server import FakeServer, default_reply
from vdc.llm.store import ReplyStore
from vdc.llm.types import Reply

REQUESTS = [question(number, schema=number % 2 == 0) for number in range(10)]


def answer(line: dict[str, Any]) -> dict[str, Any]:
    """The output line of a batch endpoint for an input line."""
    completion = {
        "model": line["body"]["model"],
        "choices": [{"message": {"content": default_reply(line["body"])}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 5, "completion_tokens": 2},
    }
    response = {"status_code": 200, "request_id": "r", "body": completion}
    return {"id": "batch_1", "custom_id": line["custom_id"], "response": response, "error": None}


def write_lines(path: Path, lines: list[Any]) -> Path:
    path.write_text("".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines))
    return path


def read_lines(paths: tuple[Path, ...]) -> list[dict[str, Any]]:
    return [json.loads(line) for path in paths for line in path.read_text().splitlines()]


def test_batch_and_online_calls_give_the_same_replies_and_know_of_each_other(store: ReplyStore, tmp_path: Path) -> None:
    files = write_batch(REQUESTS, tmp_path / "batch")
    output = write_lines(tmp_path / "output.jsonl", [answer(line) for line in read_lines(files.paths)])
    result = import_batch([output], store, REQUESTS)
    assert (result.stored, result.already, result.errors, result.unknown, result.problems) == (10, 0, 0, 0, ())
    with FakeServer() as server:
        replies, stats = ask_server(server, store, REQUESTS)
        assert stats.made == 0
        with ReplyStore(tmp_path / "other.sqlite") as other:
            online, _ = ask_server(server, other, REQUESTS)
        sent = {json.dumps(body, sort_keys=True) for body in server.log}
    assert [reply.text for reply in replies] == [reply.text for reply in online]
    assert {json.dumps(line["body"], sort_keys=True) for line in read_lines(files.paths)} == sent
    assert store.info().models[0].input_tokens == 50


def test_line_has_the_form_that_batch_endpoints_take() -> None:
    line = batch_line(REQUESTS[0])
    assert set(line) == {"custom_id", "method", "url", "body"}
    assert (line["custom_id"], line["method"], line["url"]) == (REQUESTS[0].key(), "POST", "/v1/chat/completions")
    assert len(line["custom_id"]) <= 64


def test_requests_are_written_once_in_files_of_limited_length_and_without_those_stored(
    store: ReplyStore, tmp_path: Path
) -> None:
    store.put(REQUESTS[0], Reply(REQUESTS[0].key(), "ok", "known"))
    files = write_batch([*REQUESTS, *REQUESTS[:3]], tmp_path, store=store, requests_per_file=4)
    assert [path.name for path in files.paths] == [f"requests-{number:04}.jsonl" for number in (1, 2, 3)]
    assert (files.requests, files.from_store, files.repeated) == (9, 1, 3)
    assert [line["custom_id"] for line in read_lines(files.paths)] == [request.key() for request in REQUESTS[1:]]
    assert sorted(path.name for path in tmp_path.iterdir() if path.suffix == ".part") == []


def test_nothing_to_ask_writes_no_file(tmp_path: Path) -> None:
    assert write_batch([], tmp_path / "batch").paths == ()


def test_importing_twice_changes_nothing(store: ReplyStore, tmp_path: Path) -> None:
    output = write_lines(tmp_path / "output.jsonl", [answer(batch_line(request)) for request in REQUESTS])
    import_batch([output], store)
    again = import_batch([output, output], store)
    assert (again.stored, again.already) == (0, 20)
    assert store.info().replies == 10


ERRORS = {
    "expired": lambda line: {**line, "response": None, "error": {"code": "batch_expired", "message": "late"}},
    "status 500": lambda line: {**line, "response": {"status_code": 500, "body": {"error": {"message": "x"}}}},
    "no completion": lambda line: {**line, "response": {"status_code": 200, "body": {"choices": []}}},
    "vllm": lambda line: {**line, "response": {"status_code": 400, "request_id": "r", "body": None}, "error": "bad"},
}


@pytest.mark.parametrize("spoil", ERRORS.values(), ids=ERRORS.keys())
def test_line_that_is_an_error_is_counted_and_stays_open(spoil: Any, store: ReplyStore, tmp_path: Path) -> None:
    lines = [answer(batch_line(request)) for request in REQUESTS[:2]]
    output = write_lines(tmp_path / "output.jsonl", [spoil(lines[0]), lines[1]])
    result = import_batch([output], store)
    assert (result.stored, result.errors) == (1, 1)
    assert store.get(REQUESTS[0].key()) is None


def test_replies_to_other_requests_are_counted_and_not_stored(store: ReplyStore, tmp_path: Path) -> None:
    output = write_lines(tmp_path / "output.jsonl", [answer(batch_line(request)) for request in REQUESTS])
    result = import_batch([output], store, REQUESTS[:4])
    assert (result.stored, result.unknown) == (4, 6)


def test_lines_that_are_no_replies_are_problems_with_their_numbers_and_cost_nothing_else(
    store: ReplyStore, tmp_path: Path
) -> None:
    good = [answer(batch_line(request)) for request in REQUESTS[:3]]
    lines = [good[0], "{cut", good[1], batch_line(REQUESTS[5]), {"custom_id": "x", "response": {}}, "[1]", "", good[2]]
    output = write_lines(tmp_path / "output.jsonl", lines)
    result = import_batch([output], store)
    assert result.stored == 3
    assert sorted(problem.where.rsplit(":", 1)[1] for problem in result.problems) == ["2", "4", "5", "6"]
