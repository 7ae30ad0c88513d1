"""``vdc compare``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from scoring.compare import Comparison, RunComparison


def compare(
    run_a: Annotated[Path, typer.Argument(help="Folder of the first run.")],
    run_b: Annotated[Path, typer.Argument(help="Folder of the second run; differences are second minus first.")],
    protocol: Annotated[str, typer.Option(help="How verdicts become numbers.")] = "strict",
    seed: Annotated[int, typer.Option(help="Seed of the draws.", min=0)] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Compare two runs video by video: differences, intervals, corrected p-values.

    Example: vdc compare runs/small runs/large
    """
    from scoring.compare import compare_runs

    found = compare_runs(run_a, run_b, protocol=protocol, seed=seed)
    if not as_json:
        print_comparison(found)
        return
    typer.echo(json.dumps(found.to_json(), indent=2, ensure_ascii=True, allow_nan=False))
    for warning in found.warnings:
        typer.echo(f"warning: {warning}", err=True)


def print_comparison(found: RunComparison) -> None:
    """Print the table on stdout and the warnings on stderr."""
    typer.echo(render_comparison(found))
    for warning in found.warnings:
        typer.echo(f"warning: {warning}", err=True)


def render_comparison(found: RunComparison) -> str:
    """The comparison as text of at most 80 columns; long folder names are cut at their start."""
    lines = [f"A  {_cut(str(found.first['folder']))}", f"B  {_cut(str(found.second['folder']))}", ""]
    for metric, title in (("accuracy", "accuracy, %"), ("score", "score, 0-5")):
        lines.append(
            f"{title:<12} {'A':>6} {'B':>6} {'B - A':>7}  {'95 % interval':<17} {'p':>7} {'Holm':>7} {'videos':>7}"
        )
        lines += [_line(row) for row in found.rows if row.metric == metric]
        lines.append("")
    lines.append(f"Protocol {found.protocol}; p: paired sign flips over videos; Holm: p corrected for")
    lines.append("all rows of its table.")
    return "\n".join(lines)


def _line(row: Comparison) -> str:
    factor, digits = (100, 1) if row.metric == "accuracy" else (1, 2)

    def number(value: float | None, sign: str = "") -> str:
        return "-" if value is None else f"{factor * value:{sign}.{digits}f}"

    ends = f"[{number(row.interval.low, '+')}, {number(row.interval.high, '+')}]" if row.interval else "-"
    return (
        f"{row.section:<12} {number(row.first):>6} {number(row.second):>6} {number(row.difference, '+'):>7}  "
        f"{ends:<17} {_p(row.p_value):>7} {_p(row.p_holm):>7} {row.videos:>7,}"
    )


def _p(value: float | None) -> str:
    if value is None:
        return "-"
    return "<0.001" if value < 0.001 else f"{value:.3f}"


def _cut(text: str, width: int = 76) -> str:
    return text if len(text) <= width else "..." + text[len(text) - width + 3 :]
