"""Make a synthetic benchmark in a folder: videos, gold captions, questions, prediction sets of known quality."""

from __future__ import annotations

import json
import logging
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from builders.synthetic.captions import write_captions, write_prediction_files
from builders.synthetic.encode import encode
from builders.synthetic.files import GENERATOR_VERSION, MANIFEST, UNFINISHED, write_manifest, write_text, write_texts
from builders.synthetic.predictions import PredictionRequest
from builders.synthetic.render import render
from builders.synthetic.scene import Scene, draw_scene
from builders.synthetic.settings import VideoSettings
from vdc.errors import InputError, Problem, RunFailed

log = logging.getLogger(__name__)

MOST_VIDEOS = 100_000
"""Ids have five digits."""

Progress = Callable[[int, int], None]
"""Called with (videos done, videos in all), from 0 on."""


@dataclass(frozen=True, slots=True)
class BuiltBenchmark:
    """What was made.

    Args:
        folder: Where it lies.
        videos, questions: How many it has.
        rendered: Videos made now.
        kept: Videos that an interrupted build had already made.
        elapsed_s: Seconds.
    """

    folder: Path
    videos: int
    questions: int
    rendered: int
    kept: int
    elapsed_s: float


def build_synthetic(
    out: Path | str,
    *,
    videos: int,
    seed: int = 0,
    settings: VideoSettings | None = None,
    workers: int = 1,
    predictions: Sequence[PredictionRequest] = (),
    overwrite: bool = False,
    progress: Progress | None = None,
) -> BuiltBenchmark:
    """Make a synthetic benchmark; the same arguments give the same bytes of text and the same frames.

    A build that was stopped goes on where it was when called again with the same arguments.

    Args:
        out: Folder to make; may exist if empty, or with an interrupted build of the same arguments.
        videos: How many.
        seed: 0 or more.
        settings: Form of the videos; None for 224 pixels, 4 s, 12 frames per second.
        workers: Processes that render. With more than one, a script needs the usual ``__main__`` guard.
        predictions: Prediction sets to write, see :func:`builders.synthetic.captions.write_captions`.
        overwrite: Replace an earlier synthetic benchmark in ``out``.
        progress: Told after each video.

    Raises:
        InputError: An argument cannot be used, or ``out`` holds something else.
        RunFailed: A file could not be written, for example on a full disk.
        MissingExtra: PyAV is not installed.
    """
    started = time.monotonic()
    settings = settings or VideoSettings()
    _check(videos, seed, workers)
    folder = Path(out)
    record = _record(videos, seed, settings, predictions)
    scenes = [draw_scene(seed, index) for index in range(videos)]
    try:
        _claim(folder, record, overwrite)
        missing = [scene for scene in scenes if not _video(folder, scene).exists()]
        kept = videos - len(missing)
        if progress:
            progress(kept, videos)
        for done, _ in enumerate(_render_all(missing, settings, folder, workers), start=kept + 1):
            if progress:
                progress(done, videos)
        questions = write_texts(folder, scenes, record)
        for request in predictions:
            written = write_captions(scenes, request.recall, request.precision, seed)
            shares = {"recall": dict(request.recall), "precision": dict(request.precision)}
            write_prediction_files(written, folder, request.name, {"name": request.name, "seed": seed, **shares})
        write_manifest(folder, record, scenes)
        (folder / UNFINISHED).unlink()
    except OSError as error:
        raise RunFailed(
            f"found {error.strerror or error} while writing {error.filename or folder}; expected a folder with room "
            "to write; do next: make room and run the same command again, finished videos are kept"
        ) from error
    except BrokenProcessPool as error:
        raise RunFailed(
            "found a rendering process that ended too early; expected enough memory for each of them; do next: run the "
            "same command again with fewer --workers, finished videos are kept"
        ) from error
    log.info("built %d videos, %d questions in %s", videos, questions, folder)
    return BuiltBenchmark(folder, videos, questions, len(missing), kept, time.monotonic() - started)


def _check(videos: int, seed: int, workers: int) -> None:
    problems = []
    if not 1 <= videos <= MOST_VIDEOS:
        problems.append(Problem(f"videos {videos}", f"a number from 1 to {MOST_VIDEOS}", "for example --videos 20"))
    if seed < 0:
        problems.append(Problem(f"seed {seed}", "0 or more", "for example --seed 0"))
    if workers < 1:
        problems.append(Problem(f"workers {workers}", "1 or more", "for example --workers 2"))
    if problems:
        raise InputError(problems)


def _record(
    videos: int, seed: int, settings: VideoSettings, predictions: Sequence[PredictionRequest]
) -> dict[str, Any]:
    return {
        "schema_version": 1,
        "kind": "vdc-synthetic",
        "generator_version": GENERATOR_VERSION,
        "seed": seed,
        "videos": videos,
        "size": settings.size,
        "seconds": float(settings.seconds),
        "fps": settings.fps,
        "frames": settings.frames,
        "predictions": {
            request.name: {"recall": dict(request.recall), "precision": dict(request.precision)}
            for request in predictions
        },
    }


def _claim(folder: Path, record: dict[str, Any], overwrite: bool) -> None:
    """Make ``folder`` ours, or say why it cannot be."""
    if folder.exists() and not folder.is_dir():
        raise InputError(Problem("a file", "a folder, or nothing yet", "give another --out", str(folder)))
    if folder.exists() and any(folder.iterdir()):
        unfinished = _read_record(folder / UNFINISHED)
        if unfinished == record:
            return
        ours = unfinished or _read_record(folder / MANIFEST)
        if ours.get("kind") != record["kind"]:
            raise InputError(
                Problem("a folder with other files", "an empty or new folder", "give another --out", str(folder))
            )
        if not overwrite:
            what = "an interrupted build with other settings" if unfinished else "a finished synthetic benchmark"
            do_next = "give another --out, or --overwrite to replace it"
            raise InputError(Problem(what, "an empty or new folder", do_next, str(folder)))
        _remove(folder, ours)
    (folder / "videos").mkdir(parents=True, exist_ok=True)
    write_text(folder / UNFINISHED, json.dumps(record) + "\n")


def _read_record(path: Path) -> dict[str, Any]:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def _remove(folder: Path, record: dict[str, Any]) -> None:
    """Delete the files of an earlier build and nothing else, the mark of the folder last."""
    names = ["VDC_1k.jsonl", "scenes.jsonl", "README.md"]
    doomed = [folder / name for name in names]
    doomed += folder.glob("VDCScore_qa/*.jsonl")
    doomed += folder.glob("videos/synthetic-*.mp4")
    doomed += folder.glob("videos/synthetic-*.part")
    for name in record.get("predictions", {}):
        doomed += [folder / "predictions" / f"{name}.jsonl"]
        doomed += [folder / "truth" / f"{name}.json", folder / "truth" / f"{name}.jsonl"]
    for path in [*doomed, folder / UNFINISHED, folder / MANIFEST]:
        path.unlink(missing_ok=True)


def _video(folder: Path, scene: Scene) -> Path:
    return folder / "videos" / f"{scene.video_id}.mp4"


def _render_all(scenes: Sequence[Scene], settings: VideoSettings, folder: Path, workers: int) -> Iterator[None]:
    """Render videos, in processes if asked; yields once per finished one, in any order."""
    if workers == 1 or len(scenes) < 2:
        for scene in scenes:
            render_video(scene, settings, _video(folder, scene))
            yield
        return
    # Spawned, not forked: a fork of a process with threads (a server, a notebook) can hang.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(workers, len(scenes)), context, initializer=_prepare_worker) as pool:
        futures = [pool.submit(render_video, scene, settings, _video(folder, scene)) for scene in scenes]
        try:
            for future in as_completed(futures):
                future.result()
                yield
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _prepare_worker() -> None:
    """Leave Ctrl-C to the parent, and end with it: a killed parent cannot tell its workers to stop."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def render_video(scene: Scene, settings: VideoSettings, path: Path) -> None:
    """Render one scene into an mp4 file.

    Raises:
        MissingExtra: PyAV is not installed.
        OSError: The file cannot be written.
    """
    encode(render(scene, settings), settings, path)
