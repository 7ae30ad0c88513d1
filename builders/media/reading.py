"""Videos nobody vouched for: what is in a file, and its frames one by one with their times.

A file that cannot be used raises :class:`UnusableVideo` with a stable reason: a pipeline counts it and goes on.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, cast

import numpy as np
from numpy.typing import NDArray

from vdc.errors import MissingExtra

if TYPE_CHECKING:
    from av import VideoFrame
    from av.container import InputContainer
    from av.video.stream import VideoStream

VideoFault = Literal[
    "empty_file", "unreadable", "no_video_stream", "wrong_extension", "no_frames", "one_frame", "damaged"
]

VIDEO_ENDINGS: Final = frozenset(
    (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".m2ts", ".ogv", ".flv", ".wmv", ".3gp")
)
"""File endings taken for videos, in lower case."""

_SIGNATURES: Final = ((4, b"ftyp"), (0, b"\x1a\x45\xdf\xa3"), (0, b"FLV\x01"), (0, b"\x00\x00\x01\xba"), (8, b"AVI "))
_STILL_FORMATS: Final = ("image2", "png_pipe", "jpeg_pipe", "gif", "webp_pipe", "bmp_pipe", "tty", "srt", "webvtt")


class UnusableVideo(Exception):
    """A video file that cannot be used.

    Args:
        reason: Stable id of what is wrong.
        found: What is there, in words.
        do_next: What its owner can do.
    """

    def __init__(self, reason: VideoFault, found: str, do_next: str) -> None:
        self.reason = reason
        self.found = found
        self.do_next = do_next
        # all three, so that the exception survives pickling between processes
        super().__init__(reason, found, do_next)

    def __str__(self) -> str:
        return f"{self.reason}: found {self.found}; do next: {self.do_next}"


@dataclass(frozen=True, slots=True)
class VideoHeader:
    """What the file says of itself; it may be wrong, only decoding tells.

    Args:
        container: FFmpeg's name of the format, for example ``mov,mp4,m4a,3gp,3g2,mj2``.
        codec: For example ``h264``.
        width, height: Pixels as stored, before any rotation.
        fps: Average frames per second, 0.0 when not said.
        duration_s: Seconds, 0.0 when not said.
    """

    container: str
    codec: str
    width: int
    height: int
    fps: float
    duration_s: float


@dataclass(frozen=True, slots=True)
class Frame:
    """One decoded frame.

    Args:
        index: Place in display order, from 0.
        time_s: Presentation time from the start of the stream, seconds.
        duration_s: How long it is shown as the file says, 0.0 when not said.
        picture: The decoder's frame.
    """

    index: int
    time_s: float
    duration_s: float
    picture: VideoFrame

    def rgb(self, longest_side: int | None = None) -> NDArray[np.uint8]:
        """The picture upright as ``(height, width, 3)`` bytes, RGB, shrunk to the longest side where it is larger."""
        return self._array("rgb24", longest_side)

    def bgr(self, longest_side: int | None = None) -> NDArray[np.uint8]:
        """As :meth:`rgb` with the channels in the order that OpenCV wants."""
        return self._array("bgr24", longest_side)

    def gray(self, longest_side: int | None = None) -> NDArray[np.uint8]:
        """The picture upright as ``(height, width)`` bytes of luma from 0 to 255."""
        return self._array("gray", longest_side)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the upright picture, pixels."""
        width, height = self.picture.width, self.picture.height
        return (height, width) if self.picture.rotation % 180 else (width, height)

    def _array(self, form: str, longest_side: int | None) -> NDArray[np.uint8]:
        width, height = fit(self.picture.width, self.picture.height, longest_side)
        pixels = cast("NDArray[np.uint8]", self.picture.to_ndarray(width=width, height=height, format=form))
        # telephones store pictures as the sensor lies and say how to turn them, counter-clockwise
        turns = round(self.picture.rotation / 90) % 4
        return np.ascontiguousarray(np.rot90(pixels, turns)) if turns else pixels


def fit(width: int, height: int, longest_side: int | None) -> tuple[int, int]:
    """Size with the same proportions whose longer side is at most ``longest_side``; both sides even, at least 2."""
    if longest_side is None or max(width, height) <= longest_side:
        return width, height
    scale = longest_side / max(width, height)
    return max(2, 2 * round(width * scale / 2)), max(2, 2 * round(height * scale / 2))


def looks_like_video(path: Path) -> bool:
    """Whether the first bytes are those of a video container, whatever the file is called.

    Raises:
        OSError: The file cannot be read.
    """
    with path.open("rb") as file:
        head = file.read(16)
    return any(head[offset : offset + len(mark)] == mark for offset, mark in _SIGNATURES)


def read_header(path: Path) -> VideoHeader:
    """What a video file says of itself, without decoding it.

    Raises:
        UnusableVideo: Empty, not readable as a video, or without a video stream.
        MissingExtra: PyAV is not installed.
    """
    with _opened(path) as (container, stream):
        if stream.duration and stream.time_base:
            duration_s = float(stream.duration * stream.time_base)
        else:
            duration_s = (container.duration or 0) / 1_000_000
        return VideoHeader(
            container=container.format.name,
            codec=stream.codec_context.name,
            width=stream.codec_context.width,
            height=stream.codec_context.height,
            fps=float(stream.average_rate or 0),
            duration_s=duration_s,
        )


def iterate_frames(path: Path, *, threads: int = 0) -> Iterator[Frame]:
    """Every frame in display order, one at a time in memory; times never go back.

    Args:
        path: A video file.
        threads: Decoder threads; 0 lets FFmpeg choose.

    Raises:
        UnusableVideo: As :func:`read_header`; ``damaged`` where decoding breaks off; ``no_frames`` where none decodes.
        MissingExtra: PyAV is not installed.
    """
    import av

    with _opened(path) as (container, stream):
        stream.thread_type = "AUTO"
        stream.codec_context.thread_count = threads
        index, first_s, last_s = 0, None, 0.0
        rate = float(stream.average_rate or 0) or 25.0
        try:
            for picture in container.decode(stream):
                time_s = picture.time if picture.time is not None else last_s + 1 / rate
                first_s = time_s if first_s is None else first_s
                last_s = max(last_s, time_s - first_s)
                yield Frame(index, last_s, _shown_for_s(picture), picture)
                index += 1
        except av.FFmpegError as error:
            words = f"decoding breaks off after {index} frames ({error.strerror or error})"
            raise UnusableVideo("damaged", words, "get the file again, or repair it") from error
        if index == 0:
            raise UnusableVideo("no_frames", "a video stream without a single frame", "record or download it again")


def _shown_for_s(picture: VideoFrame) -> float:
    duration: Any = getattr(picture, "duration", None)
    return float(duration * picture.time_base) if duration and picture.time_base else 0.0


@contextmanager
def _opened(path: Path) -> Iterator[tuple[InputContainer, VideoStream]]:
    try:
        import av
    except ImportError as error:
        raise MissingExtra("reading videos", "builders") from error
    try:
        empty = path.stat().st_size == 0
    except OSError as error:
        raise UnusableVideo("unreadable", f"no readable file ({error.strerror})", "check the path") from error
    if empty:
        raise UnusableVideo("empty_file", "a file of 0 bytes", "download or copy it again")
    try:
        # named protocols only: a playlist must not make the demuxer fetch addresses or read other files
        container = av.open(f"file:{path}", options={"protocol_whitelist": "file"}, metadata_errors="replace")
    except (av.FFmpegError, OSError, ValueError) as error:
        words = f"no readable video ({getattr(error, 'strerror', None) or error})"
        raise UnusableVideo("unreadable", words, "check with ffprobe what the file is, or get it again") from error
    try:
        if container.format.name in _STILL_FORMATS:
            words = f"a file of the kind {container.format.name}"
            raise UnusableVideo("unreadable", words, "give a video file")
        if not container.streams:
            words = "the beginning of a video file, without any stream"
            raise UnusableVideo("unreadable", words, "get the file again: it is probably cut short")
        if not container.streams.video:
            raise UnusableVideo("no_video_stream", "sound or data only", "leave the file out, or get its picture too")
        yield container, container.streams.video[0]
    finally:
        container.close()
