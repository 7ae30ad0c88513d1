"""How many calls may be in flight: an adaptive limit, and the gate that enforces it."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final

from vdc.errors import VdcError

START: Final = 16
"""Calls in flight at the start of a run."""

SLOW_START_SHARE: Final = 0.15
"""Share of congestion signals in an epoch that ends the doubling; above what a flaky but idle server shows."""

GAIN: Final = 0.5
"""Weight of the newest epoch in the running share. DCTCP has 1/16; epochs are rarer here than round trips there."""

INCREASE: Final = 32
"""An epoch adds 1/32 of the maximum. In proportion to the maximum, so that a constant share of random faults settles
near the maximum and not near its square root."""

SHORTEST_EPOCH: Final = 8


class AdaptiveLimit:
    """Limit on calls in flight that goes down by the share of congestion signals, after DCTCP.

    Time is counted in epochs of about ``limit`` finished calls. While the share of signals is small the limit doubles
    per epoch up to the maximum; after the first congested epoch each epoch multiplies it by ``1 - alpha / 2``, where
    alpha is a running mean of the share of signals, and adds a constant. An epoch in which most calls were refused
    halves it at once. A few per cent of random faults thus cost a few per cent of the limit, an overload halves it.

    Source: Alizadeh et al., Data Center TCP, SIGCOMM 2010, equations 1 and 2; the constants and the increase in
    congested epochs are ours.

    Args:
        maximum: The user's ``--concurrency``.
    """

    def __init__(self, maximum: int) -> None:
        if maximum < 1:
            raise ValueError(f"maximum must be at least 1, got {maximum}")
        self.maximum = maximum
        self.alpha = 0.0
        self.slow_start = True
        self._limit = float(min(START, maximum))
        self._increase = max(1.0, maximum / INCREASE)
        self._finished = 0
        self._congested = 0
        self._full = False

    @property
    def limit(self) -> int:
        """Calls that may be in flight now, 1 to ``maximum``."""
        return int(self._limit)

    def record(self, congested: bool, full: bool) -> None:
        """Counts one finished attempt.

        Args:
            congested: It was refused for overload or timed out.
            full: As many calls were in flight as the limit allows; otherwise nothing is learnt about going higher.
        """
        self._finished += 1
        self._congested += congested
        self._full = self._full or full
        if self._finished >= max(self._limit, SHORTEST_EPOCH):
            self._end_epoch()

    def _end_epoch(self) -> None:
        share = self._congested / self._finished
        full = self._full
        self._finished = self._congested = 0
        self._full = False
        self.alpha += GAIN * (share - self.alpha)
        if self.slow_start and share < SLOW_START_SHARE:
            if full:
                self._limit = min(self._limit * 2, float(self.maximum))
                self.slow_start = self._limit < self.maximum
            return
        self.slow_start = False
        if share > 0.5:
            self._limit /= 2
        else:
            if share > 0:
                self._limit *= 1 - self.alpha / 2
            if full:
                self._limit += self._increase
        self._limit = min(max(self._limit, 1.0), float(self.maximum))


class Gate:
    """First come, first served admission of calls under an :class:`AdaptiveLimit`.

    Args:
        limit: Decides how many; told of every call that leaves.
    """

    def __init__(self, limit: AdaptiveLimit) -> None:
        self.limit = limit
        self.in_flight = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._closed: VdcError | None = None

    async def acquire(self, *, urgent: bool = False) -> None:
        """Waits for a place; every return must be paired with one :meth:`release`.

        Args:
            urgent: Before all others: for retries, on which finished later work may be waiting.

        Raises:
            VdcError: The gate was closed.
        """
        if self._closed is not None:
            raise self._reason(self._closed)
        if self.in_flight < self.limit.limit and not self._waiting:
            self.in_flight += 1
            return
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if urgent:
            self._waiting.appendleft(place)
        else:
            self._waiting.append(place)
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled() and place.exception() is None:
                self.in_flight -= 1
                self._admit()
            raise

    def release(self, congested: bool | None) -> None:
        """Gives a place back.

        Args:
            congested: Whether the call met congestion; None where it was given up and says nothing.
        """
        if congested is not None:
            self.limit.record(congested, full=self.in_flight >= self.limit.limit)
        self.in_flight -= 1
        self._admit()

    def close(self, reason: VdcError) -> None:
        """Admits no further call: those waiting and those that come later fail with the reason."""
        self._closed = reason
        while self._waiting:
            place = self._waiting.popleft()
            if not place.done():
                place.set_exception(self._reason(reason))

    def _admit(self) -> None:
        while self._waiting and self.in_flight < self.limit.limit:
            place = self._waiting.popleft()
            if not place.done():
                self.in_flight += 1
                place.set_result(None)

    @staticmethod
    def _reason(reason: VdcError) -> VdcError:
        # one exception object raised in many tasks would collect all their tracebacks
        return type(reason)(*reason.args)
