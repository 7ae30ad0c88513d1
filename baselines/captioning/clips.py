"""Which videos there are, where their files lie, and their frames."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from baselines.captioning.types import Clip
from vdc.benchmark.video_ids import VIDEO_EXTENSIONS, strip_extension
from vdc.errors import InputError, MissingExtra, Problem
from vdc.fileio import show_path

if TYPE_CHECKING:
    from baselines.captioning.types import Frames

IMAGE_EXTENSIONS: Final = (".jpg", ".jpeg", ".png", ".webp", ".bmp")
BENCHMARK_VIDEOS: Final = "videos"
"""Folder of a benchmark that holds its videos."""


def find_clips(
    videos: str | Path | None = None, *, benchmark: str | Path | None = None, limit: int | None = None
) -> list[Clip]:
    """The videos of a folder, or of a benchmark in its order.

    Args:
        videos: Folder with video files, searched with its subfolders. With a benchmark that is a folder itself its
            ``videos`` when not given.
        benchmark: Whose videos; None takes every file of the folder.
        limit: Only the first so many.

    Returns:
        The clips; a benchmark's video without a file has no path, so that it is counted as a failure.

    Raises:
        InputError: Neither folder nor benchmark, a folder that is missing or holds no video, two files with one id, or
            as :func:`vdc.load_benchmark`.
    """
    if limit is not None and limit < 1:
        raise InputError(Problem(f"a limit of {limit} videos", "1 or more", "raise --limit or leave it out"))
    if videos is None and benchmark is not None and (Path(benchmark) / BENCHMARK_VIDEOS).is_dir():
        videos = Path(benchmark) / BENCHMARK_VIDEOS
    if videos is None:
        raise InputError(
            Problem(
                "no folder of videos" if benchmark is None else f"the benchmark {benchmark} without a videos folder",
                "a folder with the video files",
                "add --videos DIR",
            )
        )
    found = _files_by_id(Path(videos))
    if benchmark is None:
        return [Clip(video_id, path) for video_id, path in found.items()][:limit]
    from vdc.benchmark.load import load_benchmark

    wanted = load_benchmark(benchmark, limit=limit).videos
    return [Clip(video_id, found.get(video_id)) for video_id in wanted]


def _files_by_id(folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        state = "a file" if folder.exists() else "no folder"
        raise InputError(Problem(state, "a folder of videos", "check --videos", show_path(folder)))
    found: dict[str, Path] = {}
    problems: list[Problem] = []
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if hidden or path.suffix.lower() not in VIDEO_EXTENSIONS or not path.is_file():
            continue
        video_id = strip_extension(path.name)
        if video_id in found:
            problems.append(
                Problem(
                    f"two files for the video {video_id!r}, {show_path(found[video_id])} and {show_path(path)}",
                    "one file per video",
                    "remove one of them",
                )
            )
        found[video_id] = path
    if not found:
        problems.append(
            Problem("no video file", f"files that end in {', '.join(VIDEO_EXTENSIONS)}", "check --videos", str(folder))
        )
    if problems:
        raise InputError(problems)
    return found


def read_media(path: str | Path, frames: int) -> Frames:
    """The frames of a video, or a still image as a clip of one frame.

    Args:
        path: Video or image; the ending decides.
        frames: Frames to take from a video, evenly from the first to the last (which may come on top).

    Returns:
        Pictures in order of time; a video shorter than ``frames`` gives all it has.

    Raises:
        InputError: Missing or unreadable file.
        MissingExtra: Packages for pictures and videos are not installed.
    """
    try:
        from baselines.common.frame_sampling import uniform_with_last
        from baselines.common.images import open_image
        from baselines.common.video import read_frames
    except ImportError as error:
        raise MissingExtra("reading videos", "baselines") from error
    if Path(path).suffix.lower() in IMAGE_EXTENSIONS:
        return [open_image(path)]
    return list(read_frames(path, lambda total: uniform_with_last(total, frames)).frames)


def read_clip(clip: Clip, frames: int) -> Frames:
    """As :func:`read_media` for a clip.

    Raises:
        InputError: Also for a clip without a file.
    """
    if clip.path is None:
        raise InputError(
            Problem(
                "no file", f"{clip.video_id} with one of the endings {', '.join(VIDEO_EXTENSIONS)}", "add the video"
            )
        )
    return read_media(clip.path, frames)


def check_frames(frames: int) -> None:
    """Refuse fewer than one frame.

    Raises:
        InputError: It is.
    """
    if frames < 1:
        raise InputError(Problem(f"{frames} frames", "1 or more", "raise --frames"))
