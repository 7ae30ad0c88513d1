from __future__ import annotations

import io

import pytest

from vdc.llm.progress import StderrProgress, describe_progress
from vdc.llm.stats import CallStats, Meter, Progress


def snapshot(
    done: int = 480, *, total: int | None = 1200, finished: bool = False, eta_s: float | None = 3.4
) -> Progress:
    return Progress(done, total, CallStats(ok=900, retries=7, cost=0.25), 210.4, 64, 60, 62.0, eta_s, finished)


@pytest.mark.parametrize(
    ("progress", "line"),
    [
        pytest.param(
            snapshot(),
            "480/1,200 questions (40 %), 210 calls/s, 60/64 in flight, 7 retries, cost 0.2500, 3 s left",
            id="under way",
        ),
        pytest.param(
            snapshot(total=None, eta_s=None),
            "480 questions, 210 calls/s, 60/64 in flight, 7 retries, cost 0.2500",
            id="total unknown",
        ),
        pytest.param(
            snapshot(1200, finished=True),
            "1,200/1,200 questions (100 %), 210 calls/s, 7 retries, cost 0.2500, took 1 min 02 s",
            id="finished",
        ),
        pytest.param(
            Progress(5, 5, CallStats(from_store=10), 0.0, 64, 0, 4000.0, None, True),
            "5/5 questions (100 %), 10 from the store, took 1 h 06 min",
            id="all from the store",
        ),
    ],
)
def test_snapshot_in_a_line(progress: Progress, line: str) -> None:
    assert describe_progress(progress, "questions") == line


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_terminal_has_one_line_that_is_redrawn_and_ended() -> None:
    stream = Terminal()
    show = StderrProgress("questions", stream)
    show(snapshot())
    show(snapshot(total=None, eta_s=None))
    show(snapshot(1200, finished=True))
    drawn = stream.getvalue()
    assert drawn.count("\n") == 1
    assert drawn.endswith("\n")
    first, second = drawn.split("\r")[1:3]
    assert len(second) == len(first)


def test_log_file_gets_few_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("vdc.llm.progress.time.monotonic", lambda: now)
    stream = io.StringIO()
    show = StderrProgress("questions", stream)
    for _ in range(100):
        now += 0.25
        show(snapshot())
    show(snapshot(finished=True))
    assert len(stream.getvalue().splitlines()) == 4
    assert "\r" not in stream.getvalue()


def test_rate_is_that_of_the_last_ten_seconds() -> None:
    meter = Meter(now=0.0)
    for second in range(1, 21):
        rates = meter.rates(done=second, calls=2 * second, now=float(second))
    assert rates == pytest.approx((1.0, 2.0))
    for second in range(21, 41):
        rates = meter.rates(done=20, calls=40, now=float(second))
    assert rates == (0.0, 0.0)
    assert meter.elapsed_s(now=40.0) == 40.0
