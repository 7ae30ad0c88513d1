"""When a failed attempt is tried again, when its call is given up, and when the whole run is."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final

from vdc.errors import RunFailed, RunIncomplete
from vdc.llm.outcome import Outcome

BACKOFF_S: Final = 0.25
BACKOFF_MOST_S: Final = 30.0

RETRY_AFTER_MOST_S: Final = 300.0
"""A server that asks to wait longer than this has run out of quota, not of breath: the run stops."""

BREAKER_FAILURES: Final = 10
"""Failed attempts without a success before silence counts as an outage."""

REFUSALS_IN_ROW: Final = 20
"""Calls refused for good, with no reply between, after which all are taken to be refused."""

GRACE_S: Final = 10.0
"""How long calls in flight may still finish when a run stops by itself: they are paid for."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What follows from a failed attempt.

    Args:
        wait_s: Seconds until the call's next attempt; None if there is none.
        stop: Why the whole run ends; None if it goes on.
        grace_s: With ``stop``: how long calls in flight may still finish.
    """

    wait_s: float | None = None
    stop: RunFailed | None = None
    grace_s: float = GRACE_S


class Patience:
    """Exponential backoff with seeded jitter, ``Retry-After``, and a circuit breaker. Knows no clock of its own.

    Args:
        attempts: Most attempts at one call.
        give_up_s: Silence, in seconds, after which the run stops.
        seed: Of the jitter.
    """

    def __init__(self, attempts: int, give_up_s: float, seed: int = 0) -> None:
        self._attempts = attempts
        self._give_up_s = give_up_s
        self._jitter = random.Random(seed)
        self._last_ok_s: float | None = None
        self._failures = 0
        self._refusals = 0
        self._longest_wait_s = 0.0

    def succeeded(self, now_s: float) -> None:
        """A reply came, or the run began: silence is counted from here."""
        self._last_ok_s = now_s
        self._failures = self._refusals = 0
        self._longest_wait_s = 0.0

    def after(self, outcome: Outcome, attempt: int, now_s: float) -> Decision:
        """What to do after an attempt that was not ``ok``.

        Args:
            outcome: What came of it.
            attempt: Its number at this call, from 1.
            now_s: Any clock that only goes forward, the same as for :meth:`succeeded`.
        """
        if outcome.kind == "run_failed":
            return Decision(stop=RunFailed(outcome.error))
        if outcome.kind == "call_failed":
            return self._after_refusal(outcome)
        retry_after_s = outcome.retry_after_s
        if retry_after_s is not None and retry_after_s > RETRY_AFTER_MOST_S:
            reason = (
                f"found a server that asks to wait {retry_after_s:.0f} s ({outcome.error}); expected quota left; "
                "do next: repeat the command later (it resumes)"
            )
            return Decision(stop=RunIncomplete(reason))
        self._failures += 1
        if self._last_ok_s is None:
            self._last_ok_s = now_s
        silent_s = now_s - self._last_ok_s
        # waiting that the server asked for is no sign of an outage
        if self._failures >= BREAKER_FAILURES and silent_s > self._give_up_s + self._longest_wait_s:
            reason = (
                f"found no reply for {silent_s:.0f} s in {self._failures} attempts (last: {outcome.error}); "
                "expected a server that answers; do next: see that it runs, then repeat the command (it resumes)"
            )
            return Decision(stop=RunIncomplete(reason), grace_s=0.0)
        if attempt >= self._attempts:
            return Decision()
        backoff_s = min(BACKOFF_MOST_S, BACKOFF_S * 2.0 ** (attempt - 1)) * self._jitter.uniform(0.5, 1.5)
        if retry_after_s is None:
            return Decision(wait_s=backoff_s)
        self._longest_wait_s = max(self._longest_wait_s, retry_after_s)
        # a little later than asked, so that not all come back at the same moment
        return Decision(wait_s=retry_after_s + 0.2 * min(backoff_s, 1.0))

    def _after_refusal(self, outcome: Outcome) -> Decision:
        self._refusals += 1
        if self._refusals < REFUSALS_IN_ROW:
            return Decision()
        reason = (
            f"found {self._refusals} calls refused in a row ({outcome.error}); expected a server that takes these "
            "requests; do next: check --model and the server's limits, then repeat the command"
        )
        return Decision(stop=RunFailed(reason))
