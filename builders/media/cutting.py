"""Cutting parts of a video into files of their own, at a constant rate and the same bytes each time."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from builders.media.reading import Frame, iterate_frames

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.video.stream import VideoStream

# One thread, no encoder banner: both would make the bytes depend on the machine.
_ENCODER: Final = {
    "crf": "18",
    "preset": "veryfast",
    "threads": "1",
    # cpu-independent: without it the same frames gave two different files in one process, one time in four
    "x264-params": "info=0:threads=1:lookahead-threads=1:cpu-independent=1",
}
_CONTAINER: Final = {"fflags": "+bitexact"}


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a video.

    Args:
        start_s: Time of its first frame.
        end_s: Time at which it ends; the frame shown then is the first that is no longer part of it.
    """

    start_s: float
    end_s: float


@dataclass(slots=True)
class _Cut:
    """A part being written.

    Args:
        span: Which.
        rate: Frames per second of the file.
        written: Frames so far.
        last: Picture shown at the moment, ``(height, width, 3)`` RGB.
    """

    span: Span
    rate: Fraction
    target: io.BytesIO = field(default_factory=io.BytesIO)
    container: OutputContainer | None = None
    stream: VideoStream | None = None
    written: int = 0
    last: NDArray[np.uint8] | None = None

    def show_until(self, time_s: float) -> None:
        """Writes the current picture for every tick that the next picture, due at ``time_s``, comes too late for."""
        # half a tick of tolerance, or jitter in the time stamps would repeat and drop frames
        while self.last is not None and self.span.start_s + (self.written + 0.5) / self.rate < time_s - 1e-9:
            self._write(self.last)

    def finish(self) -> bytes:
        self.show_until(self.span.end_s)
        if self.written == 0 and self.last is not None:
            self._write(self.last)
        assert self.container is not None and self.stream is not None  # noqa: S101 - a span holds a frame
        self.container.mux(self.stream.encode(None))
        self.container.close()
        return self.target.getvalue()

    def _write(self, pixels: NDArray[np.uint8]) -> None:
        import av

        if self.container is None or self.stream is None:
            self._open(pixels.shape[1], pixels.shape[0])
        assert self.container is not None and self.stream is not None  # noqa: S101 - just opened
        frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
        frame.pts, frame.time_base = self.written, 1 / self.rate
        self.container.mux(self.stream.encode(frame))
        self.written += 1

    def _open(self, width: int, height: int) -> None:
        import av
        from av.codec.context import Flags

        self.container = av.open(self.target, "w", format="mp4", options=_CONTAINER)
        stream: Any = self.container.add_stream("libx264", rate=self.rate, options=_ENCODER)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.codec_context.thread_count = 1
        stream.codec_context.flags |= Flags.bitexact
        self.stream = stream


def cut_spans(path: Path, spans: Sequence[Span], fps: float) -> Iterator[bytes]:
    """The parts of a video as H.264 mp4 files without sound, upright, at a constant rate.

    A tick of the new file shows the last frame whose time had come, within half a tick, so a video of constant rate
    keeps every frame once and one of variable rate keeps its speed.

    Args:
        path: The video.
        spans: In order, not overlapping, each holding at least one frame.
        fps: Rate of the new files, frames per second.

    Yields:
        The bytes of each file, in the order of the spans.

    Raises:
        UnusableVideo: The video does not decode.
    """
    rate = Fraction(fps).limit_denominator(1001)
    waiting = list(spans)
    cut: _Cut | None = None
    for frame in iterate_frames(path):
        if cut is not None and frame.time_s >= cut.span.end_s - 1e-9:
            yield cut.finish()
            cut = None
        if cut is None:
            if not waiting:
                return
            if frame.time_s < waiting[0].start_s - 1e-9:
                continue
            cut = _Cut(waiting.pop(0), rate)
        else:
            cut.show_until(frame.time_s)
        cut.last = _even(frame)
    if cut is not None:
        yield cut.finish()


def _even(frame: Frame) -> NDArray[np.uint8]:
    """The picture without a last odd row or column, which the pixel format cannot hold."""
    pixels = frame.rgb()
    height, width = pixels.shape[:2]
    return np.ascontiguousarray(pixels[: max(2, height - height % 2), : max(2, width - width % 2)])
