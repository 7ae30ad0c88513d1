"""What a run has done so far, counted."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import asdict, dataclass
from typing import Any, Final

_RATE_WINDOW_S: Final = 10.0


@dataclass(frozen=True, slots=True)
class CallStats:
    """Counts of calls and tokens.

    Args:
        made: HTTP requests sent, retries and adaptations included.
        ok: Calls that got a reply in this run.
        from_store: Calls answered by the store.
        retries: Attempts after the first at the same call.
        failed: Calls without a reply after all attempts.
        input_tokens, output_tokens: Of the replies of this run.
        tokens_estimated: The server did not count some of them, so their length was used.
        cost: At the prices given; None without prices.
    """

    made: int = 0
    ok: int = 0
    from_store: int = 0
    retries: int = 0
    failed: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    tokens_estimated: bool = False
    cost: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain JSON, for reports."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Progress:
    """A run at one moment, for people.

    Args:
        done: Items finished.
        total: Items in all; None if not known.
        calls: See :class:`CallStats`.
        calls_per_s: Replies per second over the last ten seconds.
        limit: Calls that may be in flight now.
        in_flight: Calls in flight.
        elapsed_s: Since the start.
        eta_s: Until the end at the recent rate of items; None if not known.
        finished: No further snapshot will come.
    """

    done: int
    total: int | None
    calls: CallStats
    calls_per_s: float
    limit: int
    in_flight: int
    elapsed_s: float
    eta_s: float | None
    finished: bool = False


class Meter:
    """Rates from counts that only grow.

    Args:
        now: Start, on the monotonic clock; the clock when not given.
    """

    def __init__(self, now: float | None = None) -> None:
        self._started = time.monotonic() if now is None else now
        self._points: deque[tuple[float, int, int]] = deque([(self._started, 0, 0)])

    def elapsed_s(self, now: float | None = None) -> float:
        """Seconds since the start."""
        return (time.monotonic() if now is None else now) - self._started

    def rates(self, done: int, calls: int, now: float | None = None) -> tuple[float, float]:
        """Items and calls per second over the last ten seconds, given the counts at this moment."""
        now = time.monotonic() if now is None else now
        self._points.append((now, done, calls))
        while len(self._points) > 2 and self._points[1][0] <= now - _RATE_WINDOW_S:
            self._points.popleft()
        then, done_then, calls_then = self._points[0]
        span = now - then
        if span <= 0:
            return 0.0, 0.0
        return (done - done_then) / span, (calls - calls_then) / span
