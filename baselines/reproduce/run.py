"""``vdc reproduce`` for Python users."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from baselines.reproduce.compare import Cell, compare
from baselines.reproduce.measured import read_measured
from baselines.reproduce.recompute import recompute
from baselines.reproduce.show import (
    align,
    list_lines,
    markdown,
    shown_cells,
    state,
    table_json,
    table_markdown,
    table_text,
)
from baselines.reproduce.tables import MODELS, Book, Table, read_book


@dataclass(frozen=True, slots=True)
class TableList:
    """Every table of some papers.

    Args:
        books: The papers.
    """

    books: tuple[Book, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain JSON."""
        tables = [
            {"model": book.model, "table": table.id, "title": table.title, "numbers": table.numbers}
            | {"how_sure": table.sure, "state": state(table), "needs": table.needs.lines()}
            for book in self.books
            for table in book.tables.values()
        ]
        left_out = [{"model": book.model, "what": what, "why": why} for book in self.books for what, why in _left(book)]
        return {"schema_version": 1, "tables": tables, "left_out": left_out}

    def render(self, form: str) -> str:
        """As ``text`` or ``markdown``."""
        lines = (markdown if form == "markdown" else align)(list_lines(self.books))
        left = [f"{book.model}: {what}: {why}" for book in self.books for what, why in _left(book)]
        return "\n".join(
            [*lines, "", "Not here:", *([""] if form == "markdown" else []), *(f"- {line}" for line in left)]
        )


@dataclass(frozen=True, slots=True)
class FilledTable:
    """A published table with what stands beside it.

    Args:
        book: Its paper.
        table: The table.
        cells: Everything printed, recomputed or measured.
        cautions: Why measured numbers may not be comparable.
    """

    book: Book
    table: Table
    cells: tuple[Cell, ...]
    cautions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FilledTables:
    """Some published tables with what stands beside them.

    Args:
        tables: In order.
        alone: One table was asked for, so that JSON is that table.
        flagged: Show only cells that do not follow.
    """

    tables: tuple[FilledTable, ...]
    alone: bool
    flagged: bool

    def to_json(self) -> Any:
        """Plain JSON: the table, or a list of tables."""
        shown = [
            table_json(each.book, each.table, shown_cells(each.cells, self.flagged), each.cautions)
            for each in self.tables
        ]
        return shown[0] if self.alone else {"schema_version": 1, "tables": shown}

    def render(self, form: str) -> str:
        """As ``text`` or ``markdown``."""
        draw = table_markdown if form == "markdown" else table_text
        return "\n\n".join(
            ("" if self.alone or form == "markdown" else f"{each.book.model} {each.table.id}: ")
            + draw(each.table, each.cells, each.cautions, flagged=self.flagged)
            for each in self.tables
        )


def list_tables(model: str | None = None) -> TableList:
    """Every published table there is, with its state; computes nothing.

    Args:
        model: Of this model alone.

    Raises:
        InputError: Unknown model.
    """
    return TableList(tuple(read_book(name) for name in (MODELS if model is None else (model,))))


def show_tables(
    model: str | None = None, table: str | None = None, *, measured: Sequence[str] = (), flagged: bool = False
) -> FilledTables:
    """Published numbers with recomputed and measured ones beside them.

    Args:
        model: One of :data:`baselines.reproduce.tables.MODELS`; None: all.
        table: A table of it; None: all.
        measured: As :func:`baselines.reproduce.measured.read_measured`; for one table.
        flagged: Only cells that do not follow, and only tables that have some, unless one table was asked for.

    Raises:
        InputError: Unknown names, or measurements that cannot be used.
        MissingExtra: A formula builds a model, and the packages for models are not installed.
    """
    filled = []
    for book in list_tables(model).books:
        for each in book.tables.values() if table is None else (book.table(table),):
            given = read_measured(book.model, each, measured)
            cells = compare(each, recompute(book, each), given.figures)
            if table is not None or not flagged or any(cell.follows is False for cell in cells):
                filled.append(FilledTable(book, each, tuple(cells), given.cautions))
    return FilledTables(tuple(filled), alone=table is not None, flagged=flagged)


def _left(book: Book) -> list[tuple[str, str]]:
    return list(book.left_out.items())
