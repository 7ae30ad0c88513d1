"""Published beside recomputed beside measured, cell by cell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from baselines.reproduce.figures import Figure, Figures
from baselines.reproduce.tables import Column, Row, Table, Value

SLACK = 1e-9
"""What binary fractions may add to a difference."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One published number and what stands beside it.

    Args:
        row: Its row.
        column: Its column.
        published: As printed; None where print is blank.
        spread: Published deviation; None where none is.
        recomputed: From a formula or from other published numbers; None where nothing says.
        measured: By the user; None where nobody did.
        notes: Numbers of the table's discrepancies that concern it, from 1.
    """

    row: Row
    column: Column
    published: Value
    spread: float | None
    recomputed: Figure | None
    measured: Figure | None
    notes: tuple[int, ...]

    @property
    def follows(self) -> bool | None:
        """Whether the published number is the recomputed one, rounded; None where there are not both."""
        if self.recomputed is None or not isinstance(self.published, int | float):
            return None
        return abs(self.recomputed.value - self.published) <= self.column.rounding + SLACK

    @property
    def difference(self) -> float | None:
        """Measured less published, else recomputed less published; None where there are not both."""
        found = self.measured or self.recomputed
        return found.value - self.published if found and isinstance(self.published, int | float) else None

    @property
    def how(self) -> str:
        """Where the number beside the published one comes from, or what is missing."""
        found = self.measured or self.recomputed
        if found is not None:
            return found.how
        if self.column.how == "setting":
            return "a setting"
        return "not measured: needs a run" if self.column.how == "run" else "not measured"

    def to_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return {
            "row": self.row.label,
            "column": self.column.name,
            "unit": self.column.unit,
            "published": self.published,
            "published_spread": self.spread,
            "recomputed": None if self.recomputed is None else self.recomputed.value,
            "measured": None if self.measured is None else self.measured.value,
            "difference": self.difference,
            "follows": self.follows,
            "how": self.how,
            "discrepancies": list(self.notes),
        }


def compare(table: Table, recomputed: Figures, measured: Mapping[tuple[str, str], Figure]) -> list[Cell]:
    """Every cell of a table that is printed, recomputed or measured, row by row.

    Args:
        table: The published table.
        recomputed: Of :func:`baselines.reproduce.recompute.recompute`.
        measured: Of :func:`baselines.reproduce.measured.read_measured`.
    """
    cells = []
    for row in table.rows:
        for place, column in enumerate(table.columns):
            cell = Cell(
                row,
                column,
                row.values[place],
                row.spread[place] if row.spread else None,
                recomputed.get((row.label, column.name)),
                measured.get((row.label, column.name)),
                _notes(table, row, column),
            )
            if cell.published is not None or cell.recomputed or cell.measured:
                cells.append(cell)
    return cells


def _notes(table: Table, row: Row, column: Column) -> tuple[int, ...]:
    """Discrepancies that name the cell; one that names neither rows nor columns is about the table."""
    return tuple(
        number
        for number, each in enumerate(table.discrepancies, start=1)
        if (each.rows or each.columns)
        and (not each.rows or row.label in each.rows)
        and (not each.columns or column.name in each.columns)
    )
