"""``vdc demo``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

NAMES = ("weak", "strong")


def demo(
    out: Annotated[Path, typer.Option("--out", help="Folder for the captions and their two runs.")] = Path("demo"),
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace runs that lie there already.")] = False,
) -> None:
    """Score the two bundled caption files with the offline judge and compare them.

    The captions lie beside their runs, as strong.jsonl and weak.jsonl: to be read, changed or submitted to a board.

    Needs no key, model or network. Example: vdc demo --out demo
    """
    from scoring.cli.compare import print_comparison
    from scoring.compare import compare_runs
    from scoring.report.summary import render_summary
    from scoring.score import score
    from vdc.benchmark.sample import sample_path

    files = {name: _captions(sample_path(name), out / f"{name}.jsonl", overwrite=overwrite) for name in NAMES}
    for name, predictions in files.items():
        run = score(predictions, benchmark="sample", judge="lexical", out=out / name, overwrite=overwrite)
        typer.secho(f"\n{name} captions", bold=True)
        typer.echo(render_summary(run.report))
    typer.secho("\nweak (A) against strong (B)", bold=True)
    print_comparison(compare_runs(out / "weak", out / "strong"))
    typer.echo(f"\nRead {out / 'strong' / 'report.md'} next; then score your own captions:")
    typer.echo("  vdc score predictions.jsonl --benchmark FOLDER --base-url http://localhost:8000/v1 --model NAME")


def _captions(source: Path, path: Path, *, overwrite: bool) -> Path:
    """A file of captions of the user's own to try things with; one that was changed is not thrown away."""
    from vdc.errors import InputError, Problem
    from vdc.fileio import write_atomic

    content = source.read_bytes()
    if path.is_file() and path.read_bytes() == content:
        return path
    if path.exists() and not overwrite:
        raise InputError(Problem("other captions", "a free name", "give another --out, or --overwrite", str(path)))
    write_atomic(path, content)
    return path
