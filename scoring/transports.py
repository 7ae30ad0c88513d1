"""How a judge's calls travel: online, counted only (dry run), or collected for a batch file.

All three run the same jobs, so a dry run counts, and a batch file holds, exactly the calls that a run would make.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Iterator
from dataclasses import replace
from typing import Any, Final, TypeVar, cast

from vdc.llm.client import ChatClient
from vdc.llm.cost import estimate_input_tokens
from vdc.llm.endpoint import Endpoint
from vdc.llm.ordered import run_ordered
from vdc.llm.runner import RunnerConfig
from vdc.llm.stats import CallStats, Progress
from vdc.llm.store import ReplyStore
from vdc.llm.types import Ask, ChatRequest, Reply

Item = TypeVar("Item")
Result = TypeVar("Result")

WAITING: Final = "waits for a batch"
"""Error of a call that was put into a batch file instead of being sent."""

_ASSUMED_ANSWER = "a short phrase of about eight words in all"
_ASSUMED_VERDICT = '{"pred": "yes", "score": 5}'


class OnlineCalls:
    """Sends calls to a server as fast as it takes them; see ``vdc.llm.ordered``.

    Args:
        endpoint: The server.
        store: Looked up first; every reply is kept there.
        config: Concurrency, patience, prices.
        total: Number of questions, for the ETA.
        progress: Told about four times a second.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        store: ReplyStore,
        config: RunnerConfig,
        total: int | None = None,
        progress: Callable[[Progress], None] | None = None,
    ) -> None:
        self._client = ChatClient(endpoint, store)
        self._store = store
        self._config = config
        self._total = total
        self._progress = progress
        self.stats = CallStats()

    def run(self, items: Iterable[Item], job: Callable[[Item, Ask], Awaitable[Result]]) -> Iterator[Result]:
        """See ``scoring.judges.openai.CallRunner``. Dropping the iterator cancels what is not finished.

        Raises:
            RunFailed: From the iterator, when the run stopped by itself.
        """
        with run_ordered(
            items,
            job,
            client=self._client,
            store=self._store,
            config=self._config,
            total=self._total,
            progress=self._progress,
        ) as replies:
            try:
                yield from replies
            finally:
                self.stats = replies.stats

    def describe(self) -> dict[str, Any]:
        """What the server showed of itself."""
        return self._client.describe()


class _OfflineCalls:
    """Runs jobs one after the other without an event loop: their calls never wait for anything."""

    def __init__(self, store: ReplyStore) -> None:
        self._store = store

    def run(self, items: Iterable[Item], job: Callable[[Item, Ask], Awaitable[Result]]) -> Iterator[Result]:
        """See ``scoring.judges.openai.CallRunner``."""
        for item in items:
            yield _finish(job(item, self._ask))

    def describe(self) -> dict[str, Any]:
        """Nothing: no server was asked."""
        return {}

    async def _ask(self, request: ChatRequest) -> Reply:
        key = request.key()
        return self._store.get(key) or self._missing(key, request)

    def _missing(self, key: str, request: ChatRequest) -> Reply:
        raise NotImplementedError


class CountedCalls(_OfflineCalls):
    """Counts what a run would cost; replies it does not have are assumed to be short.

    Args:
        store: Looked up, so that calls already paid for are counted apart.

    Attributes:
        counts: ``calls``, ``from_store``, ``input_tokens`` (estimated), ``output_tokens_at_most``.
    """

    def __init__(self, store: ReplyStore) -> None:
        super().__init__(store)
        self.counts: Counter[str] = Counter(calls=0, from_store=0, input_tokens=0, output_tokens_at_most=0)

    async def _ask(self, request: ChatRequest) -> Reply:
        reply = await super()._ask(request)
        self.counts["from_store"] += reply.error == ""
        return reply

    def _missing(self, key: str, request: ChatRequest) -> Reply:
        self.counts["calls"] += 1
        self.counts["input_tokens"] += estimate_input_tokens(request)
        self.counts["output_tokens_at_most"] += request.sampling.max_tokens
        assumed = _ASSUMED_ANSWER if request.scope.endswith("/answer") else _ASSUMED_VERDICT
        return Reply(key, "ok", text=assumed, error="assumed")


class CollectedCalls(_OfflineCalls):
    """Collects the calls that have no reply yet, for a batch file.

    Args:
        store: Replies of earlier batches.
        collect: Told every call that waits.

    Attributes:
        stats: Calls that the store answered in the last run; none is made here.
    """

    def __init__(self, store: ReplyStore, collect: Callable[[ChatRequest], None]) -> None:
        super().__init__(store)
        self._collect = collect
        self.stats = CallStats()

    def run(self, items: Iterable[Item], job: Callable[[Item, Ask], Awaitable[Result]]) -> Iterator[Result]:
        """See ``scoring.judges.openai.CallRunner``."""
        self.stats = CallStats()
        return super().run(items, job)

    async def _ask(self, request: ChatRequest) -> Reply:
        reply = await super()._ask(request)
        if reply.from_store:
            self.stats = replace(self.stats, from_store=self.stats.from_store + 1)
        return reply

    def _missing(self, key: str, request: ChatRequest) -> Reply:
        self._collect(request)
        return Reply(key, "failed", error=WAITING)


def _finish(job: Awaitable[Result]) -> Result:
    """The result of a job that never waits."""
    coroutine = cast("Coroutine[None, None, Result]", job)
    try:
        coroutine.send(None)
    except StopIteration as finished:
        return cast("Result", finished.value)
    coroutine.close()
    raise RuntimeError("a job waited for something while no event loop was running")
