from __future__ import annotations

import io

import pytest

from baselines.captioning.progress import CaptionProgress, duration


def test_rate_and_time_left_follow_from_the_counts() -> None:
    progress = CaptionProgress(100, io.StringIO(), now_s=0.0)
    assert progress.line(10, 0, finished=False, now_s=5.0) == "10/100 captions (10 %), 2.0 captions/s, 45 s left"


def test_slow_models_are_told_in_seconds_per_caption() -> None:
    progress = CaptionProgress(10, io.StringIO(), now_s=0.0)
    assert progress.line(1, 1, finished=False, now_s=8.0) == (
        "1/10 captions (20 %), 4.0 s per caption, 32 s left, 1 failed"
    )


def test_a_log_gets_a_line_every_ten_seconds_and_the_last() -> None:
    stream = io.StringIO()
    progress = CaptionProgress(10, stream, now_s=0.0)
    for moment in range(1, 9):
        progress.show(moment, 0, now_s=2.0 * moment)
    progress.show(10, 0, finished=True, now_s=17.0)
    lines = stream.getvalue().splitlines()
    assert [line.split()[0] for line in lines] == ["1/10", "6/10", "10/10"]
    assert lines[-1].endswith("took 17 s")


@pytest.mark.parametrize(("seconds", "words"), [(4.6, "5 s"), (200, "3 min 20 s"), (7500, "2 h 05 min")])
def test_durations_are_told_in_words(seconds: float, words: str) -> None:
    assert duration(seconds) == words
