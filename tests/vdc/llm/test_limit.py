from __future__ import annotations

import asyncio
import random

import pytest

from vdc.errors import RunFailed
from vdc.llm.limit import START, AdaptiveLimit, Gate


def simulate(
    limit: AdaptiveLimit, calls: int, *, faults: float = 0.0, capacity: int = 10**9, seed: int = 1
) -> list[int]:
    """The limit after each of a number of rounds in which all allowed calls are in flight and finish together."""
    generator = random.Random(seed)
    course, made = [], 0
    while made < calls:
        in_flight = limit.limit
        for place in range(in_flight):
            limit.record(place >= capacity or generator.random() < faults, full=True)
        made += in_flight
        course.append(limit.limit)
    return course


def test_limit_doubles_from_the_start_to_the_maximum() -> None:
    course = simulate(AdaptiveLimit(256), 2000)
    assert [START, *course][:5] == [16, 32, 64, 128, 256]
    assert set(course[4:]) == {256}


def test_limit_never_exceeds_a_small_maximum() -> None:
    assert set(simulate(AdaptiveLimit(3), 100)) == {3}


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("faults", [0.05, 0.07])
def test_random_faults_do_not_collapse_the_limit(faults: float, seed: int) -> None:
    settled = simulate(AdaptiveLimit(256), 100_000, faults=faults, seed=seed)[100:]
    assert sum(settled) / len(settled) > 0.8 * 256


def test_overload_halves_the_limit_within_an_epoch() -> None:
    limit = AdaptiveLimit(256)
    simulate(limit, 2000)
    course = simulate(limit, 1, faults=0.9)
    assert course == [128]


def test_limit_settles_near_the_capacity_of_the_server_and_few_calls_are_refused() -> None:
    limit = AdaptiveLimit(256)
    settled = simulate(limit, 20_000, capacity=64)[50:]
    assert 56 <= sum(settled) / len(settled) <= 90
    # a small cut each time, no swing between half and too much
    assert min(settled) >= 50
    assert max(settled) <= 100


def test_limit_recovers_after_an_outage() -> None:
    limit = AdaptiveLimit(256)
    assert simulate(limit, 400, faults=1.0)[-1] == 1
    assert simulate(limit, 10_000)[-1] == 256


def test_idle_places_teach_nothing_about_going_higher() -> None:
    limit = AdaptiveLimit(256)
    for _ in range(1000):
        limit.record(False, full=False)
    assert limit.limit == START


def test_gate_admits_in_order_and_retries_first() -> None:
    async def run() -> list[str]:
        gate = Gate(AdaptiveLimit(1))
        order: list[str] = []

        async def pass_through(name: str, urgent: bool) -> None:
            await gate.acquire(urgent=urgent)
            order.append(name)
            gate.release(False)

        await gate.acquire()
        tasks = [asyncio.create_task(pass_through(name, name == "retry")) for name in ("first", "second", "retry")]
        await asyncio.sleep(0)
        gate.release(False)
        await asyncio.gather(*tasks)
        assert gate.in_flight == 0
        return order

    assert asyncio.run(run()) == ["retry", "first", "second"]


def test_cancelled_waiter_gives_its_place_to_the_next() -> None:
    async def run() -> None:
        gate = Gate(AdaptiveLimit(1))
        await gate.acquire()
        first, second = asyncio.create_task(gate.acquire()), asyncio.create_task(gate.acquire())
        await asyncio.sleep(0)
        gate.release(False)
        # the first has its place but has not run yet
        first.cancel()
        await asyncio.wait_for(second, 1)
        assert gate.in_flight == 1

    asyncio.run(run())


def test_closed_gate_turns_everyone_away() -> None:
    async def run() -> None:
        gate = Gate(AdaptiveLimit(1))
        await gate.acquire()
        waiting = asyncio.create_task(gate.acquire())
        await asyncio.sleep(0)
        gate.close(RunFailed("over"))
        for attempt in (waiting, gate.acquire()):
            with pytest.raises(RunFailed, match="over"):
                await attempt
        assert gate.in_flight == 1

    asyncio.run(run())
