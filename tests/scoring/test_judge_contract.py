"""One contract, every judge: order and requests kept, failures are no verdicts, dropping the iterator ends the work."""

from __future__ import annotations

import gc
import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from scoring.captions import ReadyCaption
from scoring.judges.build import llm_judge
from scoring.judges.lexical import LexicalJudge
from scoring.judges.recorded import RecordedJudge
from scoring.judges.registry import BUILT_IN
from scoring.options import JudgeOptions
from scoring.parsing import parse_verdict
from scoring.run_folder import write_verdicts
from scoring.transports import OnlineCalls
from scoring.types import Judge, JudgeReply, JudgeRequest, Verdict
from scoring.verdict_table import judge_all, judge_requests, read_reply
from vdc.benchmark.model import Benchmark, Question
from vdc.errors import InputError
from vdc.llm.endpoint import parse_endpoint
from vdc.llm.fake_faults import Faults
from vdc.llm.fake_server import FakeServer, FakeServerConfig
from vdc.llm.runner import RunnerConfig
from vdc.llm.store import ReplyStore

UNICODE = {
    "emoji": ("Ein 🐕‍🦺 läuft 🏃🏽‍♀️ im Park 🌳.", "Was läuft? 🐕", "ein Hund 🐶"),
    "chinese": ("一只红色的风筝在海滩上空飞。", "风筝是什么颜色?", "红色"),
    "right to left": ("קלב רץ בגן והילדה צוחקת.", "מי צוחקת؟", "הילדה"),
    "combining": ("Cafe\u0301 a\u0308u\u0308o\u0308 \U0001d54f", "Ou\u0300?", "cafe\u0301"),
}


def benchmark(videos: int = 4, questions: int = 3) -> Benchmark:
    names = [f"v{number}" for number in range(videos)]
    asked: dict = {
        (name, "short"): tuple(
            Question(name, "short", index, f"What is thing {index} of {name}?", f"thing {index}")
            for index in range(questions)
        )
        for name in names
    }
    asked |= {
        (name, "camera"): (Question(name, "camera", 0, text[1], text[2]),)
        for name, text in zip(UNICODE, UNICODE.values(), strict=True)
    }
    return Benchmark("contract", "folder", "1", asked)


def captions(world: Benchmark) -> dict:
    return {
        key: ReadyCaption(UNICODE[key[0]][0] if key[0] in UNICODE else f"{key[0]} shows thing 0 and thing 1.")
        for key in world.questions
    }


def requests() -> list[JudgeRequest]:
    world = benchmark()
    return list(judge_requests(world, captions(world)))


@dataclass
class Maker:
    """Makes judges of every kind, and ends what they run on."""

    folder: Path
    resources: ExitStack

    def openai(
        self, config: FakeServerConfig | None = None, calls: RunnerConfig = RunnerConfig(concurrency=4)
    ) -> Judge:
        server = self.resources.enter_context(FakeServer(config=config))
        # a store of its own, so that what is the same twice was asked twice
        store = self.resources.enter_context(ReplyStore(self.folder / f"{server.port}.sqlite"))
        endpoint = parse_endpoint(server.base_url)
        return llm_judge(JudgeOptions(), OnlineCalls(endpoint, store, calls), "fake")

    def lexical(self) -> Judge:
        return LexicalJudge()

    def recorded(self, world: Benchmark | None = None) -> Judge:
        world = world or benchmark()
        path = self.folder / "verdicts.parquet"
        write_verdicts(path, judge_all(world, captions(world), LexicalJudge()))
        return RecordedJudge(path)


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Maker]:
    with ExitStack() as resources:
        yield Maker(tmp_path, resources)


@pytest.fixture(params=BUILT_IN)
def make_judge(request: pytest.FixtureRequest, make: Maker) -> Callable[[], Judge]:
    """Makes the judge named by the parameter; every built-in judge is one."""
    found: Callable[[], Judge] = getattr(make, request.param)
    return found


def test_order_and_requests_are_kept(make_judge: Callable[[], Judge]) -> None:
    asked = requests()
    replies = list(make_judge().judge(asked))
    assert [reply.request for reply in replies] == asked
    assert all(isinstance(reply, JudgeReply) for reply in replies)


def test_every_reply_to_a_whole_request_is_a_verdict(make_judge: Callable[[], Judge]) -> None:
    for reply in make_judge().judge(requests()):
        status, verdict = read_reply(reply)
        assert status == "judged"
        assert isinstance(verdict, Verdict)
        assert reply.answer


def test_nothing_asked_is_nothing_replied(make_judge: Callable[[], Judge]) -> None:
    assert list(make_judge().judge([])) == []


@pytest.mark.parametrize("name", UNICODE)
def test_any_script_goes_in_and_comes_back_unchanged(make_judge: Callable[[], Judge], name: str) -> None:
    caption, question, gold = UNICODE[name]
    request = JudgeRequest(Question(name, "camera", 0, question, gold), caption)
    (reply,) = make_judge().judge([request])
    assert reply.error == ""
    assert reply.request == request
    assert isinstance(parse_verdict(reply.raw), Verdict)


def test_the_same_twice_is_the_same(make_judge: Callable[[], Judge]) -> None:
    first, second = (list(make_judge().judge(requests())) for _ in range(2))
    assert [(reply.answer, reply.raw) for reply in first] == [(reply.answer, reply.raw) for reply in second]


def test_replies_come_before_the_requests_have_ended(make_judge: Callable[[], Judge]) -> None:
    replies = make_judge().judge(itertools.cycle(requests()))
    assert [next(replies).request for _ in range(30)] == list(itertools.islice(itertools.cycle(requests()), 30))


def test_dropping_the_iterator_ends_the_work(make_judge: Callable[[], Judge]) -> None:
    taken = 0

    def endless() -> Iterator[JudgeRequest]:
        nonlocal taken
        for request in itertools.cycle(requests()):
            taken += 1
            yield request

    threads = threading.active_count()
    judge = make_judge()
    own = threading.active_count() - threads
    replies = judge.judge(endless())
    next(replies)
    del replies
    gc.collect()
    assert threading.active_count() == threads + own
    seen = taken
    time.sleep(0.05)
    assert taken == seen


def test_it_says_what_it_is_in_plain_json(make_judge: Callable[[], Judge]) -> None:
    judge = make_judge()
    assert isinstance(judge, Judge)
    described = json.loads(json.dumps(judge.describe()))
    assert described["kind"] == judge.kind
    assert described["comparable"] is judge.comparable
    assert judge.kind in BUILT_IN
    assert "model" in described


def test_only_llm_judged_numbers_are_comparable(make: Maker) -> None:
    assert make.openai().comparable
    assert not make.lexical().comparable
    assert not make.recorded().comparable


def test_calls_that_time_out_are_failures_and_the_others_verdicts(make: Maker) -> None:
    faults = FakeServerConfig(faults=Faults(rates={"hang": 0.3}))
    judge = make.openai(faults, RunnerConfig(concurrency=64, timeout_s=0.2, attempts=1, give_up_s=30))
    asked = requests()
    replies = list(judge.judge(asked))
    assert [reply.request for reply in replies] == asked
    outcomes = [read_reply(reply) for reply in replies]
    assert {status for status, _ in outcomes} == {"judged", "failed"}
    for reply, (status, verdict) in zip(replies, outcomes, strict=True):
        assert (status == "failed") == ("no reply within" in reply.error)
        assert (verdict is None) == (status == "failed")


def test_what_was_not_recorded_is_a_failure(make: Maker) -> None:
    judge = make.recorded(benchmark(videos=3))
    outcomes = {reply.request.question.video_id: read_reply(reply)[0] for reply in judge.judge(requests())}
    assert outcomes["v2"] == "judged"
    assert outcomes["v3"] == "failed"


def test_a_recorded_question_with_another_text_is_a_failure(make: Maker) -> None:
    known = requests()[0]
    changed = JudgeRequest(Question("v0", "short", 0, "What else?", known.question.gold), known.caption)
    (reply,) = make.recorded().judge([changed])
    assert read_reply(reply) == ("failed", None)
    assert "another question" in reply.error


@pytest.mark.parametrize(
    ("content", "found"),
    [
        pytest.param(None, "no such file", id="absent"),
        pytest.param(b"PAR1 but not really", "no verdict table", id="no parquet"),
    ],
)
def test_a_file_without_verdicts_cannot_be_replayed(tmp_path: Path, content: bytes | None, found: str) -> None:
    path = tmp_path / "verdicts.parquet"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=found):
        RecordedJudge(path)
