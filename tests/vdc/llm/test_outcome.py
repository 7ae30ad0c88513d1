from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from vdc.llm.outcome import parse_retry_after, read_error, read_reply

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def completion(**message: object) -> bytes:
    return json.dumps({"choices": [{"message": {"role": "assistant", **message}}]}).encode()


@pytest.mark.parametrize(
    ("content", "text"),
    [
        pytest.param(completion(content="yes"), "yes", id="text"),
        pytest.param(completion(content=None, reasoning="hm"), "", id="null of a reasoning model"),
        pytest.param(completion(reasoning_content="hm"), "", id="no content at all"),
        pytest.param(
            completion(content=[{"type": "text", "text": "ye"}, {"type": "text", "text": "s"}]), "yes", id="parts"
        ),
        pytest.param(
            completion(content=[{"type": "image"}, {"type": "text", "text": None}]), "", id="parts without text"
        ),
        pytest.param(completion(content="a\ud800b"), "a\ufffdb", id="lone surrogate"),
    ],
)
def test_text_of_a_completion(content: bytes, text: str) -> None:
    outcome = read_reply(content)
    assert (outcome.kind, outcome.text) == ("ok", text)


def test_everything_else_a_completion_says_is_kept() -> None:
    body = {
        "model": "judge-q4",
        "system_fingerprint": "fp_1",
        "choices": [{"message": {"content": "x"}, "finish_reason": "length"}],
        "usage": {"prompt_tokens": 11, "completion_tokens": 3},
    }
    outcome = read_reply(json.dumps(body).encode())
    assert (outcome.server_model, outcome.fingerprint, outcome.finish_reason) == ("judge-q4", "fp_1", "length")
    assert (outcome.input_tokens, outcome.output_tokens) == (11, 3)


@pytest.mark.parametrize("usage", [None, {}, {"prompt_tokens": "7"}, {"prompt_tokens": -1}, {"prompt_tokens": 10**30}])
def test_uncounted_or_absurd_tokens_are_unknown(usage: object) -> None:
    body = {"choices": [{"message": {"content": "x"}}], "usage": usage}
    assert read_reply(json.dumps(body).encode()).input_tokens is None


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<html>Bad Gateway</html>",
        b'{"choices": [{"mess',
        b"[]",
        b"null",
        b"7",
        b'{"choices": []}',
        b'{"choices": null}',
        b'{"choices": [{"message": null}]}',
        b'{"choices": [{"message": {"content": 7}}]}',
        b'{"choices": [{"message": {"content": ["x"]}}]}',
        b'{"error": {"message": "upstream"}}',
        b"\xff\xfe\x00",
        b"[" * 100_000,
    ],
)
def test_status_200_without_a_completion_is_tried_again(content: bytes) -> None:
    outcome = read_reply(content)
    assert outcome.kind == "retry"
    assert outcome.error
    assert len(outcome.error) < 500


@pytest.mark.parametrize(
    ("status", "kind", "congested"),
    [
        (204, "retry", False),
        (301, "run_failed", False),
        (400, "call_failed", False),
        (401, "run_failed", False),
        (402, "run_failed", False),
        (403, "run_failed", False),
        (404, "run_failed", False),
        (408, "retry", False),
        (409, "retry", False),
        (413, "call_failed", False),
        (418, "call_failed", False),
        (422, "call_failed", False),
        (429, "retry", True),
        (500, "retry", False),
        (502, "retry", False),
        (503, "retry", True),
        (504, "retry", False),
        (529, "retry", True),
    ],
)
def test_statuses(status: int, kind: str, congested: bool) -> None:
    outcome, _ = read_error(status, {}, b'{"error": {"message": "words"}}')
    assert (outcome.kind, outcome.congested) == (kind, congested)


def test_exhausted_quota_ends_the_run_though_it_has_the_status_of_a_rate_limit() -> None:
    content = b'{"error": {"message": "You exceeded your current quota", "code": "insufficient_quota"}}'
    outcome, _ = read_error(429, {}, content)
    assert outcome.kind == "run_failed"
    assert "credit" in outcome.error


@pytest.mark.parametrize("status", [401, 403])
def test_refused_key_is_not_repeated_from_the_servers_words(status: int) -> None:
    outcome, _ = read_error(status, {}, b'{"error": {"message": "Incorrect API key provided: sk-ab***yz"}}')
    assert "sk-ab" not in outcome.error
    assert "VDC_API_KEY" in outcome.error


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'{"error": {"message": "too hot", "code": "oven"}}', "too hot (oven)"),
        (b'{"error": "too hot"}', "too hot"),
        (b'{"detail": [{"loc": ["body", "seed"], "msg": "extra"}]}', "extra"),
        (b'{"message": "too hot"}', "too hot"),
        (b"plain\n\ttext \x1b[31m", "plain text [31m"),
        (b"", "status 400"),
    ],
)
def test_error_is_told_in_the_servers_words_on_one_line(content: bytes, words: str) -> None:
    outcome, _ = read_error(400, {}, content)
    assert words in outcome.error
    assert "\n" not in outcome.error
    assert "\x1b" not in outcome.error


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("2", 2.0),
        ("0.5", 0.5),
        ("-3", 0.0),
        ("Fri, 02 Jan 2026 03:04:35 GMT", 30.0),
        ("Fri, 02 Jan 2026 03:04:00 GMT", 0.0),
        ("Fri, 02 Jan 2026 03:04:35 -0000", 30.0),
        ("soon", None),
        ("", None),
        ("nan", None),
        ("inf", None),
        ("1e999", None),
    ],
)
def test_retry_after(value: str | None, seconds: float | None) -> None:
    assert parse_retry_after(value, NOW) == seconds
