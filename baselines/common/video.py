"""Reading frames with PyAV, from files whose headers may lie.

The number of frames decides which frames a model sees, so it is checked three ways: what the header says, what rate and
duration imply, and what really decodes. Where they disagree the decoder is right.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from vdc.errors import InputError, MissingExtra, Problem

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

logger = logging.getLogger(__name__)

Sampler = Callable[[int], list[int]]
"""From the number of frames to the indices wanted, rising."""

COUNT_TOLERANCE = 0.02
"""Relative disagreement between header and duration above which packets are counted."""


@dataclass(frozen=True, slots=True)
class VideoFrames:
    """Frames read from one file.

    Args:
        frames: ``(frames, height, width, 3)`` bytes, RGB.
        indices: Place of each in the video, in display order.
        total_frames: Frames in the video.
        average_fps: Frames a second; 0.0 where the file does not say.
        damaged: Decoding stopped before the end of the file.
    """

    frames: NDArray[np.uint8]
    indices: tuple[int, ...]
    total_frames: int
    average_fps: float
    damaged: bool = False


def read_frames(path: str | Path, sampler: Sampler) -> VideoFrames:
    """The frames that ``sampler`` picks.

    A file that breaks off is read as far as it goes: the indices are then picked again among the frames that decode, and
    the result says so. Variable frame rates need nothing special, because frames are counted and not timed.

    Args:
        path: A video file.
        sampler: Rule from the number of frames to indices, for example ``lambda total: uniform_with_last(total, 8)``.

    Raises:
        InputError: Missing file, no video stream, or not one frame that decodes.
        MissingExtra: PyAV is not installed.
    """
    expected, rate = _count(path)
    wanted = sampler(expected) if expected > 0 else []
    pictures, decoded, broken = _decode(path, set(wanted) if wanted else None)
    if wanted and len(pictures) < len(set(wanted)):
        logger.warning("%s: %d frames announced, %d decode; sampling again", path, expected, decoded)
        wanted = []
    if not wanted:
        if decoded == 0:
            raise InputError(
                Problem(
                    f"a video of which no frame decodes{f' ({broken})' if broken else ''}",
                    "a readable video",
                    "check it with ffprobe, or download it again",
                    str(path),
                )
            )
        wanted = sampler(decoded)
        missing = set(wanted) - pictures.keys()
        if missing:
            pictures, _, _ = _decode(path, set(wanted))
        expected = decoded
    frames = np.stack([pictures[index] for index in wanted])
    return VideoFrames(frames, tuple(wanted), expected, rate, damaged=bool(broken))


def iterate_frames(path: str | Path) -> Iterator[NDArray[np.uint8]]:
    """Every frame in display order, ``(height, width, 3)`` bytes, one at a time in memory.

    Raises:
        InputError: As :func:`read_frames`; a file that breaks off ends the iteration there, with a warning.
    """
    with _opened(path) as (container, stream):
        for frame in _frames(container, stream, path, []):
            yield frame.to_ndarray(format="rgb24")


def _count(path: str | Path) -> tuple[int, float]:
    """Frames in the file without decoding (0: unknown) and the average rate."""
    with _opened(path) as (container, stream):
        rate = float(stream.average_rate or 0)
        announced = stream.frames
        if stream.duration and stream.time_base:
            duration_s = float(stream.duration * stream.time_base)
        else:
            duration_s = (container.duration or 0) / 1_000_000
        implied = duration_s * rate
        if announced > 0 and implied and abs(announced - implied) <= max(1.5, COUNT_TOLERANCE * implied):
            return announced, rate
        return _count_packets(container, stream), rate


def _count_packets(container: InputContainer, stream: VideoStream) -> int:
    import av

    count = 0
    try:
        for packet in container.demux(stream):
            count += packet.size > 0
    except av.error.FFmpegError:
        logger.debug("%s breaks off after %d packets", container.name, count)
    return count


def _decode(
    path: str | Path, wanted: Collection[int] | None
) -> tuple[dict[int, NDArray[np.uint8]], int, str]:
    """Pictures by index, number of frames seen, and why decoding stopped early (empty: it did not).

    ``wanted`` None counts without keeping anything; otherwise decoding ends with the last index wanted.
    """
    pictures: dict[int, NDArray[np.uint8]] = {}
    last = max(wanted) if wanted else -1
    seen = 0
    broken: list[str] = []
    with _opened(path) as (container, stream):
        for frame in _frames(container, stream, path, broken):
            if wanted is not None and seen in wanted:
                pictures[seen] = frame.to_ndarray(format="rgb24")
            seen += 1
            if wanted is not None and seen > last:
                break
    return pictures, seen, broken[0] if broken else ""


def _frames(container: InputContainer, stream: VideoStream, path: str | Path, broken: list[str]) -> Iterator[object]:
    import av

    try:
        yield from container.decode(stream)
    except av.error.FFmpegError as error:
        broken.append(str(error))
        logger.warning("%s: decoding stopped early: %s", path, error)


@contextmanager
def _opened(path: str | Path) -> Iterator[tuple[InputContainer, VideoStream]]:
    try:
        import av
    except ImportError as error:
        raise MissingExtra("reading videos", "baselines") from error
    try:
        container = av.open(str(path))
    except FileNotFoundError as error:
        raise InputError(Problem("no file", "a video", "check the path", str(path))) from error
    except (av.error.FFmpegError, OSError) as error:
        raise InputError(
            Problem(
                f"a file that cannot be opened as a video ({error})",
                "a video file that FFmpeg reads",
                "check it with ffprobe, or download it again",
                str(path),
            )
        ) from error
    with container:
        if not container.streams.video:
            raise InputError(
                Problem("a file without a video stream", "a video", "give a file with pictures in it", str(path))
            )
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        yield container, stream
