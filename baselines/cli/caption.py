"""``vdc caption``: videos to a file of captions."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

if TYPE_CHECKING:
    from vdc.sections import Section

Choice = TypeVar("Choice", bound=str)


def caption(
    model: Annotated[
        str, typer.Option("--model", "-m", help="Folder or Hub name of a model, or its name on --base-url.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Predictions file; continued where it exists.")],
    videos: Annotated[Path | None, typer.Option(metavar="DIR", help="Folder of videos, with subfolders.")] = None,
    benchmark: Annotated[
        str | None,
        typer.Option(metavar="NAME|DIR", help="Caption this benchmark's videos; default place: its folder videos/."),
    ] = None,
    frames: Annotated[
        int | None, typer.Option(help="Frames of a video; with --fps the most of them. Default: 8, or as many as fit.")
    ] = None,
    fps: Annotated[
        float | None, typer.Option(help="Frames a second of a video. Default: 1 for LLaMA-VID, others by number.")
    ] = None,
    token_kept_ratio: Annotated[
        float | None, typer.Option(help="Share of visual tokens to keep, 0 to 1; AuroraCap. Default: the model's.")
    ] = None,
    compressor: Annotated[
        str | None,
        typer.Option(metavar="K,s", help="Before decoder layer K, s visual tokens become one; or none; LLaVolta."),
    ] = None,
    sections: Annotated[
        list[str] | None, typer.Option("--sections", "-s", help="Only these; repeat or separate by commas.")
    ] = None,
    engine: Annotated[
        str, typer.Option(help="local, accelerate (a process per GPU) or ray (many machines).")
    ] = "local",
    base_url: Annotated[str | None, typer.Option(help="OpenAI-compatible server whose model takes images.")] = None,
    limit: Annotated[int | None, typer.Option(help="Only the first so many videos.")] = None,
    batch_size: Annotated[int, typer.Option(help="Videos captioned together.")] = 1,
    max_new_tokens: Annotated[int, typer.Option(help="Longest caption, tokens.")] = 512,
    dtype: Annotated[str, typer.Option(help="auto, float32, float16 or bfloat16.")] = "auto",
    quantize: Annotated[str | None, typer.Option(help="Load in 4bit or 8bit.")] = None,
    device: Annotated[
        str | None, typer.Option(help="cpu, cuda, cuda:1, ... or auto (over all GPUs). Default: a GPU, else the CPU.")
    ] = None,
    processes: Annotated[int | None, typer.Option(help="Workers of --engine; default: one per GPU.")] = None,
    seed: Annotated[int, typer.Option(help="Picks the wording of the instructions.")] = 0,
    instructions: Annotated[str, typer.Option(help="Instruction set: a name or a TOML file.")] = "captions-1",
    revision: Annotated[str | None, typer.Option(help="Branch, tag or commit on the Hub.")] = None,
    concurrency: Annotated[int, typer.Option(min=1, help="Most calls in flight on --base-url.")] = 32,
    store: Annotated[Path | None, typer.Option(help="Reply store of --base-url; default: the user's own.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count what is missing; load and write nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Caption videos for the five sections, into a file that vdc validate and vdc score read.

    May be stopped at any time; the same command goes on. A video that fails is recorded with its reason and the rest
    goes on; exit code 1 says that some failed.

    Example: vdc caption --model MODEL --videos DIR --out predictions.jsonl
    """
    from baselines.captioning.plan import ENGINES
    from baselines.captioning.progress import CaptionProgress
    from baselines.captioning.run import CaptionOptions, caption_videos
    from baselines.captioning.types import DTYPES, QUANTIZATIONS, ModelSettings

    settings = ModelSettings(
        model=model,
        revision=revision,
        frames=frames,
        fps=fps,
        token_kept_ratio=token_kept_ratio,
        compressor=compressor,
        max_new_tokens=max_new_tokens,
        dtype=choose("--dtype", dtype, DTYPES),
        quantize=None if quantize is None else choose("--quantize", quantize, QUANTIZATIONS),
        seed=seed,
    )
    options = CaptionOptions(
        out=out,
        videos=videos,
        benchmark=benchmark,
        sections=choose_sections(sections),
        instructions=instructions,
        limit=limit,
        engine=choose("--engine", engine, ENGINES),
        processes=processes,
        device=device,
        batch_size=batch_size,
        base_url=base_url,
        concurrency=concurrency,
        store=store,
    )

    def show(total: int) -> Callable[[int, int, bool], None]:
        shown = CaptionProgress(total)
        return lambda done, failed, finished: shown.show(done, failed, finished=finished)

    run = caption_videos(settings, options, progress=show, dry_run=dry_run)
    if as_json:
        typer.echo(json.dumps(run.to_json(), indent=2))
    else:
        left = run.wanted - run.there_before
        counts = f"{left:,} to write" if dry_run else f"{run.written:,} written, {run.failed:,} failed"
        typer.echo(f"{out}: {run.videos:,} videos, {run.there_before:,} captions there before, {counts}")
    if run.failed:
        typer.echo(
            f"{run.failed:,} captions failed; the reasons are in {run.failures}; the same command tries again", err=True
        )
        raise typer.Exit(1)


def choose(option: str, given: str, valid: tuple[Choice, ...]) -> Choice:
    """The value of an option with a closed set of values.

    Raises:
        InputError: It is not one of them.
    """
    from vdc.errors import InputError, unknown_name

    chosen = next((value for value in valid if value == given), None)
    if chosen is None:
        raise InputError(unknown_name(option, given, valid))
    return chosen


def choose_sections(given: list[str] | None) -> tuple[Section, ...]:
    """The sections of ``--sections a,b -s c``, in the project's order; all when nothing is given.

    Raises:
        InputError: A name is no section.
    """
    from vdc.sections import SECTIONS, parse_section

    if not given:
        return SECTIONS
    names = {parse_section(name, "--sections") for words in given for name in words.split(",") if name.strip()}
    return tuple(section for section in SECTIONS if section in names)
