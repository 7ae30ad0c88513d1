"""``vdc bench``: what things cost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Measure what things cost.")


@app.callback()
def bench() -> None:
    """Measure what things cost."""


@app.command()
def tokens(
    shapes: Annotated[str, typer.Option(help="toy (a CPU is enough) or 7b (the released model's; a GPU).")] = "toy",
    device: Annotated[str, typer.Option(help="cpu (float32), cuda (bfloat16), or none: count, run nothing.")] = "cpu",
    repeats: Annotated[int, typer.Option(help="Timed runs of each stage; the median counts.")] = 5,
    seed: Annotated[int, typer.Option(help="Of the random weights and the random video.")] = 0,
    clock: Annotated[str, typer.Option(help="wall, or processor: leaves out what other programs take.")] = "wall",
    write: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Also write tokens.md, tokens.json and tokens.png there.")
    ] = None,
    score: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=RUN", help="Fill the score of a reduction from a run of vdc score. Repeatable."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Compare token reductions: visual tokens, operations, latency, memory, at equal inputs and random weights.

    Example: vdc bench tokens --write results
    """
    from baselines.bench.run import bench_tokens
    from baselines.bench.table import parse_scores
    from baselines.bench.write import write_table

    table = bench_tokens(
        shapes=shapes,
        device=device,
        repeats=repeats,
        seed=seed,
        clock=clock,
        scores=parse_scores(score or []),
        told=lambda name: typer.echo(f"measured {name}", err=True),
    )
    if write is not None:
        for path in write_table(table, write):
            typer.echo(f"wrote {path}", err=True)
    typer.echo(json.dumps(table.to_json(), indent=2) if as_json else table.to_text())
