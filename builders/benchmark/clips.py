"""Step ``clips``: scenes of the right length, size and liveliness, none of them twice."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np

from builders.benchmark.context import Context, Settings, StepOutcome
from builders.benchmark.engine import Job, Outcome
from builders.benchmark.manifest import file_hash, read_rows
from builders.benchmark.model import Clip, Dropped, SourceVideo
from builders.benchmark.scan import Scan, scan_video
from builders.media.cutting import Span, cut_spans
from builders.media.measures import hash_distances
from builders.media.reading import UnusableVideo
from vdc.fileio import write_atomic

VERSION: Final = 1


def clip_settings(context: Context) -> Settings:
    """The rules for clips."""
    return context.config.clips.model_dump(mode="json")


def run_clips(context: Context) -> StepOutcome:
    """Divide every video into clips, leave out those that the rules exclude, then those that look like another."""
    videos = read_rows(context.folder, "sources", SourceVideo)
    settings = dict(clip_settings(context))
    duplicate_bits = settings.pop("duplicate_bits")
    job = Job("builders.benchmark.clips:divide_video", settings, str(context.folder), "clips/divided", VERSION)
    clips: list[Clip] = []
    dropped: list[Dropped] = []
    items = [video.to_json() for video in videos]
    for outcome in context.engine.run(job, items, context.counter("videos divided", len(items))):
        clips += [Clip.from_json(row) for row in outcome.rows]
        dropped += outcome.dropped
    kept, repeated = drop_near_duplicates(clips, duplicate_bits)
    return StepOutcome(len(videos), kept, [*dropped, *repeated], {"retimed": sum(clip.retimed for clip in kept)})


@dataclass(frozen=True, slots=True)
class Window:
    """Frames ``first`` to ``stop - 1`` of a video: a scene, or an even part of a long one."""

    first: int
    stop: int


def divide_video(item: Mapping[str, Any], settings: Mapping[str, Any], folder: Path) -> Outcome:
    """The clips of one video, each with a file of its own unless it is the whole video."""
    video = SourceVideo.from_json(item)
    path = folder / video.path
    try:
        scan = scan_video(path, settings["scene_threshold"])
        if min(scan.width, scan.height) < settings["min_side"]:
            found = f"{scan.width}x{scan.height} pixels; the shorter side is under {settings['min_side']}"
            return Outcome(dropped=[Dropped(video.video_id, "too_small", "filter", found)])
        if scan.variable and settings["variable_rate"] == "drop":
            found = f"a variable frame rate, {scan.fps:.3g} a second on average"
            do_next = "write it anew at a constant rate, or set clips.variable_rate to convert"
            return Outcome(dropped=[Dropped(video.video_id, "variable_rate", "failure", found, do_next)])
        windows = divide(scan, settings["max_s"])
        named = [
            (video.video_id if len(windows) == 1 else f"{video.video_id}-{number:03d}", window)
            for number, window in enumerate(windows)
        ]
        chosen, dropped = choose(scan, named, settings)
        return _write_clips(video, scan, chosen, dropped, folder, settings["black_luma"])
    except UnusableVideo as error:
        return Outcome(dropped=[Dropped(video.video_id, error.reason, "failure", error.found, error.do_next)])


def divide(scan: Scan, max_s: float) -> list[Window]:
    """The scenes of a video, those over ``max_s`` seconds divided into equal parts."""
    edges = [0, *scan.cuts, len(scan.times_s)]
    windows = []
    for first, stop in pairwise(edges):
        start_s, end_s = scan.times_s[first], _end(scan, stop)
        parts = max(1, math.ceil((end_s - start_s) / max_s - 1e-6))
        inner = [start_s + (end_s - start_s) * part / parts for part in range(1, parts)]
        marks = [first, *np.searchsorted(scan.times_s, np.array(inner) - 1e-6).tolist(), stop]
        windows += [Window(low, high) for low, high in pairwise(marks) if high > low]
    return windows


def choose(
    scan: Scan, named: Sequence[tuple[str, Window]], settings: Mapping[str, Any]
) -> tuple[list[tuple[str, Window]], list[Dropped]]:
    """Which parts of a video pass the rules for single clips, and why the others do not."""
    chosen: list[tuple[str, Window]] = []
    dropped = []
    for clip_id, window in named:
        length_s = _end(scan, window.stop) - scan.times_s[window.first]
        black = scan.black_share(window.first, window.stop, settings["black_luma"])
        change = scan.change(window.first, window.stop)
        reason = ""
        if length_s < settings["min_s"] - 1e-6:
            reason, found = "too_short", f"{length_s:.2f} s; under {settings['min_s']:g} s"
        elif black > settings["black_share"]:
            reason, found = "black", f"{100 * black:.0f} % black frames"
        elif change <= settings["static_change"]:
            reason, found = "static", f"a change of {change:.2f} of 255 at most within half a second"
        elif len(chosen) >= settings["max_per_video"]:
            reason, found = "enough_of_this_video", f"{settings['max_per_video']} clips of it before"
        if reason:
            dropped.append(Dropped(clip_id, reason, "filter", found))
        else:
            chosen.append((clip_id, window))
    return chosen, dropped


def drop_near_duplicates(clips: Sequence[Clip], bits: float) -> tuple[list[Clip], list[Dropped]]:
    """The first of every group of clips that look alike, and why the others are left out.

    Two clips look alike when their hashes, in order, differ by at most ``bits`` of 64 on average.
    """
    kept: list[Clip] = []
    dropped = []
    seen = np.zeros((max(1, len(clips)), len(clips[0].hashes) if clips else 1), dtype=np.uint64)
    for clip in clips:
        own = [int(text, 16) for text in clip.hashes]
        distances = hash_distances(seen[: len(kept)], own) if kept else np.array([np.inf])
        nearest = int(distances.argmin())
        if distances[nearest] <= bits:
            found = f"a clip that looks like {kept[nearest].clip_id} ({distances[nearest]:.1f} of 64 bits differ)"
            dropped.append(Dropped(clip.clip_id, "near_duplicate", "filter", found))
        else:
            seen[len(kept)] = own
            kept.append(clip)
    return kept, dropped


def _write_clips(
    video: SourceVideo,
    scan: Scan,
    chosen: Sequence[tuple[str, Window]],
    dropped: Sequence[Dropped],
    folder: Path,
    black_luma: float,
) -> Outcome:
    whole = len(chosen) == 1 and chosen[0][1] == Window(0, len(scan.times_s)) and not scan.variable
    files: list[tuple[str, str]] = []
    if whole:
        files.append((video.path, video.sha256))
    else:
        spans = [Span(float(scan.times_s[window.first]), _end(scan, window.stop)) for _, window in chosen]
        # one after the other, so that one clip at a time is in memory
        for (clip_id, _), content in zip(chosen, cut_spans(folder / video.path, spans, scan.fps), strict=True):
            name = f"clips/videos/{clip_id}.mp4"
            write_atomic(folder / name, content)
            files.append((name, file_hash(folder / name) or ""))
    rows = []
    for (clip_id, window), (path, digest) in zip(chosen, files, strict=True):
        start_s, end_s = float(scan.times_s[window.first]), _end(scan, window.stop)
        clip = Clip(
            clip_id=clip_id,
            video_id=video.video_id,
            path=path,
            sha256=digest,
            start_s=round(start_s, 6),
            end_s=round(end_s, 6),
            duration_s=round(end_s - start_s, 6),
            frame_count=window.stop - window.first,
            fps=round(scan.fps, 6),
            width=scan.width,
            height=scan.height,
            change=round(scan.change(window.first, window.stop), 3),
            black_share=round(scan.black_share(window.first, window.stop, black_luma), 4),
            hashes=tuple(f"{value:016x}" for value in scan.clip_hashes(window.first, window.stop)),
            retimed=scan.variable,
            licence=video.licence,
            origin=video.origin,
        )
        rows.append(clip.to_json())
    return Outcome(rows, dropped, [path for path, _ in files])


def _end(scan: Scan, stop: int) -> float:
    return float(scan.times_s[stop]) if stop < len(scan.times_s) else scan.end_s
