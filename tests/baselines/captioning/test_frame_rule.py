from __future__ import annotations

from dataclasses import replace

import pytest

pytest.importorskip("numpy", reason="NumPy is not installed")

from baselines.captioning.frame_choice import DEFAULTS, Watcher, choose_frames
from baselines.captioning.frame_rule import FrameRule
from baselines.captioning.types import ModelSettings
from vdc.errors import InputError

NOTHING = ModelSettings("m")


@pytest.mark.parametrize(
    ("rule", "total", "rate", "expected"),
    [
        pytest.param(FrameRule(3), 10, 0.0, [0, 4, 9], id="so many"),
        pytest.param(FrameRule(8), 3, 0.0, [0, 1, 2], id="more than there are"),
        pytest.param(FrameRule(8, sampling="uniform"), 2, 0.0, [0, 1], id="never one twice"),
        pytest.param(FrameRule(fps=1.0), 10, 4.0, [0, 4, 8], id="one a second"),
        pytest.param(FrameRule(fps=30.0), 3, 4.0, [0, 1, 2], id="faster than the video"),
        pytest.param(FrameRule(2, 1.0), 10, 2.0, [0, 8], id="one a second, at most two"),
        pytest.param(FrameRule(5, 1.0), 4, 2.0, [0, 2], id="fewer than at most"),
    ],
)
def test_frames_are_picked_by_number_or_rate(rule: FrameRule, total: int, rate: float, expected: list[int]) -> None:
    assert rule.indices(total, rate) == expected


def test_a_video_without_a_rate_cannot_be_counted_in_seconds() -> None:
    with pytest.raises(InputError, match="--frames without --fps"):
        FrameRule(fps=1.0).indices(10, 0.0)


@pytest.mark.parametrize(
    ("watcher", "words"),
    [
        ("auroracap", "8 frames (uniform_with_last)"),
        ("llama_vid", "1 frame a second"),
        ("llavolta", "8 frames (uniform)"),
        ("hub", "8 frames (uniform_with_last)"),
        ("server", "8 frames (uniform_with_last)"),
    ],
)
def test_each_family_has_its_published_default(watcher: Watcher, words: str) -> None:
    assert str(choose_frames(NOTHING, watcher)) == words
    assert set(DEFAULTS) == {"auroracap", "llama_vid", "llavolta", "hub", "server"}


def test_what_the_user_says_wins_over_the_default() -> None:
    assert choose_frames(replace(NOTHING, frames=4), "llama_vid") == FrameRule(4, None, "uniform")
    assert choose_frames(replace(NOTHING, fps=2.0, frames=9), "auroracap") == FrameRule(9, 2.0, "uniform_with_last")


@pytest.mark.parametrize(
    ("settings", "found"),
    [
        pytest.param(ModelSettings("m", frames=0), "0 frames", id="no frames"),
        pytest.param(ModelSettings("m", fps=0.0), "--fps 0", id="no rate"),
        pytest.param(ModelSettings("m", fps=float("nan")), "--fps nan", id="no number"),
    ],
)
def test_no_frames_and_no_rate_are_refused(settings: ModelSettings, found: str) -> None:
    with pytest.raises(InputError, match=found):
        choose_frames(settings, "hub")
