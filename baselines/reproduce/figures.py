"""A number and where it comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One number that was not read in print.

    Args:
        value: In the unit of its column.
        how: Where it comes from, in a few words.
    """

    value: float
    how: str


Figures = Mapping[tuple[str, str], Figure]
"""(row, column) -> number."""
