"""The files of ``vdc bench tokens --write``."""

from __future__ import annotations

import json
from pathlib import Path

from baselines.bench.chart import draw_chart
from baselines.bench.page import page_text
from baselines.bench.table import TokenTable
from vdc.fileio import write_atomic


def write_table(table: TokenTable, folder: Path) -> list[Path]:
    """Write page, chart and JSON, ``tokens.*`` (``tokens_7b.*`` for that shape); returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    stem = "tokens" if table.shape == "toy" else f"tokens_{table.shape}"
    paths = [folder / f"{stem}{ending}" for ending in (".json", ".md", ".png")]
    write_atomic(paths[0], json.dumps(table.to_json(), indent=2) + "\n")
    write_atomic(paths[1], page_text(table, paths[2].name))
    write_atomic(paths[2], draw_chart(table))
    return paths
