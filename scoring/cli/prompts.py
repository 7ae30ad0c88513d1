"""``vdc prompts``: list, import, verify and show the texts a judge is sent."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer

from scoring.prompts.catalog import DEFAULT_PROMPTS, list_prompts, load_prompts
from scoring.prompts.importer import import_prompts
from scoring.prompts.model import PIECES
from vdc.errors import InputError

app = typer.Typer(help="List, import and verify judge prompts.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("list")
def list_sets(as_json: AsJson = False) -> None:
    """List prompt sets and whether they can be used.

    Example: vdc prompts list
    """
    rows = list_prompts()
    if as_json:
        typer.echo(json.dumps([asdict(row) for row in rows], indent=2))
        return
    for row in rows:
        typer.echo(f"{row.name:<42} {row.kind:<10} {row.sha256[:12] or '-':<13} {row.state.splitlines()[0]}")


@app.command("import")
def import_set(
    path: Annotated[str, typer.Argument(help="Your copy of a published scorer: the file or a folder above it.")],
    name: Annotated[str | None, typer.Option("--as", help="Variant name, where several have the same texts.")] = None,
    as_json: AsJson = False,
) -> None:
    """Take the published wordings out of your copy of a scorer, verify and keep them.

    The file is read, never run; the texts stay in your user folder.

    Example: vdc prompts import aurora/post_eval/process_vdc_result.py
    """
    result = import_prompts(path, name)
    rows = [
        {"name": found.prompts.name, "sha256": found.prompts.sha256, "equal": list(found.equal), "file": found.path}
        for found in result.sets
    ]
    if as_json:
        typer.echo(json.dumps({"imported": rows, "rejected": [str(problem) for problem in result.rejected]}, indent=2))
    else:
        for found in result.sets:
            typer.echo(f"{found.prompts.name}  verified  SHA-256 {found.prompts.sha256}  from {found.path}")
            if found.equal:
                typer.echo(f"  same texts as: {', '.join(found.equal)}")
            typer.echo(f"  use it: vdc score PREDICTIONS --prompts {found.prompts.name}")
    if result.rejected:
        raise InputError(result.rejected, summary="files that look like a published scorer and are not one")


@app.command("verify")
def verify(
    name: Annotated[str | None, typer.Argument(help="A prompt set; all that are on this disk when left out.")] = None,
    as_json: AsJson = False,
) -> None:
    """Hash prompt sets again and compare with what they should be.

    Example: vdc prompts verify vdc-1
    """
    names = [row.name for row in list_prompts() if row.state != "not imported"] if name is None else [name]
    sets = [load_prompts(each) for each in names]
    if as_json:
        typer.echo(
            json.dumps([{"name": each.name, "sha256": each.sha256, "pieces": each.hashes} for each in sets], indent=2)
        )
        return
    for each in sets:
        typer.echo(f"{each.name}  ok  SHA-256 {each.sha256}")
        for piece, digest in each.hashes.items():
            typer.echo(f"  {piece:<14} {digest}")


@app.command("show")
def show(
    name: Annotated[str, typer.Argument(help="A prompt set or file.")] = DEFAULT_PROMPTS, as_json: AsJson = False
) -> None:
    """Print the texts of a prompt set.

    Example: vdc prompts show vdc-1
    """
    prompts = load_prompts(name)
    if as_json:
        pieces = {piece: prompts.pieces[piece] for piece in PIECES}
        content = {"name": prompts.name, "published": prompts.published, "sha256": prompts.sha256, "pieces": pieces}
        typer.echo(json.dumps(content, indent=2, ensure_ascii=False))
        return
    for piece in PIECES:
        typer.echo(f"--- {piece}\n{prompts.pieces[piece]}\n")
