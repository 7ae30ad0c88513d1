"""``vdc build trainset``: sets to train on, from the files their makers publish."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(
    help="A set to train on: published captions and conversations as one LLaVA list.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)

Base = Annotated[
    Path | None, typer.Option(metavar="LIST", help="LLaVA list whose items come first, for example blip_558k.json.")
]
Prefix = Annotated[str, typer.Option(help="Put in front of every video's path, for example webvid/.")]
KeepDuplicates = Annotated[bool, typer.Option("--keep-duplicates", help="Keep rows that are the same as another.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace another list that lies there.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the report.")]


@app.callback()
def trainset() -> None:
    """A set to train on: published captions and conversations as one LLaVA list."""


@app.command()
def webvid(
    sources: Annotated[list[Path], typer.Argument(metavar="IN...", help="WebVid's CSV files, or a folder of them.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="JSON list to make.")],
    videos: Annotated[Path, typer.Option(metavar="DIR", help="Folder with <page_dir>/<videoid>.mp4.")],
    base: Base = None,
    prefix: Prefix = "",
    seed: Annotated[int, typer.Option(help="Decides which instruction a row gets.")] = 0,
    keep_duplicates: KeepDuplicates = False,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Captions of WebVid as conversations of one turn; rows without a video are left out.

    Example: vdc build trainset webvid results_2M_train.csv webvid.json --videos webvid --base blip_558k.json
    """
    from builders.trainset.convert import Conversion, convert
    from builders.trainset.webvid import INSTRUCTIONS, find_tables, webvid_rows

    _check_folder(videos)
    _check_prefix(prefix)
    tables = find_tables(sources)
    options = {"prefix": prefix, "seed": seed, "instructions": INSTRUCTIONS}
    conversion = Conversion("webvid", tables, base, options, keep_duplicates)
    _show(
        convert(conversion, webvid_rows(tables, videos, prefix=prefix, seed=seed), out, overwrite=overwrite),
        out,
        as_json,
    )


@app.command("video-chatgpt")
def video_chatgpt(
    source: Annotated[Path, typer.Argument(metavar="IN", help="JSON list of Video-ChatGPT.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="JSON list to make.")],
    videos: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder of the videos: rows without one are left out.")
    ] = None,
    base: Base = None,
    prefix: Prefix = "",
    keep_duplicates: KeepDuplicates = False,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
) -> None:
    """Conversations of Video-ChatGPT with its feature files renamed to videos.

    Example: vdc build trainset video-chatgpt video_chatgpt.json mixed.json --base llava_mix665k.json
    """
    from builders.trainset.convert import Conversion, convert
    from builders.trainset.video_chatgpt import video_chatgpt_rows

    if videos is not None:
        _check_folder(videos)
    _check_prefix(prefix)
    options = {"prefix": prefix, "videos_checked": videos is not None}
    conversion = Conversion("video-chatgpt", [source], base, options, keep_duplicates)
    _show(
        convert(conversion, video_chatgpt_rows(source, videos, prefix=prefix), out, overwrite=overwrite), out, as_json
    )


def _check_folder(videos: Path) -> None:
    from vdc.errors import InputError, Problem

    if not videos.is_dir():
        raise InputError(Problem("no folder", "the folder of the videos", "correct --videos", str(videos)))


def _check_prefix(prefix: str) -> None:
    from builders.trainset.llava import is_safe
    from vdc.errors import InputError, Problem

    if prefix and not is_safe(f"{prefix}x"):
        expected = "a relative path without .., for example webvid/"
        raise InputError(Problem(f"--prefix {prefix!r}", expected, "correct it"))


def _show(report: dict[str, Any], out: Path, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(report, indent=2))
        return
    if not report["made"]:
        typer.echo(f"{out}: there already, made of the same files; nothing to do")
    if report["base_rows"]:
        typer.echo(f"base     {report['base_rows']:>9,} rows in, {report['base_kept']:,} kept")
    typer.echo(
        f"source   {report['rows']:>9,} rows in, {report['rows_kept']:,} kept, {report['rows_dropped']:,} left out"
    )
    typer.echo(f"the same {report['duplicates']:>9,}")
    for reason, count in report["reasons"].items():
        typer.echo(f"  left out {count:>9,}  {reason}")
    for note, count in report["notes"].items():
        typer.echo(f"  noted    {count:>9,}  {note}")
    typer.echo(f"{out}: {report['items']:,} items; rows left out: {out}.dropped.jsonl")
