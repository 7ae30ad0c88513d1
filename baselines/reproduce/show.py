"""Tables on a screen, in a page and for programs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from baselines.reproduce.compare import Cell
from baselines.reproduce.tables import SURE, Book, Table, Value

LISTED: Final = ("model", "table", "numbers", "computed or checked", "filled by", "how sure", "state")
SHOWN: Final = ("row", "column", "published", "recomputed", "measured", "difference", "note", "how")
RIGHT: Final = frozenset({"numbers", "computed or checked", "published", "recomputed", "measured", "difference"})

Line = tuple[str, ...]


def computed(table: Table) -> str:
    """How many of its columns have a formula or follow from others, of how many that hold results."""
    results = [column for column in table.columns if column.how != "setting"]
    return f"{sum(column.how in ('formula', 'crosscheck') for column in results)} of {len(results)}"


def filled_by(table: Table) -> str:
    """What ``--measured`` takes for it."""
    run = any(column.part for column in table.columns)
    return " or ".join([*(["RUN"] if run else []), *(["FILE"] if table.needs.kinds() else [])]) or "-"


def state(table: Table) -> str:
    """Whether it can be remade here and now, or what that takes."""
    hows = {column.how for column in table.columns}
    kinds = table.needs.kinds()
    if any(command.startswith("vdc train") for command in table.commands):
        kinds.insert(1, "training")
    needs = ", ".join(kinds)
    if not kinds:
        return "recomputed"
    if "formula" in hows:
        return f"partly recomputed; the rest needs {needs}"
    return f"cross-checked; remaking needs {needs}" if "crosscheck" in hows else f"needs {needs}"


def list_lines(books: Iterable[Book]) -> list[Line]:
    """One line per table, headings first."""
    lines: list[Line] = [LISTED]
    for book in books:
        for table in book.tables.values():
            numbers = f"{table.numbers:,}"
            lines.append((book.model, table.id, numbers, computed(table), filled_by(table), table.sure, state(table)))
    return lines


def cell_lines(cells: Sequence[Cell]) -> list[Line]:
    """One line per cell, headings first; a row is named once."""
    lines: list[Line] = [SHOWN]
    before = ""
    for cell in cells:
        digits = cell.column.decimals
        finer = digits if cell.follows else digits + 1  # what does not follow shows by how much
        lines.append(
            (
                "" if cell.row.label == before else cell.row.label,
                f"{cell.column.name} ({cell.column.unit})",
                show_value(cell.published, digits, cell.spread),
                "" if cell.recomputed is None else show_value(cell.recomputed.value, finer),
                "" if cell.measured is None else show_value(cell.measured.value, digits),
                "" if cell.difference is None else _signed(cell.difference, finer if cell.measured is None else digits),
                " ".join([*(["!"] if cell.follows is False else []), *(f"[{number}]" for number in cell.notes)]),
                cell.how,
            )
        )
        before = cell.row.label
    return lines


def show_value(value: Value, decimals: int, spread: float | None = None) -> str:
    """A number with its digits, text as it is, nothing for nothing."""
    if value is None or isinstance(value, str):
        return value or ""
    return f"{value:,.{decimals}f}" + ("" if spread is None else f" ± {spread:g}")


def table_notes(table: Table, cells: Sequence[Cell], cautions: Sequence[str], *, flagged: bool) -> list[str]:
    """What a reader has to know beside the cells, one line each; with ``flagged`` not how to remake them."""
    lines = [f"source: {table.source} ({table.sure}: {SURE[table.sure]})"]
    if table.formula:
        lines.append(f"recomputed: {table.formula}")
    checked = [cell.follows for cell in cells if cell.follows is not None]
    if checked:
        wrong = checked.count(False)
        counted = f"{len(checked):,} recomputed cell{'s' if len(checked) > 1 else ''}"
        lines.append(
            f"{counted}, {wrong:,} of them not what is printed, marked !" if wrong else f"{counted}, as printed"
        )
    lines += [f"[{number}] {each.text}" for number, each in enumerate(table.discrepancies, start=1)]
    lines += [f"caution: {text}" for text in cautions]
    if flagged:
        return lines
    lines += [f"needs {line}" for line in table.needs.lines()]
    recipes = [f"{row.label}: {row.recipe}" for row in table.rows if row.recipe]
    if recipes:
        lines.append(f"recipes: {'; '.join(recipes)}")
    if any(column.how in ("run", "file") for column in table.columns) and not table.commands:
        lines.append("no command of this project remakes it; --measured FILE puts numbers of yours beside it")
    return lines + [f"$ {command}" for command in table.commands]


def table_text(table: Table, cells: Sequence[Cell], cautions: Sequence[str], *, flagged: bool = False) -> str:
    """A table for a terminal; ``flagged``: only cells that do not follow."""
    lines = align(cell_lines(shown_cells(cells, flagged)))
    return "\n".join([table.title, "", *lines, "", *table_notes(table, cells, cautions, flagged=flagged)])


def table_markdown(table: Table, cells: Sequence[Cell], cautions: Sequence[str], *, flagged: bool = False) -> str:
    """A table for a page; ``flagged``: only cells that do not follow."""
    lines = markdown(cell_lines(shown_cells(cells, flagged)))
    notes = table_notes(table, cells, cautions, flagged=flagged)
    items = [f"- `{line[2:]}`" if line.startswith("$ ") else f"- {line}" for line in notes]
    return "\n".join([f"## {table.title}", "", *lines, "", *items])


def shown_cells(cells: Sequence[Cell], flagged: bool) -> list[Cell]:
    """All cells, or those alone that do not follow."""
    return [cell for cell in cells if not flagged or cell.follows is False]


def table_json(book: Book, table: Table, cells: Sequence[Cell], cautions: Sequence[str]) -> dict[str, Any]:
    """A table for programs."""
    return {
        "schema_version": 1,
        "model": book.model,
        "paper": book.paper,
        "table": table.id,
        "title": table.title,
        "source": table.source,
        "how_sure": table.sure,
        "state": state(table),
        "needs": table.needs.lines(),
        "commands": list(table.commands),
        "discrepancies": [each.text for each in table.discrepancies],
        "cautions": list(cautions),
        "cells": [cell.to_json() for cell in cells],
    }


def align(lines: Sequence[Line]) -> list[str]:
    """Columns under each other."""
    head = lines[0]
    widths = [max(len(line[place]) for line in lines) for place in range(len(head))]
    return [
        "  ".join(
            text.rjust(width) if name in RIGHT else text.ljust(width)
            for name, text, width in zip(head, line, widths, strict=True)
        ).rstrip()
        for line in lines
    ]


def markdown(lines: Sequence[Line]) -> list[str]:
    """A table in Markdown."""
    rule = tuple("---:" if name in RIGHT else "---" for name in lines[0])
    return ["| " + " | ".join(line) + " |" for line in (lines[0], rule, *lines[1:])]


def _signed(value: float, decimals: int) -> str:
    shown = f"{value:+,.{decimals}f}"
    return shown if shown.strip("+-0.,") else shown.replace("-", "+")
