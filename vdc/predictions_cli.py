"""``vdc validate``."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer


def validate(
    file: Annotated[Path, typer.Argument(help="File of captions.")],
    benchmark: Annotated[
        str | None, typer.Option(help="Check ids against this benchmark: vdc, sample, a folder, or owner/set.")
    ] = None,
    section: Annotated[str | None, typer.Option("--section", "-s", help="Section of rows that do not name it.")] = None,
    lenient: Annotated[bool, typer.Option("--lenient", help="Tolerate harmless faults, counted.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List everything wrong with a file of captions, with line numbers; exit code 2 if anything is.

    Example: vdc validate predictions.jsonl --benchmark sample
    """
    from vdc.benchmark.load import load_benchmark
    from vdc.predictions.read import examine_predictions
    from vdc.sections import SECTIONS

    known = load_benchmark(benchmark) if benchmark is not None else None
    found = examine_predictions(file, section=section, benchmark=known, lenient=lenient)
    captions = found.predictions
    counts = {name: sum(key[1] == name for key in captions.captions) for name in SECTIONS} if captions else {}
    if as_json:
        whole = {
            "file": str(file),
            "valid": not found.problems,
            "format": captions.format if captions else None,
            "captions": counts,
            "problems": [asdict(problem) for problem in found.problems],
            "notes": list(found.notes),
        }
        typer.echo(json.dumps(whole, indent=2, ensure_ascii=True))
    elif found.problems:
        for problem in found.problems:
            typer.echo(str(problem))
        typer.echo(f"{len(found.problems)} problem(s) in {file}", err=True)
    elif captions:
        shown = ", ".join(f"{name} {count:,}" for name, count in counts.items() if count)
        typer.echo(f"{file}: {captions.format}, {len(captions.captions):,} captions ({shown}); no problems")
        for note in found.notes:
            typer.echo(f"note: {note}")
    if found.problems:
        raise typer.Exit(2)
