"""``vdc report``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer


def report(
    run: Annotated[Path, typer.Argument(help="Folder of a run, as vdc score --out wrote it.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the content of report.json.")] = False,
) -> None:
    """Make report.json, report.md and the plots of a run again from its verdicts; asks no judge.

    Example: vdc report runs/small
    """
    from scoring.report.folder import REPORT_MARKDOWN, remake_report
    from scoring.report.summary import render_summary

    made = remake_report(run)
    if as_json:
        typer.echo(json.dumps(made, indent=2, ensure_ascii=True, allow_nan=False))
    else:
        typer.echo(render_summary(made))
        typer.echo(f"\nreport: {run / REPORT_MARKDOWN}")
    for warning in made["warnings"]:
        typer.echo(f"warning: {warning}", err=True)
