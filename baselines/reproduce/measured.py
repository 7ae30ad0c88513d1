"""What a user measured: runs of ``vdc score`` and ``vdc score-qa``, and files of measurements made elsewhere.

Nothing is filled in that is not in those files: a section that a run did not score stays blank.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from baselines.reproduce.figures import Figure
from baselines.reproduce.tables import Column, Table
from vdc.errors import InputError, Problem, unknown_name
from vdc.textio import read_json, show_path

REPORT: Final = "report.json"
VIDEOS: Final = 1027
"""Videos of the whole benchmark, over which the published numbers were made."""

RULES: Final = {"vdc": "official", "video_qa": "published"}
"""Kind of run -> the rule in its report that adds verdicts up as the published script does."""


class MeasurementFile(BaseModel):
    """A file of measurements.

    Args:
        schema_version: 1.
        table: ``model/table``.
        how: How they were made, for the reader: program, machine, date.
        rows: Row -> column -> number, in the unit of the column.
    """

    model_config = ConfigDict(extra="forbid", strict=True)

    schema_version: Literal[1]
    table: str
    how: str
    rows: dict[str, dict[str, float | int]]


@dataclass(frozen=True, slots=True)
class Measured:
    """Everything the user's files say about one table.

    Args:
        figures: (row, column) -> number.
        cautions: Why some of them may not be compared with what was published.
    """

    figures: Mapping[tuple[str, str], Figure]
    cautions: tuple[str, ...] = ()


def read_measured(model: str, table: Table, given: Sequence[str]) -> Measured:
    """Read what ``--measured`` names.

    Args:
        model: Model of the table.
        table: The table to fill.
        given: ``PATH``, ``ROW=PATH`` or ``ROW/GROUP=PATH``; a path is a run folder or a measurement file.

    Raises:
        InputError: Files that cannot be read or used, unknown rows or columns, two values for one cell; all of them.
    """
    figures: dict[tuple[str, str], Figure] = {}
    cautions: list[str] = []
    problems: list[Problem] = []
    for text in given:
        label, path = _split(text)
        try:
            found = (
                _from_run(table, label, path, cautions)
                if path.is_dir()
                else dict(_from_file(f"{model}/{table.id}", table, label, path))
            )
        except InputError as error:
            problems.extend(error.problems)
            continue
        problems += [
            Problem(f"two values for {row}, {column}", "one", "leave one of the files out", show_path(path))
            for row, column in found
            if (row, column) in figures
        ]
        figures |= found
    if problems:
        raise InputError(problems)
    return Measured(figures, tuple(dict.fromkeys(cautions)))


def _split(text: str) -> tuple[str | None, Path]:
    """Name and path; a path that exists is one, whatever signs it has."""
    if Path(text).exists() or "=" not in text:
        return None, Path(text)
    label, _, path = text.partition("=")
    return label, Path(path)


def _from_file(name: str, table: Table, label: str | None, path: Path) -> Iterator[tuple[tuple[str, str], Figure]]:
    where = show_path(path)
    if label is not None:
        raise InputError(Problem(f"{label}={where}", "a file without a row: it names its own", f"--measured {where}"))
    problems: list[Problem] = []
    content = read_json(path, problems)
    if problems:
        raise InputError(problems)
    try:
        file = MeasurementFile.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file"
        raise InputError(
            Problem(f"{place}: {first['msg']}", "schema_version, table, how, rows", "see docs/reproduce.md", where)
        ) from error
    if file.table != name:
        raise InputError(Problem(f"measurements for {file.table!r}", repr(name), "name the table they are for", where))
    names = [column.name for column in table.columns]
    for row, cells in file.rows.items():
        table.row(row, where)
        for column, value in cells.items():
            if column not in names:
                raise InputError(unknown_name(f"column of {table.id}", column, names, where))
            yield (row, column), Figure(float(value), f"{where}: {file.how}")


def _from_run(table: Table, label: str | None, path: Path, cautions: list[str]) -> dict[tuple[str, str], Figure]:
    where = show_path(path)
    row, group = _target(table, label, where)
    problems: list[Problem] = []
    report = read_json(path / REPORT, problems)
    if problems:
        raise InputError(problems)
    if not isinstance(report, dict) or report.get("schema_version") != 1:
        raise InputError(Problem("a report of another kind", "report.json of vdc score", "give a run folder", where))
    if report.get("incomplete"):
        raise InputError(Problem("an incomplete run", "one without failed calls", "run the same command again", where))
    kind = "video_qa" if report.get("kind") == "video_qa" else "vdc"
    cautions += [f"{where}: {text}" for text in _cautions(report, kind)]
    judge = report.get("judge", {})
    how = f"{where}, judge {judge.get('model') or judge.get('kind')}, rule {RULES[kind]}"
    found = {
        (row, column.name): Figure(number, how)
        for column in table.columns
        if (number := _number(report, kind, column, group)) is not None
    }
    if not found:
        parts = sorted({column.part for column in table.columns if column.part})
        expected = f"a run with one of {', '.join(parts)}" if parts else "a measurement file"
        raise InputError(Problem(f"a run that fills no cell of {table.id}", expected, "see docs/reproduce.md", where))
    return found


def _target(table: Table, label: str | None, where: str) -> tuple[str, str | None]:
    """Row and group that a run is for."""
    row, group = label or table.default_row, None
    groups = sorted({column.group for column in table.columns if column.group})
    if label is not None and "/" in label and groups:
        row, _, group = label.rpartition("/")
        if group not in groups:
            raise InputError(unknown_name(f"data set of {table.id}", group, groups, where))
    if row is None:
        rows = ", ".join(each.label for each in table.rows)
        raise InputError(Problem(where, f"ROW={where} with one of {rows}", "say which row the run is for"))
    return table.row(row, where).label, group


def _number(report: Mapping[str, Any], kind: str, column: Column, group: str | None) -> float | None:
    if column.part is None or column.metric is None or column.group != group:
        return None
    if kind == "video_qa":
        part = report.get("tasks", {}).get(column.part, {}).get("rules", {}).get(RULES[kind])
    else:
        rule = report.get("protocols", {}).get(RULES[kind], {})
        part = rule.get("average") if column.part == "average" else rule.get("sections", {}).get(column.part)
    value = part.get(column.metric) if isinstance(part, dict) else None
    if not isinstance(value, int | float):
        return None
    return 100 * value if column.unit == "percent" else float(value)


def _cautions(report: Mapping[str, Any], kind: str) -> Iterator[str]:
    if not report.get("judge", {}).get("comparable", True):
        yield "its judge counts words; published numbers are an LLM's"
    if kind == "vdc":
        benchmark = report.get("benchmark", {})
        if benchmark.get("name") != "vdc" or benchmark.get("videos") != VIDEOS:
            scored = f"{benchmark.get('videos')} videos of {benchmark.get('name')!r}"
            yield f"{scored}; published numbers are over {VIDEOS:,} of 'vdc'"
