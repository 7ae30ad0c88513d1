"""A deterministic OpenAI-compatible server with chosen replies, latency and faults, for tests, demos and timing.

``python -m vdc.llm.fake_server --port 8000`` runs it alone. It is no model: its replies mean nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
import json
import re
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass, field, replace
from types import TracebackType
from typing import Any, Final, Literal, get_args

from vdc.llm.fake_faults import FAULTS, Fault, Faults
from vdc.llm.fake_http import Connection, Response
from vdc.llm.loop import run_in_loop

ReplyFunction = Callable[[dict[str, Any]], str]
"""Text of the reply to a request body."""

ResponseFormatMode = Literal["honour", "refuse", "ignore"]

GARBAGE: Final = "%% no verdict here, only noise %%"
LOG_LENGTH: Final = 1000
_NAMES_VERDICT: Final = re.compile(r"\bpred\b.*\bscore\b", re.DOTALL)


@dataclass(frozen=True, slots=True)
class FakeServerConfig:
    """How the server behaves.

    Args:
        models: Names it serves; another name gets 404. Empty serves any name.
        latency_s: Seconds until a reply.
        faults: See :class:`Faults`.
        response_format: ``honour`` replies in JSON, ``refuse`` answers 400, ``ignore`` replies as if not asked.
        refused: Request parameters answered with 400.
        capacity: More calls than this at once get 429; None takes all.
        api_key: Needed in the header; None needs none.
        usage: Whether tokens are counted in the reply.
    """

    models: tuple[str, ...] = ()
    latency_s: float = 0.0
    faults: Faults = field(default_factory=Faults)
    response_format: ResponseFormatMode = "honour"
    refused: Collection[str] = ()
    capacity: int | None = None
    api_key: str | None = None
    usage: bool = True


@dataclass(slots=True)
class FakeServerStats:
    """What the server has seen. Calls are requests to ``/chat/completions``.

    Args:
        requests: Calls that arrived.
        answered: Calls that got a chat completion.
        distinct: Different request bodies.
        repeated: Calls whose body had been *answered* before.
        in_flight, max_in_flight: Calls that arrived and are not yet answered; hanging ones until they are closed.
        faults: Fault -> how often.
    """

    requests: int = 0
    answered: int = 0
    distinct: int = 0
    repeated: int = 0
    in_flight: int = 0
    max_in_flight: int = 0
    faults: dict[str, int] = field(default_factory=dict)


def default_reply(body: Mapping[str, Any]) -> str:
    """A reply that suits any prompt of the project: a verdict where one is asked for, else a short made-up answer.

    Decided by a hash of the messages alone, so it does not change with sampling parameters.
    """
    texts = [_text(message) for message in body.get("messages", ())]
    digest = hashlib.blake2b("\0".join(texts).encode("utf-8", "surrogatepass"), digest_size=8).digest()
    number = int.from_bytes(digest, "little")
    if "response_format" not in body and not any(_NAMES_VERDICT.search(text) for text in texts):
        return f"answer {number % 100_000}"
    score = number % 6
    return f'{{"pred": "{"yes" if score >= 3 else "no"}", "score": {score}}}'


class FakeServer:
    """The server in a thread of its own. Use as ``with FakeServer() as server: ... server.base_url``.

    Args:
        reply: Makes the text of a reply; called in the server's thread.
        config: See :class:`FakeServerConfig`.
        port: 0 takes a free one.
        host: Address to listen on.

    Attributes:
        stats: See :class:`FakeServerStats`; read it when the server is idle or closed.
        log: The last bodies received, as parsed JSON.
    """

    def __init__(
        self,
        reply: ReplyFunction = default_reply,
        config: FakeServerConfig | None = None,
        port: int = 0,
        host: str = "127.0.0.1",
    ) -> None:
        self.reply = reply
        self.config = config if config is not None else FakeServerConfig()
        self.host = host
        self.port = port
        self.stats = FakeServerStats()
        self.log: deque[dict[str, Any]] = deque(maxlen=LOG_LENGTH)
        self._arrivals: dict[bytes, int] = {}
        self._answered: set[bytes] = set()
        self.connections: set[Connection] = set()
        self._started_s = time.monotonic()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    @property
    def base_url(self) -> str:
        """Address for clients, ``/v1`` included."""
        return f"http://{self.host}:{self.port}/v1"

    def __enter__(self) -> FakeServer:
        started = threading.Event()
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._serve_until_stopped(started)), name="fake-llm-server", daemon=True
        )
        self._thread.start()
        if not started.wait(10):
            raise RuntimeError("the fake server did not start within 10 s")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._loop is not None and self._thread is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(10)

    async def start(self) -> asyncio.Server:
        """Listens on the running loop; the caller closes what it returns."""
        loop = asyncio.get_running_loop()
        self._loop = loop
        self._started_s = time.monotonic()
        server = await loop.create_server(lambda: Connection(self), self.host, self.port, backlog=4096)
        self.port = server.sockets[0].getsockname()[1]
        return server

    async def serve_until_killed(self) -> None:
        """Writes the address as a line to stdout and serves until the process ends."""
        server = await self.start()
        sys.stdout.write(self.base_url + "\n")
        sys.stdout.flush()
        async with server:
            await server.serve_forever()

    async def _serve_until_stopped(self, started: threading.Event) -> None:
        self._stop = asyncio.Event()
        server = await self.start()
        started.set()
        await self._stop.wait()
        server.close()
        for connection in list(self.connections):
            connection.abort()

    # the rest is called by connections, on the server's loop

    def handle(self, method: bytes, path: bytes, head: bytes, content: bytes) -> Response:
        """Decides what a request gets."""
        if method == b"POST" and path.endswith(b"/chat/completions"):
            digest, attempt = self._arrive(content)
            response = self._respond(head, content, digest, attempt)
            delay_s = self.config.latency_s if response.status in (0, 200) else 0.0
            return replace(response, delay_s=delay_s, is_call=True)
        if method == b"GET" and path.endswith(b"/models"):
            cards = [{"id": name, "object": "model", "owned_by": "fake"} for name in self.config.models or ("fake",)]
            return Response(200, json.dumps({"object": "list", "data": cards}).encode())
        if method == b"GET" and path == b"/stats":
            return Response(200, json.dumps(asdict(self.stats)).encode())
        return _error(404, "no such path", "not_found")

    def call_left(self) -> None:
        """A call was answered, or its connection lost."""
        self.stats.in_flight -= 1

    def _arrive(self, content: bytes) -> tuple[bytes, int]:
        digest = hashlib.blake2b(content, digest_size=16).digest()
        attempt = self._arrivals.get(digest, 0)
        self._arrivals[digest] = attempt + 1
        stats = self.stats
        stats.requests += 1
        stats.distinct += attempt == 0
        stats.repeated += digest in self._answered
        stats.in_flight += 1
        stats.max_in_flight = max(stats.max_in_flight, stats.in_flight)
        return digest, attempt

    def _respond(self, head: bytes, content: bytes, digest: bytes, attempt: int) -> Response:
        config = self.config
        if config.api_key is not None and f"Bearer {config.api_key}".encode() not in head:
            return _error(401, "Incorrect API key provided", "invalid_api_key")
        if config.faults.warm_up_s and time.monotonic() - self._started_s < config.faults.warm_up_s:
            self._count_fault("warm_up")
            return _error(503, "the model is loading", "unavailable")
        if config.capacity is not None and self.stats.in_flight > config.capacity:
            self._count_fault("overload")
            return _error(429, "too many requests at once", "rate_limit_exceeded")
        fault = config.faults.draw(digest, attempt)
        if fault is not None:
            self._count_fault(fault)
            return self._faulty(fault)
        return self._answer(content, digest)

    def _answer(self, content: bytes, digest: bytes) -> Response:
        config = self.config
        try:
            body = json.loads(content)
        except ValueError:
            return _error(400, "the body is not JSON", "invalid_request_error")
        self.log.append(body)
        if config.models and body.get("model") not in config.models:
            return _error(404, f"The model {body.get('model')!r} does not exist", "model_not_found")
        refused = {*config.refused, *(("response_format",) if config.response_format == "refuse" else ())}
        for name in refused:
            if name in body:
                return _error(400, f"Unsupported parameter: '{name}' is not supported.", "unsupported_parameter", name)
        if config.response_format == "ignore":
            body.pop("response_format", None)
        text = self.reply(body)
        if "score" in text and config.faults.is_garbled(digest):
            self._count_fault("garbled")
            text = GARBAGE
        self._answered.add(digest)
        self.stats.answered += 1
        return Response(200, _completion(body, text, config.usage))

    def _faulty(self, fault: Fault) -> Response:
        if fault == "rate_limit":
            waiting = f"Retry-After: {self.config.faults.retry_after_s:g}\r\n"
            return _error(429, "slow down", "rate_limit_exceeded", headers=waiting)
        if fault == "error":
            return _error(500, "something broke", "server_error")
        if fault in ("hang", "drop"):
            return Response(0, b"", action=fault)
        whole = _completion({"model": "fake"}, "a reply of some length", usage=True)
        if fault == "cut_json":
            return Response(200, whole[: len(whole) // 2])
        return Response(200, whole, action="cut_body")

    def _count_fault(self, fault: str) -> None:
        self.stats.faults[fault] = self.stats.faults.get(fault, 0) + 1


def _completion(body: Mapping[str, Any], text: str, usage: bool) -> bytes:
    counts = ""
    if usage:
        prompt_tokens = sum(len(_text(message)) for message in body.get("messages", ())) // 4
        completion_tokens = max(1, len(text) // 4)
        counts = (
            f',"usage":{{"prompt_tokens":{prompt_tokens},"completion_tokens":{completion_tokens},'
            f'"total_tokens":{prompt_tokens + completion_tokens}}}'
        )
    # put together by hand: building and encoding the object took a third of the server's time per call
    return (
        '{"id":"chatcmpl-fake","object":"chat.completion","created":0,"system_fingerprint":"fp_fake","model":'
        f'{json.dumps(body.get("model", "fake"))},"choices":[{{"index":0,"finish_reason":"stop","message":'
        f'{{"role":"assistant","content":{json.dumps(text)}}}}}]{counts}}}'
    ).encode()


def _error(status: int, message: str, code: str, parameter: str | None = None, headers: str = "") -> Response:
    error = {"message": message, "type": "invalid_request_error", "param": parameter, "code": code}
    return Response(status, json.dumps({"error": error}).encode(), headers)


def _text(message: Mapping[str, Any]) -> str:
    content = message.get("content") or ""
    return content if isinstance(content, str) else json.dumps(content)


def main() -> None:
    """The command line of ``python -m vdc.llm.fake_server``: writes the address to stdout and serves until killed."""
    parser = argparse.ArgumentParser(prog="python -m vdc.llm.fake_server", description="A fake judge server.")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--latency-ms", type=float, default=0.0)
    parser.add_argument("--model", action="append", default=[], help="a name to serve; without any, all names are")
    parser.add_argument("--capacity", type=int, help="calls at once above which status 429 is given")
    parser.add_argument("--response-format", choices=get_args(ResponseFormatMode), default="honour")
    parser.add_argument("--refuse", action="append", default=[], help="a request parameter to refuse")
    parser.add_argument("--garbled", type=float, default=0.0, help="share of verdicts that are garbage")
    parser.add_argument("--retry-after-s", type=float, default=1.0)
    parser.add_argument("--warm-up-s", type=float, default=0.0)
    parser.add_argument("--seed", type=int, default=0)
    for fault in FAULTS:
        parser.add_argument(f"--{fault.replace('_', '-')}", type=float, default=0.0, help="share of calls")
    options = parser.parse_args()
    faults = Faults(
        rates={fault: rate for fault in FAULTS if (rate := getattr(options, fault))},
        garbled=options.garbled,
        retry_after_s=options.retry_after_s,
        warm_up_s=options.warm_up_s,
        seed=options.seed,
    )
    config = FakeServerConfig(
        models=tuple(options.model),
        latency_s=options.latency_ms / 1000,
        faults=faults,
        response_format=options.response_format,
        refused=tuple(options.refuse),
        capacity=options.capacity,
    )
    server = FakeServer(config=config, port=options.port, host=options.host)
    with contextlib.suppress(KeyboardInterrupt):
        run_in_loop(server.serve_until_killed())


if __name__ == "__main__":
    main()
