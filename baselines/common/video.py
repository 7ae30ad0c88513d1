"""Reading frames with PyAV, from files whose headers may lie.

The number of frames decides which frames a model sees, so it is checked three ways: what the header says, what rate and
duration imply, and what really decodes. Where they disagree the decoder is right.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from vdc.errors import InputError, MissingExtra, Problem

if TYPE_CHECKING:
    from av import VideoFrame
    from av.container import InputContainer
    from av.video.stream import VideoStream

logger = logging.getLogger(__name__)

Sampler = Callable[[int], list[int]]
"""From the number of frames to the indices wanted, rising."""

COUNT_TOLERANCE = 0.02
"""Relative disagreement between header and duration above which packets are counted."""


Prepare = Callable[[NDArray[np.uint8]], NDArray[Any]]
"""From one picture ``(height, width, 3)`` to an array; called from several threads."""


@dataclass(frozen=True, slots=True)
class VideoFrames:
    """Frames read from one file.

    Args:
        frames: ``(frames, height, width, 3)`` bytes, RGB; or what the caller's preparation made of each, stacked.
        indices: Place of each in the video, in display order.
        total_frames: Frames in the video.
        average_fps: Frames a second; 0.0 where the file does not say.
        damaged: Decoding stopped before the end of the file.
    """

    frames: NDArray[Any]
    indices: tuple[int, ...]
    total_frames: int
    average_fps: float
    damaged: bool = False


def read_frames(path: str | Path, sampler: Sampler, prepare: Prepare | None = None) -> VideoFrames:
    """The frames that ``sampler`` picks.

    A file that breaks off is read as far as it goes: the indices are then picked again among the frames that decode,
    and the result says so. Variable frame rates need nothing special, because frames are counted and not timed.

    Args:
        path: A video file.
        sampler: Rule from the number of frames to indices, for example ``lambda total: uniform_with_last(total, 8)``.
        prepare: What to do with each frame, in threads and while later frames decode; None keeps the bytes.

    Raises:
        InputError: Missing file, no video stream, or not one frame that decodes.
        MissingExtra: PyAV is not installed.
    """
    with _opened(path) as (container, stream):
        rate = float(stream.average_rate or 0)
        expected = _announced(container, stream, rate)
        first = None if expected is None else _decode(container, stream, path, sampler(expected), prepare)
    if expected is None:
        with _opened(path) as (container, stream):
            expected = _count_packets(container, stream)
        with _opened(path) as (container, stream):
            first = _decode(container, stream, path, sampler(expected) if expected else [], prepare)
    if first is None or first.seen == 0:
        reason = first.broken if first else ""
        raise InputError(
            Problem(
                f"a video of which no frame decodes{f' ({reason})' if reason else ''}",
                "a readable video",
                "check it with ffprobe, or download it again",
                str(path),
            )
        )
    if first.complete:
        return VideoFrames(first.stacked(), first.wanted, expected, rate, damaged=bool(first.broken))
    logger.warning("%s: %d frames announced, %d decode; sampling again", path, expected, first.seen)
    with _opened(path) as (container, stream):
        again = _decode(container, stream, path, sampler(first.seen), prepare)
    return VideoFrames(again.stacked(), again.wanted, first.seen, rate, damaged=bool(first.broken))


def iterate_frames(path: str | Path) -> Iterator[NDArray[np.uint8]]:
    """Every frame in display order, ``(height, width, 3)`` bytes, one at a time in memory.

    Raises:
        InputError: As :func:`read_frames`; a file that breaks off ends the iteration there, with a warning.
    """
    with _opened(path) as (container, stream):
        for frame in _frames(container, stream, path, []):
            yield _rgb(frame)


def _announced(container: InputContainer, stream: VideoStream, rate: float) -> int | None:
    """Frames by the header, where rate and duration agree with it; None: they have to be counted."""
    if stream.duration and stream.time_base:
        duration_s = float(stream.duration * stream.time_base)
    else:
        duration_s = (container.duration or 0) / 1_000_000
    implied = duration_s * rate
    if stream.frames > 0 and implied and abs(stream.frames - implied) <= max(1.5, COUNT_TOLERANCE * implied):
        return stream.frames
    return None


def _count_packets(container: InputContainer, stream: VideoStream) -> int:
    import av

    count = 0
    try:
        for packet in container.demux(stream):
            count += packet.size > 0
    except av.error.FFmpegError:
        logger.debug("%s breaks off after %d packets", container.name, count)
    return count


@dataclass(frozen=True, slots=True)
class _Decoded:
    """Frames by index, how many were seen, and why decoding stopped early (empty: it did not)."""

    wanted: tuple[int, ...]
    arrays: dict[int, NDArray[Any]]
    seen: int
    broken: str

    @property
    def complete(self) -> bool:
        return bool(self.wanted) and all(index in self.arrays for index in self.wanted)

    def stacked(self) -> NDArray[Any]:
        return np.stack([self.arrays[index] for index in self.wanted])


def _decode(
    container: InputContainer, stream: VideoStream, path: str | Path, wanted: Sequence[int], prepare: Prepare | None
) -> _Decoded:
    """Decode up to the last index wanted, or to the end where none is: that counts the frames."""
    chosen = set(wanted)
    last = max(chosen, default=-1)
    seen = 0
    broken: list[str] = []
    pending: dict[int, Future[NDArray[Any]]] = {}
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        for frame in _frames(container, stream, path, broken):
            if seen in chosen:
                pending[seen] = pool.submit(_prepared, frame, prepare)
            seen += 1
            if chosen and seen > last:
                break
        arrays = {index: future.result() for index, future in pending.items()}
    return _Decoded(tuple(wanted), arrays, seen, broken[0] if broken else "")


def _prepared(frame: VideoFrame, prepare: Prepare | None) -> NDArray[Any]:
    picture = _rgb(frame)
    return picture if prepare is None else prepare(picture)


def _rgb(frame: VideoFrame) -> NDArray[np.uint8]:
    return np.asarray(frame.to_ndarray(format="rgb24"), dtype=np.uint8)


def _frames(
    container: InputContainer, stream: VideoStream, path: str | Path, broken: list[str]
) -> Iterator[VideoFrame]:
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
