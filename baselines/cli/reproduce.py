"""``vdc reproduce``: published numbers, what remakes them, and what is known of them here."""

from __future__ import annotations

import json
from typing import Annotated

import typer


def reproduce(
    model: Annotated[
        str | None, typer.Argument(help="auroracap, llama_vid or llavolta; none lists everything.")
    ] = None,
    table: Annotated[str | None, typer.Argument(help="A table of that model; none lists them.")] = None,
    measured: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[ROW=]PATH", help="Run of vdc score or vdc score-qa, or a file of measurements. Repeatable."
        ),
    ] = None,
    flagged: Annotated[bool, typer.Option("--flagged", help="Only cells that do not follow from the rest.")] = False,
    as_markdown: Annotated[bool, typer.Option("--markdown", help="Print Markdown.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show published numbers beside recomputed and measured ones, and the commands that remake them.

    What nobody measured stays blank.

    Example: vdc reproduce auroracap vdc --measured RUN
    """
    from baselines.reproduce.run import list_tables, show_tables
    from vdc.errors import InputError, Problem

    form = "json" if as_json else "markdown" if as_markdown else "text"
    if measured and table is None:
        raise InputError(Problem("--measured without a table", "MODEL and TABLE", "vdc reproduce lists them"))
    listed = table is None and not flagged
    shown = list_tables(model) if listed else show_tables(model, table, measured=measured or (), flagged=flagged)
    typer.echo(json.dumps(shown.to_json(), indent=2, ensure_ascii=False) if form == "json" else shown.render(form))
