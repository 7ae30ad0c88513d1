"""An ordered, bounded stream of results for callers that are not asynchronous themselves."""

from __future__ import annotations

import asyncio
import logging
import threading
import weakref
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator
from functools import partial
from types import TracebackType
from typing import Any, Final, Generic, TypeVar

from vdc.errors import RunFailed
from vdc.llm.client import ChatClient
from vdc.llm.loop import new_event_loop, rare_collections
from vdc.llm.runner import DEFAULT_CONFIG, Runner, RunnerConfig
from vdc.llm.stats import CallStats, Meter, Progress
from vdc.llm.store import ReplyStore
from vdc.llm.types import Ask, ChatRequest, Reply

logger = logging.getLogger(__name__)

Item = TypeVar("Item")
Result = TypeVar("Result")

JOBS_PER_CALL: Final = 3
"""Jobs under way per call allowed in flight; the others wait at the gate or for a retry, so that no place is idle."""

WINDOW_PER_CALL: Final = 128
WINDOW_AT_MOST: Final = 32_768
"""Results that may wait for a slower one before them. Wide enough that a few hanging calls do not stall the rest."""

HAND_OVER_S: Final = 0.02
"""Results go to the caller's thread in batches: a wake-up per result would cost more than the call."""

PROGRESS_S: Final = 0.25
_CLOSE_S: Final = 15.0


def run_ordered(
    items: Iterable[Item],
    job: Callable[[Item, Ask], Awaitable[Result]],
    *,
    client: ChatClient,
    store: ReplyStore,
    config: RunnerConfig = DEFAULT_CONFIG,
    total: int | None = None,
    progress: Callable[[Progress], None] | None = None,
    window: int | None = None,
) -> OrderedRun[Result]:
    """Runs a job per item on an event loop in a thread of its own and yields the results in the order of the items.

    Items are taken in order and only as fast as results are consumed, so calls about neighbouring items go out
    together and memory does not grow with their number.

    Args:
        items: Iterated in the other thread; must not block for long.
        job: Makes its calls with ``await ask(request)``; anything it raises ends the run.
        client: Not opened; it is opened and closed in the other thread.
        store: The reply store.
        config: How hard to try.
        total: Number of items, for the ETA.
        progress: Called in the other thread about four times a second and once at the end; must be quick.
        window: Most items under way or waiting for an earlier one; by default in proportion to the concurrency.

    Returns:
        An iterator; leaving its ``with`` block, ``close()`` and dropping it all cancel what is not finished. Replies
        that had arrived by then are in the store.

    Raises:
        RunFailed: From the iterator, when the run stopped by itself; after the results before the gap.
    """
    width = window or min(WINDOW_AT_MOST, max(256, WINDOW_PER_CALL * config.concurrency))
    pipeline = _Pipeline(iter(items), job, client, store, config, total, progress, width)
    return OrderedRun(pipeline)


def replies_in_order(
    requests: Iterable[ChatRequest], *, client: ChatClient, store: ReplyStore, config: RunnerConfig = DEFAULT_CONFIG
) -> OrderedRun[Reply]:
    """:func:`run_ordered` for items that are single requests."""

    async def job(request: ChatRequest, ask: Ask) -> Reply:
        return await ask(request)

    return run_ordered(requests, job, client=client, store=store, config=config)


class OrderedRun(Iterator[Result]):
    """The results of :func:`run_ordered`, as they come.

    Args:
        pipeline: The work behind it.
    """

    def __init__(self, pipeline: _Pipeline[Result]) -> None:
        self._pipeline = pipeline
        self._batch: deque[Result] = deque()
        # the thread must not keep alive what a caller has dropped
        self._finalizer = weakref.finalize(self, pipeline.close)
        pipeline.start()

    def __iter__(self) -> OrderedRun[Result]:
        return self

    def __next__(self) -> Result:
        if not self._batch:
            try:
                self._batch = self._pipeline.take()
            except BaseException:
                # Ctrl-C arrives here, while waiting
                self.close()
                raise
            if not self._batch:
                self.close()
                raise StopIteration
        return self._batch.popleft()

    def __enter__(self) -> OrderedRun[Result]:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Cancels what is not finished and waits until the other thread has ended."""
        self._finalizer()

    @property
    def stats(self) -> CallStats:
        """Counts up to now; final once the iterator has ended."""
        return self._pipeline.stats


class _Pipeline(Generic[Result]):
    """The thread behind an :class:`OrderedRun`, and the hand-over between the two."""

    def __init__(
        self,
        items: Iterator[Item],
        job: Callable[[Item, Ask], Awaitable[Result]],
        client: ChatClient,
        store: ReplyStore,
        config: RunnerConfig,
        total: int | None,
        progress: Callable[[Progress], None] | None,
        window: int,
    ) -> None:
        self._items = enumerate(items)
        self._job = job
        self._client = client
        self._store = store
        self._config = config
        self._total = total
        self._progress = progress
        self._window = window
        # the loop's side
        self._finished_results: dict[int, Result] = {}
        self._next_index = 0
        self._done = 0
        self._under_way = 0
        self._room: asyncio.Event | None = None
        self._hand_over_due = False
        self._meter = Meter()
        self._runner: Runner | None = None
        # both sides, under the condition
        self._condition = threading.Condition()
        self._ready: deque[Result] = deque()
        self._ended = False
        self._error: BaseException | None = None
        self._closing = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._main: asyncio.Task[None] | None = None
        self._stats = CallStats()
        self._thread = threading.Thread(target=self._run, name="vdc-llm", daemon=True)

    @property
    def stats(self) -> CallStats:
        runner = self._runner
        return runner.stats if runner is not None else self._stats

    def start(self) -> None:
        self._thread.start()

    def take(self) -> deque[Result]:
        """All results that are ready, at least one; empty at the end."""
        with self._condition:
            while not self._ready and not self._ended:
                self._condition.wait()
            batch, self._ready = self._ready, deque()
            if not batch and self._error is not None:
                raise self._error
            loop = None if self._ended else self._loop
        if batch and loop is not None:
            _call_in(loop, partial(self._taken, len(batch)))
        return batch

    def close(self) -> None:
        with self._condition:
            self._closing = True
            loop, main = self._loop, self._main
        if loop is not None and main is not None:
            _call_in(loop, main.cancel)
        if threading.current_thread() is not self._thread:
            self._thread.join(_CLOSE_S)
            if self._thread.is_alive():
                logger.warning("the calls in flight did not end within %.0f s; they are abandoned", _CLOSE_S)

    def _run(self) -> None:
        error: BaseException | None = None
        try:
            with rare_collections(), asyncio.Runner(loop_factory=new_event_loop) as runner:
                runner.run(self._work())
        except asyncio.CancelledError:
            pass
        except BaseException as raised:  # noqa: BLE001 - handed to the caller's thread, which raises it
            error = raised
        with self._condition:
            self._error = error
            self._ended = True
            self._loop = self._main = None
            self._condition.notify_all()

    async def _work(self) -> None:
        self._room = asyncio.Event()
        with self._condition:
            if self._closing:
                return
            self._loop = asyncio.get_running_loop()
            self._main = asyncio.current_task()
        ticker: asyncio.Task[None] | None = None
        try:
            async with self._client, Runner(self._client, self._store, self._config) as runner:
                self._runner = runner
                if self._progress is not None:
                    ticker = asyncio.create_task(self._tick(runner))
                await self._work_off(runner)
        finally:
            if ticker is not None:
                ticker.cancel()
            self._hand_over()
            if self._runner is not None:
                self._stats = self._runner.stats
                self._report(self._runner, finished=True)
            self._runner = None

    async def _work_off(self, runner: Runner) -> None:
        count = JOBS_PER_CALL * self._config.concurrency
        if self._total is not None:
            count = min(count, max(1, self._total))
        workers = [asyncio.create_task(self._worker(runner)) for _ in range(count)]
        stopped = asyncio.create_task(runner.wait_stopped())
        everyone = asyncio.gather(*workers)
        try:
            first: list[asyncio.Future[Any]] = [everyone, stopped]
            await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
            if runner.stopped is not None:
                if self._room is not None:
                    self._room.set()
                await asyncio.wait(workers, timeout=runner.grace_s)
                raise runner.stopped
            await everyone
        finally:
            stopped.cancel()
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)
            # its exception is one of the workers', already seen
            if everyone.done() and not everyone.cancelled():
                everyone.exception()

    async def _worker(self, runner: Runner) -> None:
        room = self._room
        while runner.stopped is None and room is not None:
            while self._under_way >= self._window and runner.stopped is None:
                room.clear()
                await room.wait()
            item = next(self._items, None)
            if item is None:
                return
            self._under_way += 1
            index, value = item
            try:
                result = await self._job(value, runner.ask)
            except RunFailed:
                if runner.stopped is not None:
                    return
                raise
            self._finished_results[index] = result
            self._done += 1
            if not self._hand_over_due:
                self._hand_over_due = True
                asyncio.get_running_loop().call_later(HAND_OVER_S, self._hand_over)

    def _hand_over(self) -> None:
        self._hand_over_due = False
        batch = []
        while self._next_index in self._finished_results:
            batch.append(self._finished_results.pop(self._next_index))
            self._next_index += 1
        if batch:
            with self._condition:
                self._ready.extend(batch)
                self._condition.notify()

    def _taken(self, count: int) -> None:
        self._under_way -= count
        if self._room is not None:
            self._room.set()

    async def _tick(self, runner: Runner) -> None:
        while True:
            await asyncio.sleep(PROGRESS_S)
            self._report(runner, finished=False)

    def _report(self, runner: Runner, finished: bool) -> None:
        if self._progress is None:
            return
        stats = runner.stats
        items_per_s, calls_per_s = self._meter.rates(self._done, stats.ok)
        eta_s = None
        if self._total is not None and items_per_s > 0:
            eta_s = (self._total - self._done) / items_per_s
        self._progress(
            Progress(
                done=self._done,
                total=self._total,
                calls=stats,
                calls_per_s=calls_per_s,
                limit=runner.limit,
                in_flight=runner.in_flight,
                elapsed_s=self._meter.elapsed_s(),
                eta_s=eta_s,
                finished=finished,
            )
        )


def _call_in(loop: asyncio.AbstractEventLoop, function: Callable[[], object]) -> None:
    try:
        loop.call_soon_threadsafe(function)
    except RuntimeError:
        # the loop has ended in the meantime, so there is nobody left to tell
        logger.debug("the event loop had ended")
