"""``vdc features``: what a tower makes of a film, for questions about hours of video."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from baselines.llama_vid.subtitles import Subtitle


def features(
    video: Annotated[Path, typer.Argument(help="Video file.")],
    model: Annotated[
        str, typer.Option("--model", "-m", help="LLaMA-VID folder or Hub name; only its tower is loaded.")
    ],
    out: Annotated[Path, typer.Option("--out", help="FILM.pkl as published, or a folder.")],
    subtitles: Annotated[Path | None, typer.Option(help="SubRip file (.srt), UTF-8.")] = None,
    keep_digits: Annotated[
        bool,
        typer.Option("--keep-digits", help="Keep subtitle lines of digits alone, which the published parser loses."),
    ] = False,
    fps: Annotated[float, typer.Option(help="Frames a second to keep.")] = 1.0,
    block: Annotated[int, typer.Option(min=1, help="Frames that pass the tower together.")] = 48,
    device: Annotated[str | None, typer.Option(help="cpu, cuda, cuda:1, ... Default: a GPU, else the CPU.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace a file that lies there.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Extract the features of a film, block by block; the same command goes on where it was stopped.

    Ask about it with: vdc chat --model MODEL FILM.pkl

    Example: vdc features film.mp4 --model llama-vid-native --subtitles film.srt --out film.pkl
    """
    from vdc.errors import InputError, MissingExtra, Problem

    try:
        from baselines.captioning.frame_choice import check_frames
        from baselines.captioning.models import choose_device
        from baselines.captioning.types import ModelSettings
        from baselines.llama_vid.features import extract_film, write_published
        from baselines.llama_vid.film_tower import load_tower
    except ImportError as error:
        raise MissingExtra("running a tower", "baselines") from error

    check_frames(ModelSettings(model=model, fps=fps))
    published = out.suffix == ".pkl"
    if published and out.exists() and not overwrite:
        raise InputError(Problem("a file", "a name that is free", "give another --out, or --overwrite", str(out)))
    spoken = _read_subtitles(subtitles, keep_digits)
    work = out.with_name(f".{out.name}.parts") if published else out
    loaded = load_tower(_folder(model), device=choose_device(device))
    try:
        film = extract_film(
            loaded.tower, loaded.spec, video, work, fps=fps, subtitles=spoken, block=block, told=_Progress()
        )
    except KeyboardInterrupt:
        typer.echo("\nvdc: stopped; the same command goes on behind the last block", err=True)
        sys.exit(130)
    if published:
        # written beside the blocks, so that what a killed write leaves goes with them
        write_published(film, work / out.name)
        (work / out.name).replace(out)
        shutil.rmtree(work)
    frames, tokens, width = film.features.shape
    if as_json:
        facts = {"out": str(out), "frames": frames, "tokens_per_frame": tokens, "width": width}
        typer.echo(json.dumps({**facts, "subtitles": len(spoken), "bytes": film.features.nbytes}, indent=2))
    else:
        typer.echo(f"{out}: {frames:,} frames of {tokens} x {width}, {len(spoken):,} subtitles")


def _folder(model: str) -> Path:
    """The folder of a checkpoint, released ones as they are; a Hub model is fetched, and converted where it has to be.

    Raises:
        InputError: Neither, or a Hub model of another family.
    """
    from baselines.captioning.checkpoints import find_checkpoint
    from vdc.errors import InputError, Problem

    if Path(model).exists() or model.startswith((".", "/", "~")) or model.count("/") != 1:
        return Path(model)
    found = find_checkpoint(model)
    if found.family != "llama_vid":
        raise InputError(
            Problem(f"a checkpoint of {found.architecture}", "LLaMA-VID", "only its towers make films", model)
        )
    if Path(found.source).is_dir():
        return Path(found.source)
    from huggingface_hub import snapshot_download

    return Path(snapshot_download(found.source, revision=found.revision))


def _read_subtitles(path: Path | None, keep_digits: bool) -> list[Subtitle]:
    """Subtitles of a file; none without one.

    Raises:
        InputError: Not UTF-8, or a time that cannot be read.
    """
    from baselines.llama_vid.subtitles import parse_srt
    from vdc.errors import InputError, Problem
    from vdc.textio import decode_text, read_bytes

    if path is None:
        return []
    problems: list[Problem] = []
    text = decode_text(read_bytes(path), problems, lenient=True)
    if text is None:
        raise InputError(problems)
    found = parse_srt(text, keep_digits=keep_digits)
    if not found:
        expected = "a SubRip file with one subtitle or more"
        raise InputError(Problem("no subtitle", expected, "leave --subtitles out, or give another file", str(path)))
    return found


class _Progress:
    """A line that moves on a terminal; elsewhere a line for every tenth of the film."""

    def __init__(self) -> None:
        self._told = 0

    def __call__(self, done: int, total: int) -> None:
        if sys.stderr.isatty():
            typer.echo(f"\rframes {done:,}/{total:,}", nl=done == total, err=True)
        elif done == total or 10 * (done - self._told) >= total:
            self._told = done
            typer.echo(f"frames {done:,}/{total:,}", err=True)
