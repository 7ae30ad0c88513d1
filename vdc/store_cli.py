"""``vdc store info`` and ``vdc store prune``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vdc.errors import InputError, Problem

if TYPE_CHECKING:
    from vdc.llm.store import ReplyStore

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Look into or prune the store of judge replies.")

StoreOption = Annotated[Path | None, typer.Option("--store", help="Store file; default: the user's own.")]


def open_store(path: Path | None, *, must_exist: bool = False) -> ReplyStore:
    """The reply store named by flag, environment or configuration, else the user's own.

    Raises:
        InputError: ``must_exist`` and there is none yet, or the file is no reply store.
    """
    from vdc.llm.store import ReplyStore, default_store_path
    from vdc.settings import lookup

    configured = lookup("store", str(path) if path else None).value
    file = Path(configured) if configured else default_store_path()
    if must_exist and not file.exists():
        raise InputError(
            Problem(
                "no reply store", "the file that vdc score fills", "score something first, or give --store", str(file)
            )
        )
    return ReplyStore(file)


@app.command()
def info(
    store: StoreOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """How many replies the store holds, of which models, from when to when.

    Example: vdc store info --json
    """
    with open_store(store, must_exist=True) as opened:
        found = opened.info()
    if as_json:
        models = [
            {
                "model": model.model,
                "replies": model.replies,
                "text_bytes": model.text_bytes,
                "input_tokens": model.input_tokens,
                "output_tokens": model.output_tokens,
            }
            for model in found.models
        ]
        whole = {
            "path": found.path,
            "replies": found.replies,
            "file_bytes": found.file_bytes,
            "oldest": found.oldest.isoformat() if found.oldest else None,
            "newest": found.newest.isoformat() if found.newest else None,
            "models": models,
        }
        typer.echo(json.dumps(whole, indent=2))
        return
    typer.echo(f"{found.path}: {found.replies:,} replies, {found.file_bytes / 1e6:.1f} MB")
    if found.oldest and found.newest:
        typer.echo(f"from {found.oldest:%Y-%m-%d %H:%M} to {found.newest:%Y-%m-%d %H:%M} UTC")
    for model in found.models:
        tokens = f"{model.input_tokens:,} tokens in, {model.output_tokens:,} out"
        typer.echo(f"  {model.model}: {model.replies:,} replies, {tokens}")


@app.command()
def prune(
    store: StoreOption = None,
    model: Annotated[str | None, typer.Option(help="Only replies of this model.")] = None,
    older_than_days: Annotated[float | None, typer.Option(min=0.0, help="Only replies at least this old.")] = None,
    everything: Annotated[bool, typer.Option("--everything", help="All replies.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what the store holds and delete nothing.")] = False,
) -> None:
    """Delete replies; runs that used them keep their verdicts, but scoring again asks again.

    Example: vdc store prune --model old-judge --older-than-days 90
    """
    if model is None and older_than_days is None and not everything:
        raise InputError(
            Problem(
                "no word on which replies to delete",
                "--model, --older-than-days, or --everything",
                "add one of them; vdc store info shows what there is",
            )
        )
    if dry_run:
        info(store)
        typer.echo("nothing was deleted")
        return
    with open_store(store, must_exist=True) as opened:
        deleted = opened.prune(
            model=model,
            older_than_s=None if older_than_days is None else older_than_days * 86_400,
            everything=everything,
            vacuum=True,
        )
    typer.echo(f"deleted {deleted:,} replies")
