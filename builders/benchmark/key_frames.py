"""Step ``frames``: the pictures of a clip that the captioner sees, sharp ones."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from builders.benchmark.context import Context, Settings, StepOutcome
from builders.benchmark.engine import Job, Outcome
from builders.benchmark.manifest import read_rows
from builders.benchmark.model import Clip, ClipFrames, Dropped, KeyFrame
from builders.media.measures import sharpness
from builders.media.reading import UnusableVideo, iterate_frames
from vdc.fileio import write_atomic

VERSION: Final = 1

SHARPNESS_SIDE: Final = 320
"""Sharpness is measured at this longer side, pixels: comparable between clips and blind to sensor noise."""


def frame_settings(context: Context) -> Settings:
    """The rules for key frames."""
    return context.config.frames.model_dump(mode="json")


def run_frames(context: Context) -> StepOutcome:
    """Take the key frames of every clip."""
    clips = read_rows(context.folder, "clips", Clip)
    settings = frame_settings(context)
    job = Job(
        "builders.benchmark.key_frames:take_frames",
        settings,
        str(context.folder),
        "frames/taken",
        VERSION,
    )
    items = [clip.to_json() for clip in clips]
    rows: list[ClipFrames] = []
    dropped: list[Dropped] = []
    for outcome in context.engine.run(job, items, context.counter("clips looked at", len(items))):
        rows += [ClipFrames.from_json(row) for row in outcome.rows]
        dropped += outcome.dropped
    frames = [frame for row in rows for frame in row.frames]
    replaced = sum(frame.instead_of_s is not None for frame in frames)
    return StepOutcome(len(clips), rows, dropped, {"frames": len(frames), "blurred_replaced": replaced})


@dataclass(slots=True)
class _Place:
    """A place in the clip and the frames seen around it."""

    time_s: float
    nearest_s: float = -1.0
    nearest_sharpness: float = 0.0
    nearest: NDArray[np.uint8] | None = None
    sharpest_s: float = -1.0
    sharpest_sharpness: float = -1.0
    sharpest: NDArray[np.uint8] | None = None


def take_frames(item: Mapping[str, Any], settings: Mapping[str, Any], folder: Path) -> Outcome:
    """The key frames of one clip as JPEG files."""
    clip = Clip.from_json(item)
    places = [_Place(time_s) for time_s in even_times(clip.duration_s, settings["per_second"], settings["count"])]
    try:
        _look(folder / clip.path, places, settings["search_s"], 2 / clip.fps, settings["longest_side"])
    except UnusableVideo as error:
        return Outcome(dropped=[Dropped(clip.clip_id, error.reason, "failure", error.found, error.do_next)])
    rows: list[KeyFrame] = []
    for place in places:
        blurred = place.nearest_sharpness < settings["blur_ratio"] * place.sharpest_sharpness
        pixels, time_s = (place.sharpest, place.sharpest_s) if blurred else (place.nearest, place.nearest_s)
        if pixels is None or any(abs(row.time_s - time_s) < 1e-6 for row in rows):
            continue
        content = jpeg(pixels, settings["jpeg_quality"])
        name = f"frames/pictures/{clip.clip_id}/{len(rows):02d}.jpg"
        write_atomic(folder / name, content)
        value = place.sharpest_sharpness if blurred else place.nearest_sharpness
        rows.append(
            KeyFrame(
                path=name,
                sha256=hashlib.sha256(content).hexdigest(),
                time_s=round(time_s, 6),
                sharpness=round(value, 3),
                instead_of_s=round(place.nearest_s, 6) if blurred else None,
            )
        )
    return Outcome([ClipFrames(clip.clip_id, tuple(rows)).to_json()], files=[row.path for row in rows])


def even_times(duration_s: float, per_second: float, most: int) -> list[float]:
    """Times in the middle of equal parts of a clip: ``per_second`` of them, at least two, at most ``most``."""
    count = min(most, max(2, round(duration_s * per_second)))
    return [duration_s * (part + 0.5) / count for part in range(count)]


def jpeg(pixels: NDArray[np.uint8], quality: int) -> bytes:
    """``(height, width, 3)`` RGB bytes as a JPEG file."""
    from PIL import Image

    sink = io.BytesIO()
    Image.fromarray(pixels).save(sink, "JPEG", quality=quality)
    return sink.getvalue()


def _look(path: Path, places: Sequence[_Place], search_s: float, reach_s: float, longest_side: int) -> None:
    """Decodes the clip once and fills the places with the nearest and the sharpest frame around each.

    Only frames within ``search_s`` or ``reach_s`` (two frames' time) of a place are looked at, whichever is more.
    """
    reach_s = max(search_s, reach_s)
    for frame in iterate_frames(path):
        value: float | None = None
        pixels: NDArray[np.uint8] | None = None
        for place in places:
            distance = abs(frame.time_s - place.time_s)
            if distance > reach_s:
                continue
            near = place.nearest is None or distance < abs(place.nearest_s - place.time_s) - 1e-9
            if value is None:
                value = sharpness(frame.gray(SHARPNESS_SIDE))
            # at equal sharpness the nearer frame stays
            sharper = distance <= search_s and value > place.sharpest_sharpness
            if (near or sharper) and pixels is None:
                pixels = frame.rgb(longest_side)
            if near:
                place.nearest, place.nearest_s, place.nearest_sharpness = pixels, frame.time_s, value
            if sharper:
                place.sharpest, place.sharpest_s, place.sharpest_sharpness = pixels, frame.time_s, value
