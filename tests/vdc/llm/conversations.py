"""Requests and runs that several tests of ``vdc.llm`` share."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence

from vdc.llm.capabilities import BodyEncoder
from vdc.llm.client import ChatClient
from vdc.llm.endpoint import parse_endpoint
from vdc.llm.fake_faults import Fault, Faults
from vdc.llm.fake_server import FakeServer
from vdc.llm.runner import Runner, RunnerConfig
from vdc.llm.stats import CallStats
from vdc.llm.store import ReplyStore
from vdc.llm.types import ChatRequest, Message, Reply

VERDICT_SCHEMA = {
    "type": "object",
    "properties": {"pred": {"type": "string"}, "score": {"type": "integer"}},
    "required": ["pred", "score"],
}


def question(number: int, *, schema: bool = False, model: str = "m") -> ChatRequest:
    """A request unlike those with other numbers."""
    return ChatRequest(
        model,
        (Message("system", "Answer from the caption."), Message("user", f"Question {number}?")),
        json_schema=VERDICT_SCHEMA if schema else None,
        scope=f"video/short/{number}",
    )


def client_of(server: FakeServer, store: ReplyStore | None = None) -> ChatClient:
    """A client of the server, without a key."""
    return ChatClient(parse_endpoint(server.base_url, {}), store)


def ask_server(
    server: FakeServer,
    store: ReplyStore,
    requests: Sequence[ChatRequest],
    config: RunnerConfig | None = None,
    client: ChatClient | None = None,
) -> tuple[list[Reply], CallStats]:
    """All replies, asked at once, and the counts."""

    async def run() -> tuple[list[Reply], CallStats]:
        async with (
            client or client_of(server, store) as opened,
            Runner(opened, store, config or RunnerConfig()) as runner,
        ):
            replies = await asyncio.gather(*(runner.ask(request) for request in requests))
            return list(replies), runner.stats

    return asyncio.run(run())


def first_attempt_meets(fault: Fault, request: ChatRequest, retry_after_s: float = 1.0) -> Faults:
    """Faults under which the request meets the fault once and none at its second attempt."""
    digest = hashlib.blake2b(BodyEncoder().encode(request), digest_size=16).digest()
    for seed in range(1000):
        faults = Faults({fault: 0.5}, retry_after_s=retry_after_s, seed=seed)
        if faults.draw(digest, 0) == fault and faults.draw(digest, 1) is None:
            return faults
    raise AssertionError("no such seed")
