from __future__ import annotations

import asyncio
import gc
import itertools
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.vdc.llm.conversations import client_of, question
from vdc.errors import RunFailed
from vdc.llm.fake_faults import Faults
from vdc.llm.fake_server import FakeServer, FakeServerConfig, default_reply
from vdc.llm.loop import COLLECT_AFTER
from vdc.llm.ordered import replies_in_order, run_ordered
from vdc.llm.runner import RunnerConfig
from vdc.llm.stats import Progress
from vdc.llm.store import ReplyStore
from vdc.llm.types import Ask, ChatRequest, Message

ROOT = Path(__file__).parents[3]


def llm_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "vdc-llm"]


def test_results_come_in_the_order_of_the_items_whatever_the_replies_do(store: ReplyStore) -> None:
    async def job(number: int, ask: Ask) -> tuple[int, str]:
        await asyncio.sleep((number * 7919 % 13) / 1000)
        return number, (await ask(question(number))).text

    with FakeServer() as server:
        run = run_ordered(range(300), job, client=client_of(server), store=store)
        results = list(run)
    assert [number for number, _ in results] == list(range(300))
    assert run.stats.ok == 300
    assert not llm_threads()


def test_job_may_ask_again_about_what_it_was_told(store: ReplyStore) -> None:
    async def job(number: int, ask: Ask) -> str:
        answer = await ask(question(number))
        check = ChatRequest("m", (Message("user", f"Is {answer.text} right? Give pred and score."),), scope=str(number))
        return (await ask(check)).text

    with FakeServer() as server:
        verdicts = list(run_ordered(range(20), job, client=client_of(server), store=store))
    assert all(verdict.startswith('{"pred"') for verdict in verdicts)
    assert server.stats.requests == 40


def test_no_items_give_no_results(store: ReplyStore) -> None:
    with FakeServer() as server:
        assert list(replies_in_order([], client=client_of(server), store=store)) == []


def test_endless_items_are_taken_only_as_results_are_consumed(store: ReplyStore) -> None:
    taken = 0

    def endless() -> Iterator[ChatRequest]:
        nonlocal taken
        for number in itertools.count():
            taken = number + 1
            yield question(number)

    async def job(request: ChatRequest, ask: Ask) -> str:
        return (await ask(request)).text

    with (
        FakeServer() as server,
        run_ordered(endless(), job, client=client_of(server), store=store, window=40) as run,
    ):
        next(run)
        time.sleep(0.3)
        after_one = taken
        for _ in range(100):
            next(run)
        time.sleep(0.2)
        after_more = taken
    # what one hand-over brought counts as consumed
    assert after_one <= 2 * 40
    assert 101 <= after_more <= 101 + 2 * 40


def test_closing_stops_the_calls_and_keeps_the_replies(store: ReplyStore) -> None:
    with FakeServer(config=FakeServerConfig(latency_s=0.02)) as server:
        requests = (question(number) for number in itertools.count())
        with replies_in_order(requests, client=client_of(server), store=store, config=RunnerConfig(8)) as run:
            for _ in range(30):
                next(run)
        made = server.stats.requests
        assert not llm_threads()
        # A reply may be committed and its call cancelled before it is counted; never the other way round.
        assert store.info().replies >= run.stats.ok >= 30
        time.sleep(0.1)
        assert server.stats.requests == made
        assert server.stats.in_flight == 0


def test_dropped_iterator_ends_its_thread(store: ReplyStore) -> None:
    with FakeServer() as server:
        run = replies_in_order(
            (question(number) for number in itertools.count()), client=client_of(server), store=store
        )
        next(run)
        assert llm_threads()
        del run
        gc.collect()
        assert not llm_threads()


def test_error_in_a_job_reaches_the_caller_as_it_is(store: ReplyStore) -> None:
    async def job(number: int, ask: Ask) -> int:
        await ask(question(number))
        if number == 20:
            raise ZeroDivisionError("a defect")
        return number

    with FakeServer() as server:
        run = run_ordered(itertools.count(), job, client=client_of(server), store=store)
        with pytest.raises(ZeroDivisionError, match="a defect"):
            list(run)
    assert not llm_threads()


def test_error_in_the_items_reaches_the_caller_as_it_is(store: ReplyStore) -> None:
    def items() -> Iterator[ChatRequest]:
        yield question(1)
        raise LookupError("no more")

    with FakeServer() as server, pytest.raises(LookupError, match="no more"):
        list(replies_in_order(items(), client=client_of(server), store=store))


def test_stopped_run_yields_what_it_has_then_says_why(store: ReplyStore) -> None:
    class Revoked(FakeServer):
        def _answer(self, content: bytes, digest: bytes):  # type: ignore[no-untyped-def]
            from vdc.llm.fake_server import _error

            return _error(401, "revoked", "x") if self.stats.answered >= 50 else super()._answer(content, digest)

    received = 0
    with Revoked() as server:
        run = replies_in_order((question(n) for n in range(10_000)), client=client_of(server), store=store)
        started = time.monotonic()
        with pytest.raises(RunFailed, match="VDC_API_KEY"):
            for reply in run:
                assert reply.status == "ok"
                received += 1
    assert time.monotonic() - started < 5
    assert received <= 50 == store.info().replies
    assert received >= 1


def test_run_that_stops_while_nobody_takes_results_still_ends(store: ReplyStore) -> None:
    config = FakeServerConfig(api_key="needed")
    with FakeServer(config=config) as server:
        stored = [question(number) for number in range(60)]
        with FakeServer() as other:
            list(replies_in_order(stored, client=client_of(other), store=store))
        requests = itertools.chain(stored, (question(number) for number in itertools.count(1000)))
        run = run_ordered(requests, ask_one, client=client_of(server), store=store, window=62)
        time.sleep(0.3)
        started = time.monotonic()
        with pytest.raises(RunFailed):
            list(run)
        assert time.monotonic() - started < 3


async def ask_one(request: ChatRequest, ask: Ask) -> str:
    return (await ask(request)).text


def test_one_hanging_call_does_not_hold_up_the_others(store: ReplyStore) -> None:
    class HangsOnce(FakeServer):
        def _respond(self, head: bytes, content: bytes, digest: bytes, attempt: int):  # type: ignore[no-untyped-def]
            if b"Question 0?" in content and attempt == 0:
                return self._faulty("hang")
            return super()._respond(head, content, digest, attempt)

    with HangsOnce() as server:
        config = RunnerConfig(concurrency=4, timeout_s=1.0)
        run = replies_in_order((question(n) for n in range(200)), client=client_of(server), store=store, config=config)
        time.sleep(0.6)
        answered_meanwhile = server.stats.answered
        replies = list(run)
    assert answered_meanwhile == 199
    assert replies[0].attempts == 2


def test_progress_is_told_in_steps_and_at_the_end(store: ReplyStore) -> None:
    seen: list[Progress] = []
    with FakeServer(config=FakeServerConfig(latency_s=0.02)) as server:
        run = run_ordered(
            [question(number) for number in range(400)],
            ask_one,
            client=client_of(server),
            store=store,
            config=RunnerConfig(concurrency=8),
            total=400,
            progress=seen.append,
        )
        list(run)
    assert len(seen) >= 2
    assert [progress.done for progress in seen] == sorted(progress.done for progress in seen)
    assert seen[-1].finished
    assert (seen[-1].done, seen[-1].total, seen[-1].calls.ok) == (400, 400, 400)
    assert seen[1].eta_s is not None
    assert 0 < seen[0].in_flight <= 8


def test_garbage_collector_is_left_as_it_was(store: ReplyStore) -> None:
    before = gc.get_threshold()
    with FakeServer() as server:
        requests = (question(number) for number in itertools.count())
        with (
            replies_in_order(requests, client=client_of(server), store=store) as one,
            replies_in_order([question(-1)], client=client_of(server), store=store) as other,
        ):
            next(one)
            next(other)
            assert gc.get_threshold()[0] == COLLECT_AFTER
        assert gc.get_threshold() == before


SCRIPT = """
import itertools, sys
from tests.vdc.llm.conversations import question
from vdc.llm.client import ChatClient
from vdc.llm.endpoint import parse_endpoint
from vdc.llm.loop import COLLECT_AFTER
from vdc.llm.ordered import replies_in_order
from vdc.llm.runner import RunnerConfig
from vdc.llm.store import ReplyStore
with ReplyStore(sys.argv[2]) as store:
    client = ChatClient(parse_endpoint(sys.argv[1], {}), store)
    requests = (question(number) for number in range(int(sys.argv[3])))
    run = replies_in_order(requests, client=client, store=store, config=RunnerConfig(concurrency=8))
    try:
        for reply in run:
            assert reply.status == "ok"
    except KeyboardInterrupt:
        print("stored", store.info().replies)
        sys.exit(130)
"""


def start_run(server: FakeServer, path: Path, calls: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", SCRIPT, server.base_url, str(path), str(calls)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def wait_until_answered(server: FakeServer, count: int) -> None:
    deadline = time.monotonic() + 20
    while server.stats.answered < count:
        assert time.monotonic() < deadline, "the run makes no headway"
        time.sleep(0.002)


@pytest.mark.parametrize("kill_at", [3, 77, 250])
def test_killed_run_repeats_at_most_the_calls_in_flight(kill_at: int, tmp_path: Path) -> None:
    path = tmp_path / "replies.sqlite"
    with FakeServer(config=FakeServerConfig(latency_s=0.005)) as server:
        killed = start_run(server, path, 400)
        wait_until_answered(server, kill_at)
        killed.kill()
        killed.wait()
        assert server.stats.requests < 400
        with ReplyStore(path) as store:
            requests = [question(number) for number in range(400)]
            replies = list(replies_in_order(requests, client=client_of(server), store=store))
    assert [reply.text for reply in replies] == [default_reply({"messages": messages(n)}) for n in range(400)]
    assert server.stats.requests - server.stats.distinct <= 8


def messages(number: int) -> list[dict[str, object]]:
    return [{"role": message.role, "content": message.content} for message in question(number).messages]


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C cannot be sent to one process there")
def test_interrupted_run_ends_at_once_and_keeps_what_it_was_told(tmp_path: Path) -> None:
    path = tmp_path / "replies.sqlite"
    with FakeServer(config=FakeServerConfig(latency_s=0.01, faults=Faults({"hang": 0.01}))) as server:
        interrupted = start_run(server, path, 100_000)
        wait_until_answered(server, 200)
        interrupted.send_signal(signal.SIGINT)
        output, _ = interrupted.communicate(timeout=10)
        assert interrupted.returncode == 130
        stored = int(output.split()[1])
        assert server.stats.answered - 8 <= stored <= server.stats.answered
