from __future__ import annotations

import pytest

from vdc.errors import RunFailed, RunIncomplete
from vdc.llm.outcome import Outcome
from vdc.llm.patience import BACKOFF_MOST_S, BACKOFF_S, REFUSALS_IN_ROW, Patience

BROKEN = Outcome("retry", error="status 500")


def test_waiting_doubles_up_to_a_limit_with_seeded_jitter() -> None:
    waits = [Patience(20, 1e9, seed=3).after(BROKEN, attempt, 0.0).wait_s or 0.0 for attempt in range(1, 12)]
    for attempt, wait_s in enumerate(waits):
        expected = min(BACKOFF_MOST_S, BACKOFF_S * 2**attempt)
        assert 0.5 * expected <= wait_s <= 1.5 * expected
    again = [Patience(20, 1e9, seed=3).after(BROKEN, attempt, 0.0).wait_s for attempt in range(1, 12)]
    assert waits == again


def test_last_attempt_is_not_followed_by_another() -> None:
    patience = Patience(attempts=3, give_up_s=60)
    assert patience.after(BROKEN, 2, 0.0).wait_s is not None
    decision = patience.after(BROKEN, 3, 0.0)
    assert (decision.wait_s, decision.stop) == (None, None)


def test_server_that_names_a_time_is_not_asked_earlier() -> None:
    decision = Patience(10, 60).after(Outcome("retry", retry_after_s=7.0), 1, 0.0)
    assert decision.wait_s is not None
    assert 7.0 <= decision.wait_s <= 7.5


def test_server_that_asks_to_come_back_tomorrow_stops_the_run_resumably() -> None:
    decision = Patience(10, 60).after(Outcome("retry", retry_after_s=86_400.0), 1, 0.0)
    assert isinstance(decision.stop, RunIncomplete)
    assert "86400" in str(decision.stop)


@pytest.mark.parametrize(
    ("failures", "silent_s", "stops"),
    [(10, 61.0, True), (9, 61.0, False), (10, 59.0, False), (1000, 59.0, False)],
)
def test_breaker_needs_both_silence_and_failures(failures: int, silent_s: float, stops: bool) -> None:
    patience = Patience(attempts=10**6, give_up_s=60)
    patience.succeeded(100.0)
    for _ in range(failures - 1):
        assert patience.after(BROKEN, 1, 100.0).stop is None
    decision = patience.after(BROKEN, 1, 100.0 + silent_s)
    assert isinstance(decision.stop, RunIncomplete) == stops


def test_one_success_resets_the_breaker() -> None:
    patience = Patience(attempts=10**6, give_up_s=60)
    patience.succeeded(0.0)
    for _ in range(20):
        patience.after(BROKEN, 1, 50.0)
    patience.succeeded(55.0)
    assert patience.after(BROKEN, 1, 70.0).stop is None


def test_time_that_the_server_asked_to_wait_is_no_outage() -> None:
    patience = Patience(attempts=10**6, give_up_s=60)
    patience.succeeded(0.0)
    for _ in range(20):
        patience.after(Outcome("retry", retry_after_s=100.0), 1, 10.0)
    assert patience.after(BROKEN, 1, 120.0).stop is None
    assert patience.after(BROKEN, 1, 170.0).stop is not None


def test_refused_call_is_given_up_at_once_and_a_row_of_them_ends_the_run() -> None:
    patience = Patience(10, 60)
    refused = Outcome("call_failed", error="status 400: no")
    for _ in range(REFUSALS_IN_ROW - 1):
        decision = patience.after(refused, 1, 0.0)
        assert (decision.wait_s, decision.stop) == (None, None)
    patience.succeeded(0.0)
    for _ in range(REFUSALS_IN_ROW - 1):
        assert patience.after(refused, 1, 0.0).stop is None
    assert isinstance(patience.after(refused, 1, 0.0).stop, RunFailed)
