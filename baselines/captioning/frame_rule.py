"""Which frames of a video: so many, or so many a second."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vdc.errors import InputError, Problem

if TYPE_CHECKING:
    from baselines.common.frame_sampling import SamplingRule


@dataclass(frozen=True, slots=True)
class FrameRule:
    """Which frames of a video.

    Args:
        frames: So many; with ``fps`` the most of them, thinned out evenly. None: no limit.
        fps: Frames a second; None: ``frames``, evenly.
        sampling: How frames are picked where they are counted alone.
    """

    frames: int | None = None
    fps: float | None = None
    sampling: SamplingRule = "uniform_with_last"

    def indices(self, total: int, rate: float) -> list[int]:
        """The frames of one video.

        Args:
            total: Frames it has.
            rate: Its frames a second; 0 where the file does not say.

        Returns:
            Rising; a video with fewer frames gives all it has.

        Raises:
            InputError: No frames, or frames a second of a video that does not say its own.
        """
        from baselines.common.frame_sampling import by_rate, sample_indices, uniform

        if self.fps is None:
            wanted = total if self.frames is None else self.frames
            return sample_indices(total, min(total, wanted), self.sampling)
        if not rate > 0:
            raise InputError(
                Problem(
                    "a video that does not say its frames a second",
                    f"a rate, to take {self.fps:g} of them a second",
                    "give --frames without --fps, or convert the video with ffmpeg",
                )
            )
        chosen = by_rate(total, rate, self.fps)
        if self.frames is None or len(chosen) <= self.frames:
            return chosen
        return [chosen[place] for place in uniform(len(chosen), self.frames)]

    def __str__(self) -> str:
        """In words, for records."""
        if self.fps is None:
            return "all frames" if self.frames is None else f"{self.frames} frames ({self.sampling})"
        count = "1 frame" if self.fps == 1 else f"{self.fps:g} frames"
        return f"{count} a second" + ("" if self.frames is None else f", at most {self.frames}")
