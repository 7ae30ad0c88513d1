"""How many calls go out at once, when they are tried again, and when a run is given up."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Final, NoReturn

from vdc.errors import InputError, Problem, RunFailed, RunIncomplete
from vdc.llm.client import ChatClient
from vdc.llm.cost import Budget, Prices, estimate_input_tokens, estimate_tokens
from vdc.llm.deadline import AdaptiveDeadline
from vdc.llm.limit import AdaptiveLimit, Gate
from vdc.llm.outcome import Outcome
from vdc.llm.patience import GRACE_S, Patience
from vdc.llm.stats import CallStats
from vdc.llm.store import ReplyEntry, ReplyStore
from vdc.llm.types import ChatRequest, Reply
from vdc.llm.writer import CoalescedWriter

logger = logging.getLogger(__name__)

_BREATHE_EVERY: Final = 100


@dataclass(frozen=True, slots=True)
class RunnerConfig:
    """How hard a run tries.

    Args:
        concurrency: Most calls in flight; fewer while the server shows signs of overload.
        timeout_s: Longest wait for one reply; shorter once latencies are known, see :class:`AdaptiveDeadline`.
        attempts: Most attempts at one call.
        give_up_s: Without a single success for so long (and ten failures) the run stops.
        prices: For the cost in progress and reports.
        max_cost: The run stops before it spends more; needs prices.
        seed: Of the jitter in waiting times.
    """

    concurrency: int = 64
    timeout_s: float = 120.0
    attempts: int = 10
    give_up_s: float = 60.0
    prices: Prices | None = None
    max_cost: float | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        problems = []
        if self.concurrency < 1:
            problems.append(Problem(f"concurrency {self.concurrency}", "at least 1", "raise --concurrency"))
        if not self.timeout_s > 0:
            problems.append(Problem(f"timeout {self.timeout_s} s", "more than 0", "raise the timeout"))
        if self.attempts < 1:
            problems.append(Problem(f"{self.attempts} attempts", "at least 1", "raise the number of attempts"))
        if self.max_cost is not None and self.prices is None:
            problems.append(
                Problem(
                    f"a cost limit of {self.max_cost} without prices", "prices per million tokens", "give both prices"
                )
            )
        if problems:
            raise InputError(problems)


DEFAULT_CONFIG: Final = RunnerConfig()


class Runner:
    """Answers requests from the store or, through the gate, from the server. Use as ``async with``.

    Args:
        client: The transport, already open.
        store: Looked up first; every reply is committed before it is returned.
        config: See :class:`RunnerConfig`.
    """

    def __init__(self, client: ChatClient, store: ReplyStore, config: RunnerConfig = DEFAULT_CONFIG) -> None:
        self._client = client
        self._store = store
        self._config = config
        self._writer = CoalescedWriter(store)
        self._gate = Gate(AdaptiveLimit(config.concurrency))
        self._deadline = AdaptiveDeadline(config.timeout_s)
        self._budget = Budget(config.prices, config.max_cost) if config.prices is not None else None
        self._patience = Patience(config.attempts, config.give_up_s, config.seed)
        self._open: dict[str, list[asyncio.Future[Reply | None]]] = {}
        self._stopping = asyncio.Event()
        self._calls_before = client.calls_made
        self._ok = self._from_store = self._retries = self._failed = 0
        self._input_tokens = self._output_tokens = 0
        self._tokens_estimated = False
        self.stopped: RunFailed | None = None
        self.grace_s = 0.0

    async def __aenter__(self) -> Runner:
        self._patience.succeeded(asyncio.get_running_loop().time())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # replies that had arrived when the run was cancelled are kept
        self._writer.flush()

    @property
    def limit(self) -> int:
        """Calls that may be in flight now."""
        return self._gate.limit.limit

    @property
    def in_flight(self) -> int:
        """Calls sent whose reply is not yet committed."""
        return self._gate.in_flight

    @property
    def stats(self) -> CallStats:
        """Counts up to now."""
        return CallStats(
            made=self._client.calls_made - self._calls_before,
            ok=self._ok,
            from_store=self._from_store,
            retries=self._retries,
            failed=self._failed,
            input_tokens=self._input_tokens,
            output_tokens=self._output_tokens,
            tokens_estimated=self._tokens_estimated,
            cost=None if self._budget is None else self._budget.spent,
        )

    async def wait_stopped(self) -> RunFailed:
        """Returns the reason once the run has stopped by itself."""
        await self._stopping.wait()
        assert self.stopped is not None  # noqa: S101 - set together with the event
        return self.stopped

    async def ask(self, request: ChatRequest) -> Reply:
        """The reply to a request: from the store, or from the server after as many attempts as it takes.

        Returns:
            An ``ok`` reply that is committed, or a ``failed`` one with the reason.

        Raises:
            RunFailed: The run has stopped (server refuses the key, no success for long, cost limit, disk full).
        """
        key = request.key()
        while True:
            stored = self._store.get(key)
            if stored is not None:
                self._from_store += 1
                if self._from_store % _BREATHE_EVERY == 0:
                    # replies from the store never suspend; without this nothing else would run
                    await asyncio.sleep(0)
                return stored
            followers = self._open.get(key)
            if followers is None:
                break
            # the same call is in flight: wait for it instead of paying twice
            shared: asyncio.Future[Reply | None] = asyncio.get_running_loop().create_future()
            followers.append(shared)
            reply = await shared
            if reply is not None:
                return reply
        followers = self._open[key] = []
        reply = None
        try:
            reply = await self._call(request, key)
            return reply
        finally:
            del self._open[key]
            for follower in followers:
                if not follower.done():
                    follower.set_result(reply)

    async def _call(self, request: ChatRequest, key: str) -> Reply:
        attempt = timeouts = 0
        while True:
            attempt += 1
            reserved = await self._enter(request, urgent=attempt > 1)
            congested: bool | None = None
            try:
                outcome, latency_s = await self._attempt(request, timeouts)
                congested = outcome.congested
                timeouts += outcome.timed_out
                if outcome.kind == "ok":
                    return await self._keep(request, key, outcome, latency_s, attempt)
                decision = self._patience.after(outcome, attempt, asyncio.get_running_loop().time())
                if decision.stop is not None:
                    # before the place is given back, or one more call would take it
                    self._stop(decision.stop, decision.grace_s)
            finally:
                if self._budget is not None:
                    self._budget.free(reserved)
                self._gate.release(congested)
            if decision.wait_s is None:
                self._failed += 1
                return Reply(key=key, status="failed", error=outcome.error, attempts=attempt)
            self._retries += 1
            await self._wait(decision.wait_s)

    async def _enter(self, request: ChatRequest, urgent: bool) -> float:
        """Waits for a place, and for the money; returns what was reserved."""
        while True:
            await self._gate.acquire(urgent=urgent)
            if self._budget is None:
                return 0.0
            amount = self._budget.expected_cost(request)
            if self._budget.reserve(amount):
                return amount
            alone = self._gate.in_flight == 1
            self._gate.release(None)
            if alone:
                self._stop(
                    RunIncomplete(
                        f"found {self._budget.spent:.4f} spent, and the next call would exceed the limit of "
                        f"{self._budget.max_cost:g}; expected a limit that covers the run; do next: raise --max-cost "
                        "and repeat the command (it resumes)"
                    ),
                    grace_s=GRACE_S,
                )
            else:
                # calls in flight have estimates reserved; their true cost may leave room
                await self._wait(0.05)

    async def _attempt(self, request: ChatRequest, timeouts: int) -> tuple[Outcome, float]:
        loop = asyncio.get_running_loop()
        started = loop.time()
        deadline = self._deadline
        try:
            async with asyncio.timeout_at(started + deadline.seconds(timeouts)) as scope:
                deadline.watch(scope, started, timeouts)
                try:
                    outcome = await self._client.send(request)
                finally:
                    deadline.forget(scope)
        except TimeoutError:
            waited_s = loop.time() - started
            return Outcome("retry", error=f"no reply within {waited_s:.0f} s", congested=True, timed_out=True), waited_s
        return outcome, loop.time() - started

    async def _keep(self, request: ChatRequest, key: str, outcome: Outcome, latency_s: float, attempt: int) -> Reply:
        self._deadline.record(latency_s)
        self._patience.succeeded(asyncio.get_running_loop().time())
        reply = Reply(
            key=key,
            status="ok",
            text=outcome.text,
            finish_reason=outcome.finish_reason,
            input_tokens=outcome.input_tokens or 0,
            output_tokens=outcome.output_tokens or 0,
            latency_s=latency_s,
            attempts=attempt,
        )
        self._count_tokens(request, outcome)
        await self._writer.write(ReplyEntry.of(request, reply, outcome.server_model))
        self._ok += 1
        return reply

    def _count_tokens(self, request: ChatRequest, outcome: Outcome) -> None:
        input_tokens, output_tokens = outcome.input_tokens, outcome.output_tokens
        if input_tokens is None or output_tokens is None:
            self._tokens_estimated = True
            input_tokens = estimate_input_tokens(request)
            output_tokens = estimate_tokens(len(outcome.text))
        self._input_tokens += input_tokens
        self._output_tokens += output_tokens
        if self._budget is not None:
            self._budget.spend(input_tokens, output_tokens)

    async def _wait(self, seconds: float) -> None:
        """Sleeps, but not on after the run has stopped."""
        try:
            async with asyncio.timeout(seconds):
                await self.wait_stopped()
        except TimeoutError:
            return
        self._raise_stopped()

    def _stop(self, reason: RunFailed, grace_s: float) -> NoReturn:
        if self.stopped is None:
            logger.info("the run stops: %s", reason)
            self.stopped = reason
            self.grace_s = grace_s
            self._gate.close(reason)
            self._stopping.set()
        self._raise_stopped()

    def _raise_stopped(self) -> NoReturn:
        reason = self.stopped or RunFailed("the run has stopped")
        raise type(reason)(*reason.args)


async def ask_all(runner: Runner, requests: Sequence[ChatRequest]) -> list[Reply]:
    """The replies to a few requests, in their order; for many use ``run_ordered``."""
    return list(await asyncio.gather(*(runner.ask(request) for request in requests)))
