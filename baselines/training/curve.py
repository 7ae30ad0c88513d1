"""The loss curve: a JSON line per optimiser step, without times, so that equal runs give equal files.

{"step": 7, "stage": 2, "loss": 3.25, "learning_rate": 0.001, "visual_tokens": 24.0}
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from vdc.fileio import write_atomic

CURVE: Final = "curve.jsonl"


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """One optimiser step.

    Args:
        step: From 1.
        stage: Of compression, from 1.
        loss: Mean over the step's tokens, before the step.
        learning_rate: Of the step, of the first group of parameters.
        grad_norm: Before clipping; None where the trainer does not tell.
        visual_tokens: Per row, averaged over decoder layers.
    """

    step: int
    stage: int
    loss: float
    learning_rate: float
    grad_norm: float | None
    visual_tokens: float


def append_point(path: Path, point: CurvePoint) -> None:
    """Add a step."""
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(asdict(point)) + "\n")


def read_curve(path: Path) -> list[CurvePoint]:
    """The steps in a file, as far as its lines are whole; a line that broke off ends it."""
    points = []
    if path.is_file():
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                points.append(CurvePoint(**json.loads(line)))
            except (ValueError, TypeError):
                break
    return points


def cut_curve(path: Path, last_step: int) -> None:
    """Take out what came behind a step: it will be trained, and written, again."""
    kept = [point for point in read_curve(path) if point.step <= last_step]
    write_atomic(path, "".join(json.dumps(asdict(point)) + "\n" for point in kept))


def mean_loss(points: Sequence[CurvePoint]) -> float | None:
    """Average loss; None of nothing."""
    return sum(point.loss for point in points) / len(points) if points else None
