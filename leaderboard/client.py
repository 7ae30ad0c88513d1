"""Talk to a board over HTTP with nothing but the standard library: submit with progress, follow, withdraw."""

from __future__ import annotations

import contextlib
import http.client
import json
import secrets
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlsplit

from vdc.errors import InputError, Problem, RunFailed

API_PATH: Final = "/api/v1"
_CHUNK: Final = 1 << 16
_MAX_REPLY: Final = 64 << 20


@dataclass(frozen=True, slots=True)
class FormFile:
    """One file of a form."""

    field: str
    path: Path


class BoardClient:
    """A board.

    Args:
        url: Its address, with or without ``/api/v1``.
        token: The key to submit with; None reads only.
        timeout_s: Longest silence of the server.

    Raises:
        InputError: The address is none.
    """

    def __init__(self, url: str, token: str | None, timeout_s: float = 60.0) -> None:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        try:
            port = parts.port
        except ValueError:
            port = -1
        if parts.scheme not in ("http", "https") or not parts.hostname or port == -1:
            raise InputError(Problem(f"the address {url!r}", "http(s)://HOST[:PORT]", "correct --url"))
        self._parts = parts
        self._port = port
        path = parts.path.rstrip("/")
        self._base = path if path.endswith(API_PATH) else path + API_PATH
        self._token = token
        self._timeout_s = timeout_s

    def submit(
        self, texts: Mapping[str, str], files: list[FormFile], progress: Callable[[int, int], None] | None = None
    ) -> dict[str, Any]:
        """Send a submission.

        Args:
            texts: Fields of the form.
            files: Its files, read piece by piece.
            progress: Told (bytes sent, bytes in all).

        Raises:
            InputError: The board refuses it; the message says why.
            RunFailed: The board cannot be reached; the same call may be repeated, it makes no second submission.
        """
        boundary = f"vdc-{secrets.token_hex(16)}"
        heads = [_text_part(boundary, name, value) for name, value in texts.items()]
        parts = [(_file_head(boundary, file), file.path) for file in files]
        end = f"--{boundary}--\r\n".encode()
        total = sum(map(len, heads)) + sum(len(head) + path.stat().st_size + 2 for head, path in parts) + len(end)

        def body() -> Iterator[bytes]:
            sent = 0
            for piece in _pieces(heads, parts, end):
                yield piece
                sent += len(piece)
                if progress is not None:
                    progress(sent, total)

        headers = {"Content-Type": f"multipart/form-data; boundary={boundary}", "Content-Length": str(total)}
        return self._ask("POST", "/submissions", headers, body())

    def follow(self, submission_id: str) -> dict[str, Any]:
        """Where a submission stands."""
        return self._ask("GET", f"/submissions/{submission_id}", {}, None)

    def run(self, run_id: str) -> dict[str, Any]:
        """A run's numbers and how it was judged."""
        return self._ask("GET", f"/runs/{run_id}", {}, None)

    def run_page(self, run: Mapping[str, Any]) -> str | None:
        """Where people see a run on the board's pages; None where there are only programs' answers, or it is private.

        Args:
            run: As :meth:`run` returns it.
        """
        if run["private"]:
            return None
        root = self._base.removesuffix(API_PATH)
        connection = self._connect()
        try:
            # The pages' own sign of life: an API without pages does not know it.
            connection.request("GET", f"{root}/_stcore/health")
            there = connection.getresponse().status == 200
        except (OSError, http.client.HTTPException):
            there = False
        finally:
            connection.close()
        address = f"{self._parts.scheme}://{self._parts.netloc}{root}"
        return f"{address}/model?model={quote(run['model_slug'])}&run={run['id']}" if there else None

    def wait(
        self,
        submission_id: str,
        report: Callable[[dict[str, Any]], None],
        poll_s: float = 1.0,
        patience_s: float = 60.0,
    ) -> dict[str, Any]:
        """Follow a submission to its final state.

        Args:
            submission_id: Its id.
            report: Told whenever its state or position changes.
            poll_s: Pause between looks.
            patience_s: How long the board may be unreachable, for example while it restarts.
        """
        last: tuple[Any, Any] = (None, None)
        lost_since: float | None = None
        while True:
            try:
                found = self.follow(submission_id)
                lost_since = None
            except RunFailed:
                now = time.monotonic()
                lost_since = lost_since or now
                if now - lost_since > patience_s:
                    raise
                time.sleep(poll_s)
                continue
            if (found["state"], found["position"]) != last:
                last = (found["state"], found["position"])
                report(found)
            if found["final"]:
                return found
            time.sleep(poll_s)

    def _ask(self, method: str, path: str, headers: dict[str, str], body: Any) -> dict[str, Any]:
        sent = {"Accept": "application/json", **headers}
        if self._token:
            sent["Authorization"] = f"Bearer {self._token}"
        connection = self._connect()
        try:
            # The board may answer before it has read everything, for example that this is too much.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                connection.request(method, self._base + path, body=body, headers=sent)
            reply = connection.getresponse()
            text = reply.read(_MAX_REPLY)
        except (OSError, http.client.HTTPException) as error:
            raise RunFailed(
                f"found no answer from {self._parts.netloc} ({error or type(error).__name__}); expected a board; do "
                "next: check --url and that the board runs, then repeat the same command"
            ) from error
        finally:
            connection.close()
        return _read_reply(reply.status, reply.getheader("Retry-After"), text)

    def _connect(self) -> http.client.HTTPConnection:
        host = self._parts.hostname or ""
        if self._parts.scheme == "https":
            context = ssl.create_default_context()
            return http.client.HTTPSConnection(host, self._port, timeout=self._timeout_s, context=context)
        return http.client.HTTPConnection(host, self._port, timeout=self._timeout_s)


def _read_reply(status: int, retry_after: str | None, text: bytes) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if 200 <= status < 300 and isinstance(found, dict):
        return found
    error = found.get("error", {}) if isinstance(found, dict) else {}
    message = str(error.get("message") or f"status {status}")
    shown = "".join(letter if letter.isprintable() or letter == "\n" else "?" for letter in message)
    if status in (429, 503):
        raise RunFailed(f"{shown} (come back in {retry_after or 'some'} s)")
    if status == 401:
        expected = "a token of this board that is not revoked"
        do_next = "check VDC_LEADERBOARD_TOKEN; the people who run the board make one with vdc leaderboard token create"
        raise InputError(Problem("no valid token", expected, do_next))
    if 400 <= status < 500 and error:
        raise InputError(Problem(f"a refusal by the board: {shown}", "a submission it takes", "correct it and repeat"))
    if status >= 500:
        raise RunFailed(
            f"found status {status}: something failed on the board's side; expected an answer; do next: repeat the "
            "same command later, nothing is scored twice"
        )
    raise RunFailed(f"found status {status} from the board; expected a board of VDC; do next: check --url")


def _pieces(heads: list[bytes], parts: list[tuple[bytes, Path]], end: bytes) -> Iterator[bytes]:
    yield from heads
    for head, path in parts:
        yield head
        with path.open("rb") as file:
            while piece := file.read(_CHUNK):
                yield piece
        yield b"\r\n"
    yield end


def _text_part(boundary: str, name: str, value: str) -> bytes:
    return f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()


def _file_head(boundary: str, file: FormFile) -> bytes:
    shown = "".join(letter if letter.isalnum() or letter in "._-" else "_" for letter in file.path.name)
    return (
        f'--{boundary}\r\nContent-Disposition: form-data; name="{file.field}"; filename="{shown}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    ).encode()
