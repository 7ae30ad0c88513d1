"""Progress of a captioning run: one line on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from typing import Final, TextIO

from vdc.llm.stats import Meter

_LOG_EVERY_S: Final = 10.0
_REDRAW_EVERY_S: Final = 0.2


class CaptionProgress:
    """Tells how far a run is, how fast it goes and how long it will take.

    Args:
        total: Captions to write.
        stream: Where to; stderr when not given.
        now_s: Start on the monotonic clock; the clock when not given.
    """

    def __init__(self, total: int, stream: TextIO | None = None, now_s: float | None = None) -> None:
        self._total = total
        self._stream = sys.stderr if stream is None else stream
        self._terminal = self._stream.isatty()
        self._meter = Meter(now_s)
        self._told_s: float | None = None
        self._width = 0

    def show(self, done: int, failed: int, *, finished: bool = False, now_s: float | None = None) -> None:
        """Show the counts, or leave it where a line was shown not long ago."""
        now_s = time.monotonic() if now_s is None else now_s
        line = self.line(done, failed, finished=finished, now_s=now_s)
        wait_s = _REDRAW_EVERY_S if self._terminal else _LOG_EVERY_S
        if not finished and self._told_s is not None and now_s - self._told_s < wait_s:
            return
        self._told_s = now_s
        if self._terminal:
            self._stream.write("\r" + line.ljust(self._width) + ("\n" if finished else ""))
            self._width = len(line)
        else:
            self._stream.write(line + "\n")
        self._stream.flush()

    def line(self, done: int, failed: int, *, finished: bool, now_s: float) -> str:
        """The counts in words, for example ``40/100 captions (40 %), 2.0 captions/s, 30 s left, 5 failed``."""
        share = f" ({100 * (done + failed) / self._total:.0f} %)" if self._total else ""
        parts = [f"{done:,}/{self._total:,} captions{share}"]
        rate, _ = self._meter.rates(done + failed, 0, now_s)
        if finished:
            parts.append(f"took {duration(self._meter.elapsed_s(now_s))}")
        elif rate > 0:
            parts.append(f"{rate:.1f} captions/s" if rate >= 1 else f"{1 / rate:.1f} s per caption")
            parts.append(f"{duration((self._total - done - failed) / rate)} left")
        if failed:
            parts.append(f"{failed:,} failed")
        return ", ".join(parts)


def duration(seconds: float) -> str:
    """Seconds in words: ``5 s``, ``3 min 20 s``, ``2 h 05 min``."""
    hours, rest = divmod(round(seconds), 3600)
    minutes, left = divmod(rest, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {left:02} s" if minutes else f"{left} s"
