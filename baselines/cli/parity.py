"""``vdc parity``: does this installation compute what the published code computes?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer


def parity(
    model: Annotated[str, typer.Argument(help="Model to check, for example auroracap.")],
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Golden folder with MANIFEST.json.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Compare a model with golden files of its published code, item by item.

    Exit code 1 if an item differs by more than the manifest allows, or is left unchecked.

    Example: vdc parity auroracap golden/
    """
    from baselines.parity.models import check_parity

    report = check_parity(model, folder)
    typer.echo(json.dumps(report.to_dict(), indent=2) if as_json else report.to_text())
    if not report.passed:
        raise typer.Exit(1)
