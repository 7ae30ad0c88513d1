"""OpenAI Batch files: requests out, replies in. ``vllm run-batch`` reads and writes the same lines."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from vdc.errors import Problem
from vdc.llm.capabilities import DEFAULT, Capabilities, chat_body
from vdc.llm.outcome import Outcome, completion_outcome
from vdc.llm.store import ReplyEntry, ReplyStore
from vdc.llm.types import ChatRequest, Reply
from vdc.textio import iter_json_lines

BATCH_URL: Final = "/v1/chat/completions"
REQUESTS_PER_FILE: Final = 50_000
"""OpenAI's limit."""

BYTES_PER_FILE: Final = 190_000_000
"""A little under OpenAI's limit of 200 MB."""

_KEY_DIGITS: Final = 40
_CHUNK: Final = 1000


@dataclass(frozen=True, slots=True)
class BatchFiles:
    """Batch files written.

    Args:
        paths: In order.
        requests: Lines in all.
        from_store: Requests left out because their reply is stored.
        repeated: Requests left out because the same request is in the files already.
    """

    paths: tuple[Path, ...]
    requests: int
    from_store: int
    repeated: int


@dataclass(frozen=True, slots=True)
class BatchReplies:
    """What importing replies came to. Lines are counted in exactly one of the numbers, or are among the problems.

    Args:
        stored: Replies now in the store that were not before.
        already: Replies that were there before.
        errors: Lines by which the server says that a call failed; nothing is stored, so the call stays open.
        unknown: Replies to requests that were not asked about.
        problems: Lines that are no batch replies, with their numbers.
    """

    stored: int
    already: int
    errors: int
    unknown: int
    problems: tuple[Problem, ...]


def batch_line(request: ChatRequest, capabilities: Capabilities = DEFAULT) -> dict[str, Any]:
    """One line of a batch file: the body is that of the online call, the ``custom_id`` the reply store's key."""
    return {
        "custom_id": request.key(),
        "method": "POST",
        "url": BATCH_URL,
        "body": chat_body(request, capabilities),
    }


def write_batch(
    requests: Iterable[ChatRequest],
    folder: Path,
    *,
    store: ReplyStore | None = None,
    capabilities: Capabilities = DEFAULT,
    stem: str = "requests",
    requests_per_file: int = REQUESTS_PER_FILE,
) -> BatchFiles:
    """Writes requests as ``requests-0001.jsonl``, ``requests-0002.jsonl``, ... within the limits of hosted endpoints.

    Args:
        requests: Each is written once, however often it occurs.
        folder: Made when absent; files of the same names are replaced, others of the same stem are left.
        store: Requests whose reply it has are left out.
        capabilities: What the server is known not to take.
        stem: Start of the file names.
        requests_per_file: Most lines per file.
    """
    folder.mkdir(parents=True, exist_ok=True)
    seen: set[str] = set()
    paths: list[Path] = []
    lines: list[bytes] = []
    size = written = from_store = repeated = 0

    def finish_file() -> None:
        path = folder / f"{stem}-{len(paths) + 1:04}.jsonl"
        part = path.with_suffix(".part")
        part.write_bytes(b"".join(lines))
        part.replace(path)
        paths.append(path)
        lines.clear()

    for request in requests:
        key = request.key()
        if key in seen:
            repeated += 1
            continue
        seen.add(key)
        if store is not None and store.get(key) is not None:
            from_store += 1
            continue
        line = json.dumps(batch_line(request, capabilities)).encode() + b"\n"
        if lines and (len(lines) >= requests_per_file or size + len(line) > BYTES_PER_FILE):
            finish_file()
            size = 0
        lines.append(line)
        size += len(line)
        written += 1
    if lines:
        finish_file()
    return BatchFiles(tuple(paths), written, from_store, repeated)


def import_batch(
    paths: Iterable[Path], store: ReplyStore, requests: Iterable[ChatRequest] | None = None
) -> BatchReplies:
    """Puts the replies of batch output files (also error files) into the store. Importing twice does no harm.

    Good lines are stored even where others are no batch replies: they were paid for.

    Args:
        paths: Output files.
        store: Where the replies go.
        requests: The requests they may answer; others are counted as unknown. None takes every line whose
            ``custom_id`` has the form of a key.

    Raises:
        InputError: A file cannot be read at all.
    """
    expected = None if requests is None else {request.key(): request for request in requests}
    problems: list[Problem] = []
    entries: list[ReplyEntry] = []
    stored = already = errors = unknown = 0

    def flush() -> None:
        nonlocal stored, already
        by_key = {entry.reply.key: entry for entry in reversed(entries)}
        there = store.get_many(by_key)
        fresh = [entry for key, entry in by_key.items() if key not in there]
        store.put_many(fresh)
        stored += len(fresh)
        already += len(entries) - len(fresh)
        entries.clear()

    for path in paths:
        for number, line in iter_json_lines(path, problems, lenient=True):
            key = _key(line)
            if key is None:
                problems.append(
                    Problem(
                        found="a line without a custom_id of ours",
                        expected="a reply to a request that was written by this program",
                        do_next="give the batch output file, not the request file or another program's",
                        where=f"{path}:{number}",
                    )
                )
                continue
            outcome = _outcome(line)
            if outcome.kind != "ok":
                errors += 1
            elif expected is not None and key not in expected:
                unknown += 1
            else:
                entries.append(_entry(key, outcome, None if expected is None else expected[key]))
                if len(entries) >= _CHUNK:
                    flush()
    flush()
    return BatchReplies(stored, already, errors, unknown, tuple(problems))


def _key(line: object) -> str | None:
    if not isinstance(line, dict) or not ("response" in line or "error" in line):
        return None
    key = line.get("custom_id")
    if not isinstance(key, str) or len(key) != _KEY_DIGITS or not set(key) <= set("0123456789abcdef"):
        return None
    return key


def _outcome(line: Mapping[str, Any]) -> Outcome:
    response = line.get("response")
    if line.get("error") or not isinstance(response, dict) or response.get("status_code", 200) != 200:
        return Outcome("call_failed")
    return completion_outcome(response.get("body"))


def _entry(key: str, outcome: Outcome, request: ChatRequest | None) -> ReplyEntry:
    reply = Reply(
        key=key,
        status="ok",
        text=outcome.text,
        finish_reason=outcome.finish_reason,
        input_tokens=outcome.input_tokens or 0,
        output_tokens=outcome.output_tokens or 0,
    )
    if request is not None:
        return ReplyEntry.of(request, reply, outcome.server_model)
    return ReplyEntry(reply, outcome.server_model, None, None, "", outcome.server_model)
