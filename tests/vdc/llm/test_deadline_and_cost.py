from __future__ import annotations

import asyncio

import pytest

from tests.vdc.llm.conversations import question
from vdc.llm.cost import Budget, Prices, estimate
from vdc.llm.deadline import AdaptiveDeadline
from vdc.llm.types import ChatRequest, Message, Sampling


@pytest.mark.parametrize(
    ("successes", "latency_s", "timeouts", "seconds"),
    [
        pytest.param(0, 0.02, 0, 120.0, id="nothing known"),
        pytest.param(20, 0.02, 0, 30.0, id="little known"),
        pytest.param(200, 0.02, 0, 5.0, id="fast server"),
        pytest.param(1000, 0.02, 0, 2.0, id="fast server, well known"),
        pytest.param(200, 0.02, 1, 10.0, id="after a timeout"),
        pytest.param(200, 0.02, 8, 120.0, id="never above the timeout"),
        pytest.param(200, 1.0, 0, 20.0, id="20 times the typical"),
        pytest.param(200, 60.0, 0, 120.0, id="slow server"),
    ],
)
def test_deadline(successes: int, latency_s: float, timeouts: int, seconds: float) -> None:
    deadline = AdaptiveDeadline(120.0)
    for _ in range(successes):
        deadline.record(latency_s)
    assert deadline.seconds(timeouts) == pytest.approx(seconds)


def test_timeout_shorter_than_the_floor_stays() -> None:
    deadline = AdaptiveDeadline(0.5)
    for _ in range(500):
        deadline.record(0.001)
    assert deadline.seconds(0) == 0.5


def test_calls_in_flight_are_held_to_a_lowered_deadline() -> None:
    async def run() -> None:
        loop = asyncio.get_running_loop()
        deadline = AdaptiveDeadline(120.0)
        started = loop.time() - 29.99
        with pytest.raises(TimeoutError):
            async with asyncio.timeout_at(started + deadline.seconds(0)) as scope:
                deadline.watch(scope, started, 0)
                for _ in range(20):
                    deadline.record(0.01)
                await asyncio.sleep(5)

    asyncio.run(asyncio.wait_for(run(), 2))


def test_call_that_expires_in_the_moment_the_deadline_falls_is_left_alone() -> None:
    async def run() -> None:
        loop = asyncio.get_running_loop()
        deadline = AdaptiveDeadline(120.0)
        scopes: list[asyncio.Timeout] = []
        expired: list[bool] = []

        async def hang() -> None:
            async with asyncio.timeout_at(loop.time() + 100) as scope:
                deadline.watch(scope, loop.time(), 0)
                scopes.append(scope)
                await asyncio.sleep(5)

        def lower() -> None:
            expired.append(scopes[0].expired())
            for _ in range(20):
                deadline.record(0.01)
            expired.append(deadline.seconds(0) == 30.0)

        task = asyncio.create_task(hang())
        await asyncio.sleep(0)
        scopes[0].reschedule(loop.time() - 1)
        loop.call_soon(lower)
        with pytest.raises(TimeoutError):
            await task
        assert expired == [True, True]

    asyncio.run(asyncio.wait_for(run(), 2))


def test_price_of_tokens() -> None:
    assert Prices(2.0, 8.0).cost(1_000_000, 500_000) == pytest.approx(6.0)


def test_estimate_adds_up_texts_and_longest_replies() -> None:
    request = ChatRequest("m", (Message("user", "x" * 400),), Sampling(max_tokens=30))
    total = estimate([request, request])
    assert (total.calls, total.input_tokens, total.output_tokens) == (2, 200, 60)


def test_budget_reserves_up_to_the_limit_and_no_further() -> None:
    budget = Budget(Prices(1.0, 1.0), max_cost=1.0)
    assert budget.reserve(0.6)
    assert not budget.reserve(0.6)
    budget.free(0.6)
    budget.spend(300_000, 200_000)
    assert budget.spent == pytest.approx(0.5)
    assert budget.reserve(0.4)
    assert not budget.reserve(0.2)


def test_expected_cost_learns_how_long_replies_are() -> None:
    budget = Budget(Prices(0.0, 1e6), max_cost=None)
    assert budget.expected_cost(question(1)) == pytest.approx(256.0)
    for _ in range(20):
        budget.spend(0, 10)
    assert budget.expected_cost(question(1)) == pytest.approx(10.0)
