"""Which frames of a video a model sees. Pure functions from frame counts to indices; nothing is decoded here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np

from vdc.errors import InputError, Problem, unknown_name

SamplingRule = Literal["uniform_with_last", "uniform", "strided"]


def _check(total_frames: int, num_frames: int) -> None:
    problems = []
    if total_frames < 1:
        problems.append(
            Problem(
                f"a video of {total_frames} frames", "at least one frame", "check that the file holds a video stream"
            )
        )
    if num_frames < 1:
        problems.append(Problem(f"{num_frames} frames asked for", "one frame or more", "raise the number of frames"))
    if problems:
        raise InputError(problems)


def uniform_with_last(total_frames: int, num_frames: int) -> list[int]:
    """Evenly spaced frames from first to last, the last one always among them.

    ``linspace(0, total - 1, min(total, num))`` truncated; the last index is appended where truncation lost it, so one
    frame asked for gives two, first and last.

    Args:
        total_frames: Frames in the video.
        num_frames: Frames wanted.

    Returns:
        Strictly rising indices in ``[0, total_frames)``, at most ``num_frames + 1`` of them.

    Raises:
        InputError: Either number is below one.

    Source: AuroraCap, the PyAV reader of the published inference script.
    """
    _check(total_frames, num_frames)
    indices = uniform(total_frames, min(total_frames, num_frames))
    return indices if indices[-1] == total_frames - 1 else [*indices, total_frames - 1]


def uniform(total_frames: int, num_frames: int) -> list[int]:
    """``linspace(0, total - 1, num)`` truncated: always ``num`` indices, repeated where the video is shorter.

    Raises:
        InputError: Either number is below one.

    Source: the decord branch of AuroraCap's evaluation wrapper.
    """
    _check(total_frames, num_frames)
    return [int(index) for index in np.linspace(0, total_frames - 1, num_frames)]


def strided(total_frames: int, num_frames: int) -> list[int]:
    """``arange(0, total, total / num)`` truncated: starts of equal parts, never the end of the video.

    Raises:
        InputError: Either number is below one.

    Source: the example of AuroraCap's transformers beta.
    """
    _check(total_frames, num_frames)
    return [int(index) for index in np.arange(0, total_frames, total_frames / num_frames)]


def by_rate(total_frames: int, average_fps: float, fps: float) -> list[int]:
    """One frame every ``round(average_fps / fps)`` frames, starting at the first.

    Args:
        total_frames: Frames in the video.
        average_fps: Frames a second in the file.
        fps: Frames a second wanted. Where the file has fewer than that, every frame is taken.

    Raises:
        InputError: No frames, or a rate that is not positive.

    Source: LLaMA-VID's video loader (which fails where the stride rounds to zero).
    """
    _check(total_frames, 1)
    if not (average_fps > 0 and fps > 0):
        raise InputError(
            Problem(f"{average_fps} frames a second sampled at {fps}", "positive rates", "give a rate, for example 1.0")
        )
    return list(range(0, total_frames, max(1, round(average_fps / fps))))


def at_times(times_s: Sequence[float], average_fps: float, total_frames: int) -> list[int]:
    """The frame at each moment: index ``int(time * fps)``, the last frame for moments after the end.

    Raises:
        InputError: No frames, no moments, a moment before the start, or a rate that is not positive.
    """
    _check(total_frames, 1)
    if not times_s or min(times_s) < 0 or not average_fps > 0:
        raise InputError(
            Problem(
                f"moments {list(times_s)[:5]} at {average_fps} frames a second",
                "one moment or more, none negative, and a positive rate",
                "give seconds from the start of the video",
            )
        )
    return [min(int(time * average_fps), total_frames - 1) for time in times_s]


RULES: dict[str, Callable[[int, int], list[int]]] = {
    "uniform_with_last": uniform_with_last,
    "uniform": uniform,
    "strided": strided,
}
"""Rules that need only the number of frames there are and the number wanted."""


def sample_indices(total_frames: int, num_frames: int, rule: SamplingRule = "uniform_with_last") -> list[int]:
    """Indices by the rule of that name.

    Raises:
        InputError: Unknown rule, or a number below one.
    """
    if rule not in RULES:
        raise InputError(unknown_name("sampling rule", rule, RULES))
    return RULES[rule](total_frames, num_frames)
