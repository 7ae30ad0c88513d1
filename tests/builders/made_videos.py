"""Small videos for tests, written with PyAV: what is in them is known to the pixel."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]


def moving_square(seed: int, frames: int, size: tuple[int, int] = (64, 48), speed: float = 1.0) -> list[Picture]:
    """A textured backdrop, its own for each seed, and a square that moves over it; ``(height, width, 3)`` each."""
    width, height = size
    rng = np.random.default_rng(seed)
    coarse = rng.integers(30, 220, (6, 8, 3), dtype=np.uint8)
    backdrop = coarse.repeat(height // 6 + 1, axis=0).repeat(width // 8 + 1, axis=1)[:height, :width]
    colour = rng.integers(0, 255, 3, dtype=np.uint8)
    pictures = []
    for number in range(frames):
        picture = backdrop.copy()
        left = int(number * speed) % (width - 16)
        picture[height // 3 : height // 3 + 16, left : left + 16] = colour
        pictures.append(picture)
    return pictures


def flat(luma: int, frames: int, size: tuple[int, int] = (64, 48)) -> list[Picture]:
    """One gray all over."""
    return [np.full((size[1], size[0], 3), luma, dtype=np.uint8)] * frames


def blur(picture: Picture, radius: int = 4) -> Picture:
    """A box blur, strong enough to see."""
    padded = np.pad(picture.astype(np.float32), ((radius, radius), (radius, radius), (0, 0)), mode="edge")
    side = 2 * radius + 1
    total = sum(
        padded[row : row + picture.shape[0], column : column + picture.shape[1]]
        for row in range(side)
        for column in range(side)
    )
    return np.asarray(total / side**2, dtype=np.float32).astype(np.uint8)


def write_video(
    path: Path,
    pictures: Sequence[Picture],
    fps: int = 10,
    *,
    times: Iterable[float] | None = None,
    container: str = "mp4",
    codec: str = "libx264",
    crf: int = 12,
) -> Path:
    """A video of these pictures; ``times`` in seconds gives each a time of its own."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w", format=container) as output:
        stream = output.add_stream(codec, rate=fps)
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        if codec == "libx264":
            stream.options = {"crf": str(crf), "preset": "ultrafast"}
        stream.codec_context.time_base = Fraction(1, 1000)
        moments = list(times) if times is not None else [number / fps for number in range(len(pictures))]
        for picture, moment in zip(pictures, moments, strict=True):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = round(moment * 1000), Fraction(1, 1000)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path


def write_sound(path: Path) -> Path:
    """An mp4 file with sound and no picture."""
    with av.open(str(path), "w", format="mp4") as output:
        stream = output.add_stream("aac", rate=16000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 16000), dtype=np.float32), format="fltp", layout="mono")
        frame.sample_rate, frame.pts = 16000, 0
        output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path


Writer = Callable[..., Path]
