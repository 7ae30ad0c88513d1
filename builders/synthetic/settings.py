"""How large, long and fast the videos are."""

from __future__ import annotations

from dataclasses import dataclass

from vdc.errors import InputError, Problem

SMALLEST_FRAMES = 8
"""Fewer cannot show two shots and what joins them."""

SIZES = (32, 2048)
"""Smallest and largest side in pixels."""


@dataclass(frozen=True, slots=True)
class VideoSettings:
    """Form of a video.

    Args:
        size: Side of the square frame in pixels; even, because the video's colour planes have half the side.
        seconds: Length.
        fps: Frames per second, a whole number, constant.

    Raises:
        InputError: A value that makes no video; all of them are listed.
    """

    size: int = 224
    seconds: float = 4.0
    fps: int = 12

    def __post_init__(self) -> None:
        problems = []
        if self.size % 2 or not SIZES[0] <= self.size <= SIZES[1]:
            problems.append(
                Problem(f"size {self.size}", f"an even number from {SIZES[0]} to {SIZES[1]}", "for example --size 224")
            )
        if not 1 <= self.fps <= 60:
            problems.append(Problem(f"fps {self.fps}", "a number from 1 to 60", "for example --fps 12"))
        elif not 0 < self.seconds <= 60 or self.frames < SMALLEST_FRAMES:
            problems.append(
                Problem(
                    f"{self.seconds} seconds at {self.fps} frames per second",
                    f"at least {SMALLEST_FRAMES} frames and at most 60 seconds",
                    "for example --seconds 4 --fps 12",
                )
            )
        if problems:
            raise InputError(problems)

    @property
    def frames(self) -> int:
        """Number of frames."""
        return round(self.seconds * self.fps)
