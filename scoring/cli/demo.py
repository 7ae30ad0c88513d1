"""``vdc demo``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

NAMES = ("weak", "strong")


def demo(
    out: Annotated[Path, typer.Option("--out", help="Folder for the two runs.")] = Path("demo"),
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace runs that lie there already.")] = False,
) -> None:
    """Score the two bundled caption files with the offline judge and compare them.

    Needs no key, model or network. Example: vdc demo --out demo
    """
    from scoring.cli.compare import print_comparison
    from scoring.compare import compare_runs
    from scoring.report.summary import render_summary
    from scoring.score import score
    from vdc.benchmark.sample import sample_path

    for name in NAMES:
        predictions = sample_path(name)
        run = score(predictions, benchmark="sample", judge="lexical", out=out / name, overwrite=overwrite)
        typer.secho(f"\n{name} captions", bold=True)
        typer.echo(render_summary(run.report))
    typer.secho("\nweak (A) against strong (B)", bold=True)
    print_comparison(compare_runs(out / "weak", out / "strong"))
    typer.echo(f"\nRead {out / 'strong' / 'report.md'} next; then score your own captions:")
    typer.echo("  vdc score predictions.jsonl --benchmark FOLDER --base-url http://localhost:8000/v1 --model NAME")
