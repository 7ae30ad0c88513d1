"""What came of one attempt at a call, and how HTTP statuses and bodies are sorted into that."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final, Literal

from vdc.llm.types import replace_surrogates

OutcomeKind = Literal["ok", "retry", "call_failed", "run_failed"]
"""``retry``: try the call again. ``call_failed``: this call can never succeed. ``run_failed``: no call can."""

SHOWN_CHARACTERS: Final = 300
_RETRIED_STATUSES: Final = frozenset({408, 409, 425, 429})
_CONGESTED_STATUSES: Final = frozenset({429, 503, 529})
_RUN_STATUSES: Final = frozenset({301, 302, 303, 307, 308, 401, 402, 403, 404, 405, 407})
_QUOTA_MARKS: Final = ("insufficient_quota", "billing_hard_limit", "exceeded your current quota")
_TOKENS_AT_MOST: Final = 2**40


@dataclass(frozen=True, slots=True)
class Outcome:
    """One attempt.

    Args:
        kind: See :data:`OutcomeKind`.
        text, finish_reason, server_model, fingerprint: From the reply; empty unless ``ok``.
        input_tokens, output_tokens: As the server counted them; None where it did not.
        error: What went wrong, in words.
        congested: The server or the way to it is overloaded: send fewer at once.
        timed_out: Our deadline passed.
        retry_after_s: How long the server asked to wait; None if it did not.
    """

    kind: OutcomeKind
    text: str = ""
    finish_reason: str | None = None
    server_model: str = ""
    fingerprint: str = ""
    input_tokens: int | None = None
    output_tokens: int | None = None
    error: str = ""
    congested: bool = False
    timed_out: bool = False
    retry_after_s: float | None = None


def read_reply(content: bytes) -> Outcome:
    """The outcome of a status-200 body; anything that is no chat completion is worth another attempt."""
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        return Outcome("retry", error=f"the reply is not JSON: {_shown(content)}")
    outcome = completion_outcome(body)
    if outcome.kind == "ok":
        return outcome
    return replace(outcome, error=f"{outcome.error}: {_shown(content)}")


def completion_outcome(body: Any) -> Outcome:
    """The outcome of a chat completion that is already read: from a reply's body or from a line of a batch file."""
    try:
        choice = body["choices"][0]
        text = choice["message"].get("content")
        if text is None:
            # reasoning models that spent all tokens thinking, and refusals
            text = ""
        elif not isinstance(text, str):
            text = "".join(part.get("text") or "" for part in text)
        usage = body.get("usage") or {}
        finish_reason = choice.get("finish_reason")
        return Outcome(
            "ok",
            text=replace_surrogates(text),
            finish_reason=None if finish_reason is None else replace_surrogates(str(finish_reason)),
            server_model=replace_surrogates(str(body.get("model") or "")),
            fingerprint=replace_surrogates(str(body.get("system_fingerprint") or "")),
            input_tokens=_count(usage.get("prompt_tokens")),
            output_tokens=_count(usage.get("completion_tokens")),
        )
    except (KeyError, IndexError, TypeError, AttributeError):
        return Outcome("retry", error="the reply is no chat completion")


def read_error(status: int, headers: Mapping[str, str], content: bytes) -> tuple[Outcome, Mapping[str, Any] | None]:
    """The outcome of any other status.

    Args:
        status: HTTP status, not 200.
        headers: Of the reply; names in any case if the mapping allows it.
        content: The reply's body.

    Returns:
        The outcome and the body where it is a JSON object.
    """
    body = _json_object(content)
    message = error_message(body, content)
    quota = status == 429 and any(mark in message.lower() for mark in _QUOTA_MARKS)
    if quota or status in _RUN_STATUSES:
        return Outcome("run_failed", error=_run_failure(status, message)), body
    words = f"status {status}: {message}" if message else f"status {status}"
    if status in _RETRIED_STATUSES or status >= 500 or status < 400:
        waiting = parse_retry_after(headers.get("Retry-After"))
        return Outcome("retry", error=words, congested=status in _CONGESTED_STATUSES, retry_after_s=waiting), body
    return Outcome("call_failed", error=words), body


def error_message(body: Mapping[str, Any] | None, content: bytes) -> str:
    """The server's own words, in one short line."""
    if body is not None:
        error = body.get("error", body.get("detail", body.get("message")))
        if isinstance(error, dict):
            code = error.get("code") or error.get("type") or ""
            return _line(f"{error.get('message', '')} ({code})" if code else str(error.get("message", "")))
        if error is not None:
            return _line(error if isinstance(error, str) else json.dumps(error))
    return _shown(content)


def parse_retry_after(value: str | None, now: datetime | None = None) -> float | None:
    """Seconds to wait by a ``Retry-After`` header: a number of seconds or an HTTP date; None if absent or unreadable.

    Args:
        value: The header.
        now: Aware time to count a date from; the clock when not given.
    """
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            moment = parsedate_to_datetime(value)
        except ValueError:
            return None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        seconds = (moment - (now or datetime.now(UTC))).total_seconds()
    return max(0.0, seconds) if math.isfinite(seconds) else None


def _run_failure(status: int, message: str) -> str:
    if status in (401, 403, 407):
        # the server's words may quote part of the key
        return (
            f"found status {status} (the server refuses the key); expected a valid key in VDC_API_KEY or "
            "OPENAI_API_KEY; do next: set it and repeat the command"
        )
    if status == 404:
        return (
            f"found status 404 ({message}); expected a server that knows the model and the path; "
            "do next: check --model and --base-url"
        )
    if status in (402, 429):
        return (
            f"found status {status} ({message}); expected credit left at the provider; do next: add some, then repeat"
        )
    return f"found status {status} ({message}); expected an OpenAI-compatible server; do next: check --base-url"


def _json_object(content: bytes) -> Mapping[str, Any] | None:
    try:
        body = json.loads(content)
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None


def _shown(content: bytes) -> str:
    return _line(content[: 4 * SHOWN_CHARACTERS].decode("utf-8", "replace"))


def _line(text: str) -> str:
    words = " ".join(replace_surrogates(text[: 4 * SHOWN_CHARACTERS]).split())
    printable = "".join(character for character in words if character.isprintable())
    return printable if len(printable) <= SHOWN_CHARACTERS else printable[: SHOWN_CHARACTERS - 3] + "..."


def _count(value: object) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < _TOKENS_AT_MOST:
        return value
    return None
