"""Frames to an H.264 mp4 file, the same bytes for the same frames."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from builders.synthetic.settings import VideoSettings
from vdc.errors import MissingExtra

# One thread and no encoder banner: both would make the bytes depend on the machine. No look-ahead and no macroblock
# tree: with them x264 gives other bytes for the same frames about one time in five (seen with PyAV 18.1's build).
_X264 = (
    "info=0:cpu-independent=1:threads=1:lookahead-threads=1:rc-lookahead=0:sync-lookahead=0:mbtree=0"
    ":bframes=0:scenecut=0"
)
_ENCODER = {"crf": "24", "preset": "veryfast", "threads": "1", "x264-params": _X264}
_CONTAINER = {"movflags": "+faststart", "fflags": "+bitexact"}


def encode(frames: Iterable[NDArray[np.uint8]], settings: VideoSettings, path: Path) -> None:
    """Write a video; the file appears under its name only when it is whole.

    Args:
        frames: ``(size, size, 3)`` uint8, RGB, in order.
        settings: Gives side and rate. Time stamps are exact multiples of 1/fps.
        path: File to write, ending in ``.mp4``; an existing one is replaced.

    Raises:
        MissingExtra: PyAV is not installed.
        OSError: The file cannot be written.
    """
    try:
        import av
        from av.codec.context import Flags
    except ImportError as error:
        raise MissingExtra("synthetic videos", "builders") from error
    unfinished = path.with_suffix(".part")
    try:
        with av.open(str(unfinished), "w", format="mp4", options=_CONTAINER) as container:
            stream = container.add_stream("libx264", rate=settings.fps, options=_ENCODER)
            stream.width = stream.height = settings.size
            stream.pix_fmt = "yuv420p"
            stream.codec_context.thread_count = 1
            stream.codec_context.gop_size = 2 * settings.fps
            stream.codec_context.flags |= Flags.bitexact
            for pixels in frames:
                container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
            container.mux(stream.encode(None))
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    unfinished.replace(path)
