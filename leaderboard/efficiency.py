"""What a number costs: visual tokens per video against accuracy or score, and the rows that nobody beats at both."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from leaderboard.board import without_formula
from leaderboard.board_rows import BoardRow, Metric
from leaderboard.board_table import (
    KIND_NAMES,
    MIXED_REMARK,
    NO_TEXT,
    UNITS,
    group_remark,
    group_title,
    interval_text,
    model_label,
    shown,
)
from leaderboard.results import AVERAGE

if TYPE_CHECKING:
    import pandas as pd

SCHEMA_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Point:
    """A row whose cost is known.

    Args:
        row: The row.
        tokens: Visual tokens per video.
        value: Its number, a fraction or a score.
        on_front: Whether no other row of its group has at least this number for at most these tokens.
    """

    row: BoardRow
    tokens: int
    value: float
    on_front: bool


@dataclass(frozen=True, slots=True)
class Front:
    """One group of rows that were judged alike.

    Args:
        name: What they have in common. Holds text from outside.
        remark: What a reader must know before comparing; empty where there is nothing.
        points: Cheapest first.
    """

    name: str
    remark: str
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Efficiency:
    """Rows by what they cost.

    Args:
        fronts: One per group, in the board's order.
        without_tokens: Rows that have a number but no token count.
        without_value: Rows that have no number to compare.
    """

    fronts: tuple[Front, ...]
    without_tokens: tuple[BoardRow, ...]
    without_value: tuple[BoardRow, ...]


def efficiency_of(
    rows: Sequence[BoardRow], *, metric: Metric = "accuracy", section: str = AVERAGE, mixed: bool = False
) -> Efficiency:
    """Rows by cost, with the Pareto front of each group.

    Args:
        rows: As the board shows them.
        metric: What tokens are set against.
        section: A section or ``average``.
        mixed: One front over rows that were judged differently.
    """
    valued = [row for row in rows if row.value(metric, section) is not None]
    groups: dict[str, list[BoardRow]] = {}
    for row in valued:
        if row.visual_tokens:
            groups.setdefault("" if mixed else row.group, []).append(row)
    fronts = [
        Front(
            "All rows together" if mixed else group_title(group[0]),
            MIXED_REMARK if mixed else group_remark(group[0]),
            pareto(group, metric, section),
        )
        for group in groups.values()
    ]
    return Efficiency(
        tuple(fronts),
        tuple(row for row in valued if not row.visual_tokens),
        tuple(row for row in rows if row.value(metric, section) is None),
    )


def pareto(rows: Sequence[BoardRow], metric: Metric, section: str) -> tuple[Point, ...]:
    """Rows as points, cheapest first; on the front is what no row beats at both cost and number.

    Rows with the same cost and the same number are on the front together.

    Args:
        rows: Of one group, all with tokens and a number.
        metric: The number.
        section: A section or ``average``.
    """
    found = [(row.visual_tokens or 0, row.value(metric, section) or 0.0, row) for row in rows]
    found.sort(key=lambda one: (one[0], -one[1], one[2].model.casefold(), one[2].id))
    points: list[Point] = []
    best: tuple[int, float] | None = None
    for tokens, value, row in found:
        on_front = best is None or value > best[1] or (tokens, value) == best
        if on_front:
            best = (tokens, value)
        points.append(Point(row, tokens, value, on_front))
    return tuple(points)


EFFICIENCY_HEADS: Final[Mapping[str, str]] = {
    "model": "Model",
    "front": "Pareto front",
    "tokens": "Visual tokens per video",
    "value": "Value",
    "interval": "95 % interval",
    "frames": "Frames",
    "per_frame": "Tokens per frame",
    "kind": "Kind",
    "group": "Group",
}


def efficiency_table(found: Efficiency, metric: Metric, section: str) -> pd.DataFrame:
    """All points as a table: the front is marked by a word, never by colour alone."""
    import pandas as pd

    lines = [
        (
            model_label(point.row),
            "★ on the front" if point.on_front else NO_TEXT,
            point.tokens,
            shown(point.value, metric),
            interval_text(point.row.cells[section].interval(metric), metric),
            point.row.frames,
            point.row.tokens_per_frame,
            KIND_NAMES[point.row.kind],
            front.name,
        )
        for front in found.fronts
        for point in front.points
    ]
    frame = pd.DataFrame(lines, columns=list(EFFICIENCY_HEADS))
    return frame.astype({"frames": "Int64", "per_frame": "Int64", "value": "float64"})


def efficiency_heads(metric: Metric) -> dict[str, str]:
    """The heads of the table with the unit of a metric."""
    unit = f"{metric.capitalize()} ({UNITS[metric]})"
    return {**EFFICIENCY_HEADS, "value": unit, "interval": f"95 % interval ({UNITS[metric]})"}


def efficiency_json(found: Efficiency, metric: Metric, section: str) -> bytes:
    """Points and what was left out, as JSON; accuracies are fractions."""
    document = {
        "schema_version": SCHEMA_VERSION,
        "metric": metric,
        "section": section,
        "points": [_plain(front, point) for front in found.fronts for point in front.points],
        "without_tokens": [row.id for row in found.without_tokens],
        "without_value": [row.id for row in found.without_value],
    }
    return json.dumps(document, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")


def efficiency_csv(found: Efficiency, metric: Metric, section: str) -> bytes:
    """The points as CSV that no spreadsheet runs."""
    names = (
        "id",
        "model",
        "group",
        "kind",
        "judge",
        "frames",
        "tokens_per_frame",
        "visual_tokens",
        "value",
        "on_front",
    )
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*names[:-2], f"{section}_{metric}", "on_front"])
    for front in found.fronts:
        for point in front.points:
            plain = _plain(front, point)
            writer.writerow([without_formula(plain[name]) for name in names])
    return text.getvalue().encode("utf-8", "replace")


def _plain(front: Front, point: Point) -> dict[str, Any]:
    row = point.row
    return {
        "id": row.id,
        "model": model_label(row),
        "group": front.name,
        "kind": row.kind,
        "judge": row.judge,
        "frames": row.frames,
        "tokens_per_frame": row.tokens_per_frame,
        "visual_tokens": point.tokens,
        "value": point.value,
        "on_front": point.on_front,
    }
