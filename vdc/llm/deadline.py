"""How long one attempt may take: short enough that a hanging call does not stall a run, never shorter than is fair."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final

WARM_UP: Final = ((1000, 2.0), (200, 5.0), (20, 30.0))
"""(successes seen, shortest deadline in seconds): the more is known about a server, the shorter the wait may get."""

TYPICAL_FACTOR: Final = 20.0
"""A call that takes 20 times what 95 % of the calls take is given up."""

_REMEMBERED: Final = 500
_OFTEN: Final = 20
_SELDOM: Final = 100


class AdaptiveDeadline:
    """Deadline per attempt from the latencies seen, never above the user's timeout.

    After every timeout a call gets twice the time, so one that is truly slow succeeds in the end.
    When the deadline falls, calls already in flight are held to the new one too.

    Args:
        timeout_s: The user's timeout, seconds; also the deadline until enough calls have succeeded.
    """

    def __init__(self, timeout_s: float) -> None:
        self.timeout_s = timeout_s
        self._base_s = timeout_s
        self._latencies: deque[float] = deque(maxlen=_REMEMBERED)
        self._successes = 0
        self._watched: dict[asyncio.Timeout, tuple[float, int]] = {}

    def seconds(self, timeouts: int) -> float:
        """Deadline of the next attempt at a call that has timed out so many times."""
        return float(min(self.timeout_s, self._base_s * 2**timeouts))

    def record(self, latency_s: float) -> None:
        """Counts one success."""
        self._latencies.append(latency_s)
        self._successes += 1
        if self._successes % (_OFTEN if self._successes < 10 * _SELDOM else _SELDOM) == 0:
            self._update()

    def watch(self, scope: asyncio.Timeout, started: float, timeouts: int) -> None:
        """Keeps the scope of a call in flight up to date until :meth:`forget`.

        Args:
            scope: An entered ``asyncio.timeout``.
            started: When the attempt began, on the loop's clock.
            timeouts: How often the call has timed out before.
        """
        self._watched[scope] = (started, timeouts)

    def forget(self, scope: asyncio.Timeout) -> None:
        """The call of this scope is over."""
        self._watched.pop(scope, None)

    def _update(self) -> None:
        floor_s = next((floor_s for successes, floor_s in WARM_UP if self._successes >= successes), None)
        if floor_s is None:
            return
        ordered = sorted(self._latencies)
        typical_s = ordered[int(0.95 * (len(ordered) - 1))]
        base_s = min(self.timeout_s, max(floor_s, TYPICAL_FACTOR * typical_s))
        lowered = base_s < self._base_s
        self._base_s = base_s
        if lowered:
            for scope, (started, timeouts) in self._watched.items():
                # one that has just expired, but whose task has not run since, cannot be moved
                if not scope.expired():
                    scope.reschedule(started + self.seconds(timeouts))
