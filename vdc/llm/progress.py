"""Progress of a run on stderr: one line that is redrawn on a terminal, a line every ten seconds elsewhere."""

from __future__ import annotations

import sys
import time
from typing import Final, TextIO

from vdc.llm.stats import Progress

_LOG_EVERY_S: Final = 10.0


class StderrProgress:
    """Writes snapshots; give it to ``run_ordered`` as ``progress``.

    Args:
        noun: What the items are, for example ``questions``.
        stream: Where to; stderr when not given.
    """

    def __init__(self, noun: str = "items", stream: TextIO | None = None) -> None:
        self._noun = noun
        self._stream = stream if stream is not None else sys.stderr
        self._terminal = self._stream.isatty()
        self._last_s: float | None = None
        self._width = 0

    def __call__(self, progress: Progress) -> None:
        """Shows a snapshot, or leaves it out where one was written not long ago."""
        now_s = time.monotonic()
        if self._terminal:
            line = describe_progress(progress, self._noun)
            self._stream.write("\r" + line.ljust(self._width) + ("\n" if progress.finished else ""))
            self._width = len(line)
        elif progress.finished or self._last_s is None or now_s - self._last_s >= _LOG_EVERY_S:
            self._last_s = now_s
            self._stream.write(describe_progress(progress, self._noun) + "\n")
        self._stream.flush()


def describe_progress(progress: Progress, noun: str = "items") -> str:
    """A snapshot in one line of plain text, for example ``480/1,200 questions (40 %), 210 calls/s, 3 s left``."""
    calls = progress.calls
    if progress.total:
        share = f" ({100 * progress.done / progress.total:.0f} %)"
        parts = [f"{progress.done:,}/{progress.total:,} {noun}{share}"]
    else:
        parts = [f"{progress.done:,} {noun}"]
    if calls.ok:
        parts.append(f"{progress.calls_per_s:,.0f} calls/s")
    if not progress.finished:
        parts.append(f"{progress.in_flight}/{progress.limit} in flight")
    for count, words in ((calls.from_store, "from the store"), (calls.retries, "retries"), (calls.failed, "failed")):
        if count:
            parts.append(f"{count:,} {words}")
    if calls.cost is not None:
        parts.append(f"cost {calls.cost:.4f}")
    if progress.finished:
        parts.append(f"took {_duration(progress.elapsed_s)}")
    elif progress.eta_s is not None:
        parts.append(f"{_duration(progress.eta_s)} left")
    return ", ".join(parts)


def _duration(seconds: float) -> str:
    whole = round(seconds)
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    if hours:
        return f"{hours} h {minutes:02} min"
    return f"{minutes} min {left:02} s" if minutes else f"{left} s"
