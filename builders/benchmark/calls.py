"""How the pipeline asks its model: one place for address, sampling, store and progress."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from builders.benchmark.config import ModelSettings
from vdc.errors import InputError, Problem
from vdc.llm.types import Ask, ChatRequest, Message, Sampling
from vdc.settings import lookup

if TYPE_CHECKING:
    from vdc.llm.endpoint import Endpoint
    from vdc.llm.stats import Progress
    from vdc.llm.store import ReplyStore

Item = TypeVar("Item")
Result = TypeVar("Result")

RETRY_TEMPERATURE: Final = 0.7
"""At temperature 0 a second draw would be the first again."""

_NO_SERVER: Final = Problem(
    "captions to write and no model server",
    "the address of an OpenAI-compatible server that takes images",
    "add --base-url, set VDC_BASE_URL, or write model.base_url in the configuration",
)


class CallFailed(Exception):
    """A call without a reply after all attempts: the item fails now and is tried again by the next run."""


@dataclass(frozen=True, slots=True)
class Model:
    """The model that captions and asks.

    Args:
        endpoint: The server; None where no address is known, which serves as long as nothing is asked.
        name: As the server knows it.
        settings: Sampling, concurrency, patience.
        store: File of the reply store; None is the user's own.
        progress: Told about the calls.
    """

    endpoint: Endpoint | None
    name: str
    settings: ModelSettings
    store: Path | None = None
    progress: Callable[[str], Callable[[Progress], None]] | None = field(default=None, repr=False)

    @property
    def facts(self) -> dict[str, Any]:
        """What decides the replies; no address, so that a model may move."""
        settings = self.settings
        return {
            "model": self.name,
            "revision": settings.revision,
            "temperature": settings.temperature,
            "seed": settings.seed,
            "max_tokens": settings.max_tokens,
        }

    def request(
        self,
        messages: tuple[Message, ...],
        scope: str,
        attempt: int = 0,
        schema: Mapping[str, Any] | None = None,
    ) -> ChatRequest:
        """A call; ``attempt`` above 0 is another draw of the same, at a temperature that gives another reply."""
        settings = self.settings
        warm = settings.temperature if attempt == 0 else max(settings.temperature, RETRY_TEMPERATURE)
        sampling = Sampling(warm, settings.max_tokens, None, settings.seed, attempt)
        return ChatRequest(self.name, messages, sampling, settings.revision, schema, scope)

    def open_store(self) -> ReplyStore:
        """The reply store."""
        from vdc.llm.store import ReplyStore

        return ReplyStore(self.store)

    def run(self, items: Sequence[Item], job: Callable[[Item, Ask], Awaitable[Result]], noun: str) -> Iterator[Result]:
        """The results of a job per item, in order; replies that are in the store are not asked for again.

        Raises:
            InputError: No address of a server.
            RunFailed: The server refuses or has not answered for long; what came before is in the store.
        """
        if self.endpoint is None:
            raise InputError(_NO_SERVER)
        from vdc.llm.client import ChatClient
        from vdc.llm.ordered import run_ordered
        from vdc.llm.runner import RunnerConfig

        settings = self.settings
        config = RunnerConfig(
            concurrency=settings.concurrency,
            timeout_s=settings.timeout_s,
            attempts=settings.attempts,
            give_up_s=settings.give_up_s,
        )
        with self.open_store() as store:
            client = ChatClient(self.endpoint, store)
            progress = self.progress(noun) if self.progress is not None else None
            with run_ordered(
                items, job, client=client, store=store, config=config, total=len(items), progress=progress
            ) as results:
                yield from results


def find_model(
    settings: ModelSettings,
    *,
    base_url: str | None = None,
    model: str | None = None,
    store: Path | None = None,
    progress: Callable[[str], Callable[[Progress], None]] | None = None,
) -> Model:
    """The model of a build. Precedence: flag, environment, the build's configuration, the user's configuration.

    Args:
        settings: Of the build's configuration.
        base_url: Flag.
        model: Flag.
        store: File of the reply store; the configured one when not given.
        progress: See :class:`Model`.

    Raises:
        InputError: Neither model name nor address, or no model name where the server serves more than one.
    """
    from vdc.llm.endpoint import parse_endpoint

    address = _choose("base_url", base_url, settings.base_url)
    endpoint = parse_endpoint(address) if address is not None else None
    name = _choose("model", model, settings.model)
    if name is None:
        if endpoint is None:
            raise InputError(_NO_SERVER)
        served = asyncio.run(_served(endpoint))
        if len(served) != 1:
            raise InputError(
                Problem(
                    f"no model name, and a server that serves {', '.join(served) or 'none that it names'}",
                    "the name of a model that takes images",
                    "add --model, or write model.model in the configuration",
                )
            )
        name = served[0]
    if store is None:
        configured = lookup("store").value
        store = Path(configured) if configured else None
    return Model(endpoint, name, settings, store, progress)


async def ask_text(ask: Ask, request: ChatRequest) -> tuple[str, bool]:
    """The text of a reply, and whether it was cut at the token limit.

    Raises:
        CallFailed: There is no reply.
    """
    reply = await ask(request)
    if reply.status != "ok":
        raise CallFailed(reply.error)
    return reply.text.strip(), reply.finish_reason == "length"


def image_part(path: Path) -> dict[str, Any]:
    """A JPEG file as a content part that carries the picture itself.

    Raises:
        OSError: The file cannot be read.
    """
    data = base64.b64encode(path.read_bytes()).decode("ascii")
    return {"type": "image_url", "image_url": {"url": f"data:image/jpeg;base64,{data}"}}


def read_object(text: str) -> dict[str, Any] | None:
    """The first JSON object in a reply, which may stand in a fence or between words; None where there is none."""
    decoder = json.JSONDecoder()
    start = text.find("{")
    tried = 0
    # a reply of nothing but brackets must not take quadratic time
    while start >= 0 and tried < 50:
        try:
            value, _ = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            value = None
        if isinstance(value, dict):
            return value
        tried += 1
        start = text.find("{", start + 1)
    return None


def _choose(setting: str, flag: str | None, configured: str | None) -> str | None:
    found = lookup(setting, flag)
    if found.source in ("default", "config.toml") and configured is not None:
        return configured
    return found.value


async def _served(endpoint: Endpoint) -> tuple[str, ...]:
    from vdc.llm.client import ChatClient

    async with ChatClient(endpoint) as client:
        return await client.list_models()
