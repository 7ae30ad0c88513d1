"""``vdc build synthetic``."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from builders.synthetic.predictions import parse_requests
from builders.synthetic.settings import VideoSettings


def synthetic(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder to make.")],
    videos: Annotated[int, typer.Option("--videos", metavar="N", help="How many videos.")] = 20,
    seed: Annotated[int, typer.Option("--seed", metavar="S", help="The same seed gives the same benchmark.")] = 0,
    size: Annotated[int, typer.Option("--size", help="Side of the square frame, pixels, even.")] = 224,
    seconds: Annotated[float, typer.Option("--seconds", help="Length of each video.")] = 4.0,
    fps: Annotated[int, typer.Option("--fps", help="Frames per second.")] = 12,
    workers: Annotated[int | None, typer.Option("--workers", help="Processes; default: one per core.")] = None,
    predictions: Annotated[
        list[str] | None,
        typer.Option(
            "--predictions",
            metavar="NAME=RECALL:PRECISION",
            help="Also write captions that state this share of the asked facts, this share of them rightly; more "
            "sections after commas (strong=0.9:0.95,short=0.5:1). Repeatable.",
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an earlier synthetic benchmark.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Make videos of moving shapes with gold captions and questions whose answers are known.

    Example: vdc build synthetic --videos 20 --seed 0 --out toy --predictions strong=0.9:0.95
    """
    from builders.synthetic.build import build_synthetic

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    requests = parse_requests(predictions or [])
    settings = VideoSettings(size=size, seconds=seconds, fps=fps)
    try:
        built = build_synthetic(
            out,
            videos=videos,
            seed=seed,
            settings=settings,
            workers=cores if workers is None else workers,
            predictions=requests,
            overwrite=overwrite,
            progress=_show_progress,
        )
    except KeyboardInterrupt:
        typer.echo("\nstopped; the same command goes on where it was", err=True)
        raise
    if as_json:
        record = {
            "out": str(built.folder),
            "videos": built.videos,
            "questions": built.questions,
            "rendered": built.rendered,
            "kept": built.kept,
            "elapsed_s": round(built.elapsed_s, 3),
        }
        typer.echo(json.dumps(record, indent=2))
        return
    kept = f", {built.kept} kept from before" if built.kept else ""
    typer.echo(f"{built.videos} videos{kept}, {built.questions} questions in {built.folder} ({built.elapsed_s:.1f} s)")
    for request in requests:
        typer.echo(f"vdc score {built.folder}/predictions/{request.name}.jsonl --benchmark {built.folder}")


def _show_progress(done: int, total: int) -> None:
    if sys.stderr.isatty():
        typer.echo(f"\rvideos {done}/{total}", nl=done == total, err=True)
    elif done == total or done % max(total // 10, 1) == 0:
        typer.echo(f"videos {done}/{total}", err=True)
