"""Published tables as data: one file per model, read once, nothing computed here."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any, Final, Literal, get_args

from vdc.errors import InputError, unknown_name

MODELS: Final = ("auroracap", "llama_vid", "llavolta")

How = Literal["formula", "crosscheck", "run", "file", "setting"]
"""What fills a column beside the published number.

``formula`` computes it from shapes and settings, ``crosscheck`` from other published numbers, ``run`` takes it from a
run of ``vdc score`` or ``vdc score-qa``; ``file`` needs a measurement made elsewhere; ``setting`` was chosen.
"""

SURE: Final = {
    "repository": "read in a file of the published repository",
    "card": "read on a model or data page",
    "figure": "read off a picture: digits of a table image, or pixels of a plot",
    "excerpt": "read in an excerpt of the text",
    "derived": "computed from published numbers or shapes; not printed anywhere",
    "unverified": "could not be checked",
}
"""How sure a published number is -> what the word means."""

Value = float | str | None
"""A number; text where no single number is printed, for example ``<40``; None for a cell that is blank in print."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a published table.

    Args:
        name: As shown.
        unit: Of its numbers.
        decimals: Digits after the point, as printed.
        how: What fills it.
        part: What of a scored run it is: a section or ``average`` (``vdc score``), or a task (``vdc score-qa``); only
            where a run can fill it.
        group: Data set that a run of ``vdc score-qa`` is about, where the table has several.
        metric: ``accuracy`` or ``score`` of that part.
        tolerance: Largest difference that rounding explains; None: half a unit of the last digit.
    """

    name: str
    unit: str
    decimals: int
    how: How
    part: str | None = None
    group: str | None = None
    metric: Literal["accuracy", "score"] | None = None
    tolerance: float | None = None

    @property
    def rounding(self) -> float:
        """Largest difference that rounding explains."""
        return 0.5 * 10**-self.decimals if self.tolerance is None else self.tolerance


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a published table.

    Args:
        label: Its name, once per table.
        values: One per column.
        spread: Published deviation of each value; empty where none is printed.
        settings: What the numbers were made with, as far as formulas need it.
        checkpoint: Name on the Hub of the weights, where they are released.
        recipe: Name of the training scheme.
    """

    label: str
    values: tuple[Value, ...]
    spread: tuple[float | None, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    checkpoint: str | None = None
    recipe: str | None = None


@dataclass(frozen=True, slots=True)
class Discrepancy:
    """Something that does not fit in print.

    Args:
        rows: Labels it concerns; none means all.
        columns: Names it concerns; none means all.
        text: What is off.
    """

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Needs:
    """What remaking a table takes.

    Args:
        weights: Names on the Hub.
        data: Data sets, by name.
        judge: Judge model; None where none is asked.
        compute: Machine, in words.
        tools: Programs that are not part of this project.
    """

    weights: tuple[str, ...]
    data: tuple[str, ...]
    judge: str | None
    compute: str | None
    tools: tuple[str, ...]

    def kinds(self) -> list[str]:
        """What it takes, in a word each."""
        named = (
            ("weights", self.weights),
            ("data", self.data),
            ("a judge", self.judge),
            ("a GPU", self.compute),
            ("tools of others", self.tools),
        )
        return [name for name, things in named if things]

    def lines(self) -> list[str]:
        """One line for each kind of need."""
        named = (
            ("weights", self.weights),
            ("data", self.data),
            ("tools of others (not part of this project)", self.tools),
        )
        lines = [f"{name}: {'; '.join(things)}" for name, things in named if things]
        return [
            *lines,
            *(f"{name}: {text}" for name, text in (("judge", self.judge), ("machine", self.compute)) if text),
        ]


@dataclass(frozen=True, slots=True)
class Table:
    """A published table.

    Args:
        id: What a user types.
        title: One line.
        source: Where it was read.
        sure: A key of :data:`SURE`.
        columns: In order.
        rows: In order.
        commands: What remakes it, in order; empty where no command of this project does.
        needs: What that takes.
        discrepancies: What does not fit.
        formula: The formula or cross-check in words.
        default_row: Row that a run without a name fills.
    """

    id: str
    title: str
    source: str
    sure: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    commands: tuple[str, ...]
    needs: Needs
    discrepancies: tuple[Discrepancy, ...]
    formula: str = ""
    default_row: str | None = None

    def row(self, label: str, where: str = "") -> Row:
        """A row by its label.

        Raises:
            InputError: No such row; lists those there are.
        """
        found = next((row for row in self.rows if row.label == label), None)
        if found is None:
            raise InputError(unknown_name(f"row of {self.id}", label, [row.label for row in self.rows], where))
        return found

    def number(self, label: str, column: str) -> float | None:
        """The published number of a cell; None where it is blank or text."""
        place = [each.name for each in self.columns].index(column)
        value = self.row(label).values[place]
        return value if isinstance(value, int | float) else None

    def series(self, column: str) -> list[float]:
        """All published numbers of a column, from top to bottom."""
        found = (self.number(row.label, column) for row in self.rows)
        return [value for value in found if value is not None]

    @property
    def numbers(self) -> int:
        """Published numbers it holds."""
        return sum(isinstance(value, int | float) for row in self.rows for value in row.values)


@dataclass(frozen=True, slots=True)
class Book:
    """All tables of one paper.

    Args:
        model: What a user types.
        paper: Name, number and place of the paper.
        tables: By id.
        left_out: What was published and is not here -> why.
    """

    model: str
    paper: str
    tables: Mapping[str, Table]
    left_out: Mapping[str, str]

    def table(self, name: str) -> Table:
        """A table by its id.

        Raises:
            InputError: No such table; lists those there are.
        """
        if name not in self.tables:
            raise InputError(unknown_name(f"table of {self.model}", name, self.tables))
        return self.tables[name]


@cache
def read_book(model: str) -> Book:
    """The tables of a model's paper.

    Args:
        model: One of :data:`MODELS`.

    Raises:
        InputError: Another name.
    """
    if model not in MODELS:
        raise InputError(unknown_name("model", model, MODELS))
    given = json.loads(files("baselines.reproduce").joinpath("data", f"{model}.json").read_text(encoding="utf-8"))
    tables = [_table(entry) for entry in given["tables"]]
    return Book(
        model,
        given["paper"],
        {table.id: table for table in tables},
        {entry["what"]: entry["reason"] for entry in given["left_out"]},
    )


def _table(entry: dict[str, Any]) -> Table:
    columns = tuple(Column(**column) for column in entry["columns"])
    rows = tuple(_row(row) for row in entry["rows"])
    # The files are part of the package: a slip in one is a defect, found when it is read and not when it is shown.
    wrong = [row.label for row in rows if len(row.values) != len(columns)]
    if wrong or entry["sure"] not in SURE or any(column.how not in get_args(How) for column in columns):
        raise ValueError(f"table {entry['id']}: rows {wrong}, {entry['sure']!r}, or an unknown way to fill a column")
    return Table(
        id=entry["id"],
        title=entry["title"],
        source=entry["source"],
        sure=entry["sure"],
        columns=columns,
        rows=rows,
        commands=tuple(entry["commands"]),
        needs=_needs(entry["needs"]),
        discrepancies=tuple(
            Discrepancy(tuple(each["rows"]), tuple(each["columns"]), each["text"]) for each in entry["discrepancies"]
        ),
        formula=entry.get("formula", ""),
        default_row=entry.get("default_row"),
    )


def _needs(entry: dict[str, Any]) -> Needs:
    lists = {key: tuple(entry[key]) for key in ("weights", "data", "tools")}
    return Needs(**lists, judge=entry["judge"], compute=entry["compute"])


def _row(entry: dict[str, Any]) -> Row:
    return Row(**{**entry, "values": tuple(entry["values"]), "spread": tuple(entry.get("spread", ()))})
