"""Progress of a training: one line on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from typing import Final, TextIO

from baselines.captioning.progress import duration
from baselines.training.curve import CurvePoint

_LOG_EVERY_S: Final = 10.0
_REDRAW_EVERY_S: Final = 0.2


class TrainProgress:
    """Tells step, stage, loss, rate and what is left.

    Args:
        stages: Stages of compression; 1 where there are none.
        stream: Where to; stderr when not given.
    """

    def __init__(self, stages: int = 1, stream: TextIO | None = None) -> None:
        self._stages = stages
        self._stream = sys.stderr if stream is None else stream
        self._terminal = self._stream.isatty()
        self._first: tuple[int, float] | None = None
        self._told_s: float | None = None
        self._width = 0

    def show(self, point: CurvePoint, steps: int, now_s: float | None = None) -> None:
        """Show a step, or leave it where a line was shown not long ago."""
        now_s = time.monotonic() if now_s is None else now_s
        if self._first is None:
            self._first = (point.step, now_s)
        done = point.step >= steps
        wait_s = _REDRAW_EVERY_S if self._terminal else _LOG_EVERY_S
        if not done and self._told_s is not None and now_s - self._told_s < wait_s:
            return
        self._told_s = now_s
        line = self.line(point, steps, now_s)
        if self._terminal:
            self._stream.write("\r" + line.ljust(self._width) + ("\n" if done else ""))
            self._width = len(line)
        else:
            self._stream.write(line + "\n")
        self._stream.flush()

    def line(self, point: CurvePoint, steps: int, now_s: float) -> str:
        """For example ``step 40/120 (33 %), stage 2/4, loss 3.214, 2.1 steps/s, 38 s left``."""
        parts = [f"step {point.step:,}/{steps:,} ({100 * point.step / steps:.0f} %)"]
        if self._stages > 1:
            parts.append(f"stage {point.stage}/{self._stages}")
        parts.append(f"loss {point.loss:.3f}")
        first, began_s = self._first or (point.step, now_s)
        if point.step > first and now_s > began_s:
            rate = (point.step - first) / (now_s - began_s)
            parts.append(f"{rate:.1f} steps/s" if rate >= 1 else f"{1 / rate:.1f} s per step")
            if point.step < steps:
                parts.append(f"{duration((steps - point.step) / rate)} left")
        return ", ".join(parts)
