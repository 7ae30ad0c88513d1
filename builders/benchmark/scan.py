"""One pass over a video: where its scenes change, how bright and lively it is, how steady its rate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from builders.media.measures import HASH_SIDE, block_means, perceptual_hash
from builders.media.reading import Frame, UnusableVideo, fit, iterate_frames, read_header
from vdc.errors import MissingExtra

SCAN_SIDE: Final = 256
"""Frames are shrunk to this longer side for the scan, pixels."""

SAMPLE_S: Final = 0.25
"""Distance of the pictures kept for hashes and change, seconds."""

CHANGE_S: Final = 0.5
"""Pictures this far apart are compared for change, seconds."""

HASHES: Final = 8
"""Hashes per clip."""

MIN_SCENE_S: Final = 0.5
"""Cuts closer than this count as one, seconds: a flash is no scene."""

WHOLE_SHARE: Final = 0.8
"""A video that decodes to less than this share of its announced length is cut short."""

_BGR_TO_LUMA: Final = np.array([0.114, 0.587, 0.299], dtype=np.float32)


@dataclass(frozen=True)
class Scan:
    """What one pass saw.

    Args:
        times_s: ``(frames,)`` rising.
        end_s: When the last frame is over.
        fps: Mean frames per second.
        variable: Whether frame distances vary by more than jitter.
        luma: ``(frames,)`` mean luma, 0 to 255.
        cuts: Indices of the first frame of each scene but the first.
        sample_indices: ``(samples,)`` frames that pictures were kept of.
        pictures: ``(samples, 32, 32)`` luma.
        hashes: One per sample.
        width, height: Pixels, upright.
        container: FFmpeg's name of the format.
    """

    times_s: NDArray[np.float64]
    end_s: float
    fps: float
    variable: bool
    luma: NDArray[np.float64]
    cuts: tuple[int, ...]
    sample_indices: NDArray[np.int64]
    pictures: NDArray[np.float32]
    hashes: tuple[int, ...]
    width: int
    height: int
    container: str

    def black_share(self, first: int, stop: int, below: float) -> float:
        """Share of black frames among frames ``first`` to ``stop - 1``."""
        return float((self.luma[first:stop] < below).mean())

    def change(self, first: int, stop: int) -> float:
        """Largest mean absolute difference of pictures half a second apart, 0 to 255; 0.0 with fewer than two."""
        inside = self._samples(first, stop)
        times = self.times_s[self.sample_indices[inside]]
        largest = 0.0
        for place, index in enumerate(inside):
            later = int(np.searchsorted(times, times[place] + CHANGE_S - 1e-6))
            # in a part of under half a second the last picture has to do
            other = inside[min(later, len(inside) - 1)]
            largest = max(largest, float(np.abs(self.pictures[index] - self.pictures[other]).mean()))
        return largest

    def clip_hashes(self, first: int, stop: int) -> tuple[int, ...]:
        """``HASHES`` hashes at even distances between two frames."""
        inside = self._samples(first, stop)
        places = np.linspace(0, len(inside) - 1, HASHES).round().astype(int)
        return tuple(self.hashes[inside[place]] for place in places)

    def _samples(self, first: int, stop: int) -> NDArray[np.int64]:
        inside = np.flatnonzero((self.sample_indices >= first) & (self.sample_indices < stop))
        # every part holds a sample, or the one before it still shows what it began with
        return inside if len(inside) else np.array([np.searchsorted(self.sample_indices, first, "right") - 1])


def scan_video(path: Path, scene_threshold: float) -> Scan:
    """Decode a video once and measure it.

    Args:
        path: A video file.
        scene_threshold: Of PySceneDetect's content detector.

    Raises:
        UnusableVideo: It does not decode to its end, or holds a single frame.
        MissingExtra: PySceneDetect or PyAV is not installed.
    """
    header = read_header(path)
    watch = _Watch(scene_threshold, header.fps or 25.0)
    for frame in iterate_frames(path):
        watch.see(frame)
    if len(watch.times) < 2:
        raise UnusableVideo("one_frame", "a video of a single frame", "leave pictures out of a set of videos")
    times = np.array(watch.times)
    distances = np.diff(times)
    shown_s = watch.last_shown_s or float(np.median(distances))
    end_s = float(times[-1]) + shown_s
    # some formats end without a word when they are cut short; sound may last a little longer than the picture
    if end_s < WHOLE_SHARE * header.duration_s - 0.5:
        found = f"pictures for {end_s:.1f} s of the {header.duration_s:.1f} s that the file announces"
        raise UnusableVideo("damaged", found, "get the file again, or repair it")
    return Scan(
        times_s=times,
        end_s=end_s,
        fps=_steady_rate(len(times), end_s, header.fps),
        variable=is_variable(distances),
        luma=np.array(watch.luma),
        cuts=tuple(sorted(set(watch.cuts))),
        sample_indices=np.array(watch.sampled, dtype=np.int64),
        pictures=np.stack(watch.pictures),
        hashes=tuple(watch.hashes),
        width=watch.size[0],
        height=watch.size[1],
        container=header.container,
    )


def is_variable(distances: Sequence[float] | NDArray[np.float64]) -> bool:
    """Whether frames come at a variable rate: over 2 % of the distances differ from the median by more than a quarter.

    Rounded time stamps and single lost frames are jitter.

    Args:
        distances: ``(frames - 1,)`` seconds between frames.
    """
    values = np.asarray(distances)
    middle = float(np.median(values))
    return float((np.abs(values - middle) > 0.25 * middle).mean()) > 0.02


class _Watch:
    """What is noted frame by frame."""

    def __init__(self, scene_threshold: float, fps: float) -> None:
        try:
            from scenedetect import FrameTimecode  # type: ignore[import-untyped,unused-ignore]
            from scenedetect.detectors import ContentDetector  # type: ignore[import-untyped,unused-ignore]
        except ImportError as error:
            raise MissingExtra("finding scenes", "builders") from error
        self._timecode: Any = FrameTimecode
        self._fps = fps
        self._detector: Any = ContentDetector(scene_threshold, min_scene_len=max(1, round(MIN_SCENE_S * fps)))
        self.times: list[float] = []
        self.luma: list[float] = []
        self.cuts: list[int] = []
        self.sampled: list[int] = []
        self.pictures: list[NDArray[np.float32]] = []
        self.hashes: list[int] = []
        self.size = (0, 0)
        self.last_shown_s = 0.0

    def see(self, frame: Frame) -> None:
        if not self.times:
            self.size = frame.size
        elif frame.size != self.size:
            words = f"pictures of {self.size[0]}x{self.size[1]} and later of {frame.size[0]}x{frame.size[1]} pixels"
            raise UnusableVideo("damaged", words, "write it anew at one size")
        width, height = fit(*self.size, SCAN_SIDE)
        bgr = frame.bgr(SCAN_SIDE)
        assert bgr.shape == (height, width, 3)  # noqa: S101 - what the detector relies on
        found = self._detector.process_frame(self._timecode(frame.index, fps=self._fps), bgr)
        self.cuts += [cut.frame_num for cut in found if cut.frame_num > 0]
        self.luma.append(float(bgr.reshape(-1, 3).mean(axis=0) @ _BGR_TO_LUMA))
        # a new scene gets a picture at once, so that none is judged by the one before
        due = not self.sampled or frame.time_s >= self.times[self.sampled[-1]] + SAMPLE_S - 1e-6
        if due or (found and self.sampled[-1] != frame.index):
            gray = (bgr.astype(np.float32) @ _BGR_TO_LUMA).astype(np.uint8)
            self.sampled.append(frame.index)
            self.pictures.append(block_means(gray, HASH_SIDE))
            self.hashes.append(perceptual_hash(gray))
        self.times.append(frame.time_s)
        self.last_shown_s = frame.duration_s


def _steady_rate(frames: int, end_s: float, announced: float) -> float:
    """Frames per second as counted; as announced where the two agree, because that is the exact number."""
    counted = frames / end_s if end_s > 0 else announced
    return announced if announced > 0 and abs(counted - announced) <= 0.01 * announced else counted
