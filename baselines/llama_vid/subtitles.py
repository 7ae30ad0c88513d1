"""Subtitles of a film and where they go between its frames.

Source: LLaMA-VID's feature extraction. Difference: a line of digits inside a subtitle is kept when asked for, because
a spoken "42" is not the number of the next block.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from baselines.llama_vid.prompts import IMAGE_MARK
from vdc.errors import InputError, Problem

_TIMES = re.compile(r"^(\S+)\s*-->\s*(\S+)")
_CLOCK = re.compile(r"^(\d+):(\d{1,2}):(\d{1,2})[,.](\d{1,3})$")


@dataclass(frozen=True, slots=True)
class Subtitle:
    """One subtitle.

    Args:
        start_s: When it appears, seconds.
        end_s: When it goes, seconds.
        text: One line.
    """

    start_s: float
    end_s: float
    text: str


def parse_srt(text: str, *, keep_digits: bool = False) -> list[Subtitle]:
    """Subtitles of a SubRip file; NUL characters and ellipses are left out, lines joined by a space.

    Args:
        text: The file.
        keep_digits: Keep lines that hold digits alone. The published parser loses them, and the released features were
            made with it.

    Raises:
        InputError: A time that cannot be read, with its line.
    """
    problems: list[Problem] = []
    made: list[Subtitle] = []
    times: tuple[float, float] | None = None
    lines: list[str] = []

    def finish() -> None:
        nonlocal times, lines
        if times is not None and lines:
            made.append(Subtitle(times[0], times[1], " ".join(lines)))
        times, lines = None, []

    rows = text.lstrip("\ufeff").replace("\x00", "").replace("...", "").splitlines()
    for number, raw in enumerate(rows, start=1):
        line = raw.strip()
        if found := _TIMES.match(line):
            finish()
            start, end = _seconds(found[1]), _seconds(found[2])
            if start is None or end is None:
                problems.append(
                    Problem(f"times {line!r}", "00:01:02,500 --> 00:01:04,000", "correct it", f"line {number}")
                )
            else:
                times = (start, end)
        elif line.isdigit() and not (keep_digits and times is not None and not _opens_block(rows, number)):
            if times is not None and lines:
                finish()
        elif line and times is not None:
            lines.append(line)
    finish()
    if problems:
        raise InputError(problems)
    return made


def _opens_block(rows: Sequence[str], number: int) -> bool:
    """Whether the line after line ``number`` (from 1) holds times."""
    return number < len(rows) and _TIMES.match(rows[number].strip()) is not None


def _seconds(clock: str) -> float | None:
    found = _CLOCK.match(clock)
    if not found:
        return None
    hours, minutes, seconds = (int(found[place]) for place in (1, 2, 3))
    return hours * 3600 + minutes * 60 + seconds + int(found[4].ljust(3, "0")) / 1000


def interleave(subtitles: Sequence[Subtitle], frame_times_s: Sequence[float]) -> str:
    """One mark per frame, each followed by the subtitles that end before the next one.

    Args:
        subtitles: In order.
        frame_times_s: When each frame is shown, rising.

    Returns:
        Marks and text; as published, what ends before the first frame follows the last one.
    """
    spoken: list[list[str]] = [[] for _ in frame_times_s]
    place = 0
    for subtitle in subtitles:
        while place < len(frame_times_s) and frame_times_s[place] < subtitle.end_s:
            place += 1
        if spoken:
            spoken[place - 1].append(subtitle.text)
    return "".join(IMAGE_MARK + " ".join(texts) for texts in spoken)
