from __future__ import annotations

import asyncio
import dataclasses
import time
from typing import get_args

import pytest

from tests.vdc.llm.conversations import ask_server, client_of, first_attempt_meets, question
from vdc.errors import InputError, RunFailed, RunIncomplete
from vdc.llm.capabilities import chat_body
from vdc.llm.cost import Prices
from vdc.llm.fake_faults import Fault, Faults
from vdc.llm.fake_server import FakeServer, FakeServerConfig, default_reply
from vdc.llm.runner import Runner, RunnerConfig, ask_all
from vdc.llm.store import ReplyStore
from vdc.llm.types import ChatRequest, Message, Sampling

pytestmark = pytest.mark.usefixtures("quick_retries")
QUICK = RunnerConfig(timeout_s=0.3)


def test_second_run_makes_no_call(store: ReplyStore) -> None:
    requests = [question(number) for number in range(50)]
    with FakeServer() as server:
        first, stats = ask_server(server, store, requests)
        second, stats_again = ask_server(server, store, requests)
    assert (stats.made, stats.ok, stats.from_store) == (50, 50, 0)
    assert (stats_again.made, stats_again.ok, stats_again.from_store) == (0, 0, 50)
    assert [reply.text for reply in first] == [reply.text for reply in second]
    assert [reply.text for reply in first] == [default_reply(chat_body(request)) for request in requests]
    assert server.stats.requests == 50


@pytest.mark.parametrize("fault", get_args(Fault))
def test_call_that_meets_a_fault_is_tried_again(fault: Fault, store: ReplyStore) -> None:
    request = question(1)
    faults = first_attempt_meets(fault, request, retry_after_s=0.01)
    with FakeServer(config=FakeServerConfig(faults=faults)) as server:
        (reply,), stats = ask_server(server, store, [request], QUICK)
    assert server.stats.faults == {fault: 1}
    assert (reply.status, reply.attempts, reply.text) == ("ok", 2, default_reply(chat_body(request)))
    assert (stats.made, stats.ok, stats.retries, stats.failed) == (2, 1, 1, 0)


def test_all_faults_together_change_no_reply(store: ReplyStore) -> None:
    requests = [question(number) for number in range(400)]
    rates: dict[Fault, float] = {"error": 0.1, "rate_limit": 0.05, "hang": 0.02, "drop": 0.02, "cut_json": 0.01}
    config = FakeServerConfig(faults=Faults({**rates, "cut_body": 0.01}, retry_after_s=0.02))
    with FakeServer(config=config) as server:
        replies, stats = ask_server(server, store, requests, QUICK)
    assert [reply.text for reply in replies] == [default_reply(chat_body(request)) for request in requests]
    assert stats.failed == 0
    assert set(server.stats.faults) == set(get_args(Fault))
    # on a busy machine a call may run out of time before the server has heard of it
    assert server.stats.requests <= stats.made == 400 + stats.retries
    assert store.info().replies == 400


def test_call_that_fails_every_time_is_failed_with_its_reason_and_not_stored(store: ReplyStore) -> None:
    with FakeServer(config=FakeServerConfig(faults=Faults({"error": 1.0}))) as server:
        (reply,), stats = ask_server(server, store, [question(1)], RunnerConfig(attempts=4))
        assert (reply.status, reply.attempts, reply.text) == ("failed", 4, "")
        assert "500" in reply.error
        assert "something broke" in reply.error
        assert (stats.made, stats.failed, stats.retries) == (4, 1, 3)
        assert store.info().replies == 0
        ask_server(server, store, [question(1)], RunnerConfig(attempts=1))
        assert server.stats.requests == 5


def test_retry_after_is_honoured_and_holds_no_place_meanwhile(store: ReplyStore) -> None:
    faults = first_attempt_meets("rate_limit", question(1), retry_after_s=0.4)

    class Selective(FakeServer):
        def _respond(self, head: bytes, content: bytes, digest: bytes, attempt: int):  # type: ignore[no-untyped-def]
            if b"Question 1?" in content:
                return super()._respond(head, content, digest, attempt)
            return self._answer(content, digest)

    async def both(server: FakeServer) -> tuple[float, float]:
        async with client_of(server) as client, Runner(client, store, RunnerConfig(concurrency=1)) as runner:
            started = time.monotonic()

            async def timed(number: int) -> float:
                assert (await runner.ask(question(number))).status == "ok"
                return time.monotonic() - started

            refused, other = await asyncio.gather(timed(1), timed(2))
            return refused, other

    with Selective(config=FakeServerConfig(faults=faults)) as server:
        refused_s, other_s = asyncio.run(both(server))
    assert refused_s >= 0.4
    assert other_s < 0.3


def test_reply_is_committed_before_it_is_returned(store: ReplyStore) -> None:
    async def ask(runner: Runner, number: int) -> bool:
        reply = await runner.ask(question(number))
        # no other task has run since: had the reply not been committed first, a kill now would lose it
        return store.get(reply.key) is not None

    async def run(server: FakeServer) -> list[bool]:
        async with client_of(server) as client, Runner(client, store) as runner:
            return await asyncio.gather(*(ask(runner, number) for number in range(100)))

    with FakeServer() as server:
        assert all(asyncio.run(run(server)))


def test_same_request_asked_twice_at_once_is_one_call(store: ReplyStore) -> None:
    with FakeServer(config=FakeServerConfig(latency_s=0.05)) as server:
        replies, stats = ask_server(server, store, [question(1)] * 5)
    assert stats.made == server.stats.requests == 1
    assert len({reply.text for reply in replies}) == 1


def test_cancelled_asker_does_not_take_those_who_wait_for_the_same_reply_along(store: ReplyStore) -> None:
    async def run(server: FakeServer) -> str:
        async with client_of(server) as client, Runner(client, store) as runner:
            first = asyncio.create_task(runner.ask(question(1)))
            await asyncio.sleep(0.02)
            second = asyncio.create_task(runner.ask(question(1)))
            await asyncio.sleep(0)
            first.cancel()
            return (await second).text

    with FakeServer(config=FakeServerConfig(latency_s=0.1)) as server:
        assert asyncio.run(run(server)) == default_reply(chat_body(question(1)))


def test_overloaded_server_gets_fewer_calls_at_once_and_every_call_is_answered(store: ReplyStore) -> None:
    async def run(server: FakeServer) -> tuple[int, int]:
        async with (
            client_of(server) as client,
            Runner(client, store, RunnerConfig(concurrency=64, attempts=50)) as runner,
        ):
            replies = await ask_all(runner, [question(number) for number in range(600)])
            assert all(reply.status == "ok" for reply in replies)
            return runner.limit, runner.in_flight

    with FakeServer(config=FakeServerConfig(latency_s=0.005, capacity=8)) as server:
        limit, in_flight = asyncio.run(run(server))
    assert limit <= 24
    assert in_flight == 0


def test_idle_server_gets_all_the_calls_allowed(store: ReplyStore) -> None:
    with FakeServer(config=FakeServerConfig(latency_s=0.02)) as server:
        ask_server(server, store, [question(number) for number in range(600)], RunnerConfig(concurrency=48))
    assert server.stats.max_in_flight == 48


def test_server_that_is_still_loading_is_waited_for(store: ReplyStore) -> None:
    config = FakeServerConfig(faults=Faults(warm_up_s=0.3))
    with FakeServer(config=config) as server:
        replies, stats = ask_server(server, store, [question(n) for n in range(50)], RunnerConfig(attempts=20))
    assert all(reply.status == "ok" for reply in replies)
    assert stats.retries > 0


def test_dead_server_stops_the_run_resumably(store: ReplyStore) -> None:
    with FakeServer() as server:
        pass
    config = RunnerConfig(give_up_s=0.2, attempts=10**6)
    started = time.monotonic()
    with pytest.raises(RunIncomplete, match="resumes"):
        ask_server(server, store, [question(number) for number in range(20)], config)
    assert time.monotonic() - started < 5


def test_server_that_refuses_every_call_stops_the_run(store: ReplyStore) -> None:
    with (
        FakeServer(config=FakeServerConfig(refused=("messages",))) as server,
        pytest.raises(RunFailed, match="refused in a row"),
    ):
        ask_server(server, store, [question(number) for number in range(1000)])
    assert server.stats.requests < 100


def test_cost_limit_stops_the_run_before_it_is_exceeded_and_keeps_what_was_paid(store: ReplyStore) -> None:
    short = Sampling(max_tokens=10)
    requests = [dataclasses.replace(question(number), sampling=short) for number in range(300)]
    # replies take 3 tokens (12 characters) at 1 each: 100 calls are affordable
    config = RunnerConfig(prices=Prices(0.0, 1e6), max_cost=300.0, concurrency=8)

    async def run(server: FakeServer) -> tuple[float | None, str]:
        async with client_of(server) as client, Runner(client, store, config) as runner:
            outcomes = await asyncio.gather(*(runner.ask(request) for request in requests), return_exceptions=True)
            reasons = {str(outcome) for outcome in outcomes if isinstance(outcome, RunIncomplete)}
            assert len(reasons) == 1
            assert not [o for o in outcomes if isinstance(o, BaseException) and not isinstance(o, RunIncomplete)]
            return runner.stats.cost, reasons.pop()

    with FakeServer(lambda body: "twelve chars") as server:
        cost, reason = asyncio.run(run(server))
    assert cost is not None
    assert 280.0 <= cost <= 300.0
    assert "--max-cost" in reason
    assert store.info().replies == round(cost / 3)


def test_tokens_are_estimated_where_the_server_does_not_count(store: ReplyStore) -> None:
    with FakeServer(lambda body: "x" * 40, FakeServerConfig(usage=False)) as server:
        _, stats = ask_server(server, store, [question(1)], RunnerConfig(prices=Prices(0.0, 1e6)))
    assert (stats.tokens_estimated, stats.output_tokens, stats.cost) == (True, 10, pytest.approx(10.0))


@pytest.mark.parametrize(
    "arguments",
    [{"concurrency": 0}, {"timeout_s": 0.0}, {"timeout_s": float("nan")}, {"attempts": 0}, {"max_cost": 1.0}],
    ids=str,
)
def test_impossible_settings_are_refused(arguments: dict[str, float]) -> None:
    with pytest.raises(InputError):
        RunnerConfig(**arguments)  # type: ignore[arg-type]


def test_lone_surrogates_in_a_caption_reach_the_server_as_replacement_characters(store: ReplyStore) -> None:
    with FakeServer() as server:
        (reply,), _ = ask_server(server, store, [ChatRequest("m", (Message("user", "a\ud800b"),))])
        assert reply.status == "ok"
        assert server.log[-1]["messages"][0]["content"] == "a\ufffdb"
