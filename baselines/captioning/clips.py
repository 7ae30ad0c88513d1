"""Which videos there are, where their files lie, and their frames."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from baselines.captioning.types import Clip, Footage
from vdc.benchmark.video_ids import VIDEO_EXTENSIONS, strip_extension
from vdc.errors import InputError, MissingExtra, Problem
from vdc.fileio import show_path

if TYPE_CHECKING:
    from baselines.captioning.types import Media, View

IMAGE_EXTENSIONS: Final = (".jpg", ".jpeg", ".png", ".webp", ".bmp")
FEATURES_EXTENSION: Final = ".pkl"
"""Of a published feature file."""

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


def read_media(path: str | Path, view: View) -> Media:
    """What a model is shown of a file: frames of a video, a still image, or the stored features of a film.

    Args:
        path: The ending decides: a video, an image, or a feature file of LLaMA-VID (``.pkl``, or the folder that
            :func:`baselines.llama_vid.features.extract_film` wrote).
        view: How the model wants it to be read.

    Returns:
        Frames in order of time; a video shorter than the rule asks for gives all it has.

    Raises:
        InputError: Missing or unreadable file.
        MissingExtra: Packages for pictures and videos are not installed.
    """
    source = Path(path)
    try:
        from baselines.common.images import open_image
        from baselines.common.video import read_frames
    except ImportError as error:
        raise MissingExtra("reading videos", "baselines") from error
    if source.suffix.lower() == FEATURES_EXTENSION or source.is_dir():
        return _read_film(source)
    if source.suffix.lower() in IMAGE_EXTENSIONS:
        return Footage([open_image(source)], still=True)
    rule = view.rule
    # the rate is in the header; one frame has to decode to get at it
    rate = read_frames(source, lambda _: [0]).average_fps if rule.fps is not None else 0.0
    prepare: Any = view.frame
    return Footage(list(read_frames(source, lambda total: rule.indices(total, rate), prepare).frames))


def check_exists(path: str | Path) -> None:
    """Refuse a file that is not there, before a large model is loaded for it.

    Raises:
        InputError: There is none.
    """
    if not Path(path).exists():
        problem = Problem("no file", "a video, an image or a feature file", "check the path", show_path(path))
        raise InputError(problem)


def _read_film(path: Path) -> Media:
    try:
        from baselines.llama_vid.features import read_film
    except ImportError as error:
        raise MissingExtra("reading the features of a film", "baselines") from error
    return read_film(path)


def read_clip(clip: Clip, view: View) -> Media:
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
    return read_media(clip.path, view)


def pictures_of(media: Media, who: str) -> Footage:
    """The pictures that a model is shown which knows nothing else.

    Args:
        media: What it is to be shown.
        who: The model, for the message.

    Raises:
        InputError: Stored features.
    """
    if isinstance(media, Footage):
        return media
    raise InputError(
        Problem(
            f"stored features for {who}",
            "a video or a picture; only LLaMA-VID reads features",
            "give the video itself, or a LLaMA-VID checkpoint",
        )
    )
