"""What VLMEvalKit writes: its table with the columns ``video``, ``caption_type`` and ``prediction``, in four dresses.

An empty cell is an empty caption: the kit writes one where a model said nothing.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from vdc.predictions.plain import ID_KEYS, SECTION_KEYS
from vdc.predictions.rows import ABSENT, PredictionFile, Row, describe, first_of
from vdc.predictions.workbook import read_rows
from vdc.textio import TextFacts, decode_text, excerpt

CAPTION_KEY = "prediction"
_MAX_FIELD = 1 << 24


def read_xlsx(file: PredictionFile) -> Iterator[Row]:
    """The first sheet of a workbook; its first row names the columns."""
    rows = read_rows(file)
    header = next(rows, None)
    if header is None:
        return
    names = [value if isinstance(value, str) else "" for value in header[1]]
    while names and not names[-1]:
        names.pop()
    if _has_columns(file, names, file.where(header[0], "row")):
        for number, values in rows:
            yield _row({name: value for name, value in zip(names, values, strict=False) if name}, number)


def read_tsv(file: PredictionFile) -> Iterator[Row]:
    """Tab-separated values."""
    return _read_table(file, "\t")


def read_csv(file: PredictionFile) -> Iterator[Row]:
    """Comma-separated values."""
    return _read_table(file, ",")


def read_json(file: PredictionFile) -> Iterator[Row]:
    """A list of records, or an object of columns, each an object from row index to value or a list."""
    document = file.document()
    if isinstance(document, dict):
        yield from _read_columns(file, document)
    elif isinstance(document, list):
        for entry, record in enumerate(document, 1):
            if isinstance(record, dict):
                yield _row(record, entry)
            else:
                file.reject_value(record, "an object per table row", entry, "entry")
    elif document is not ABSENT:
        file.reject(describe(document), "a list of records or an object of columns", "write the table again")


def _read_table(file: PredictionFile, delimiter: str) -> Iterator[Row]:
    # Spreadsheet programs write both marks into tables, and a table reader is not disturbed by either.
    text = decode_text(file.content, file.problems, lenient=True, facts=TextFacts())
    if text is None:
        return
    # The module's limit is one per process and too low for a long caption; it is only ever raised.
    csv.field_size_limit(max(csv.field_size_limit(), _MAX_FIELD))
    table = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    names: list[str] | None = None
    line = 1
    try:
        for values in table:
            start, line = line, table.line_num + 1
            if not values:
                continue
            if names is None:
                names = values
                if not _has_columns(file, names, file.where(start, "line")):
                    return
            elif len(values) != len(names):
                _reject_width(file, values, names, start)
            else:
                yield _row(dict(zip(names, values, strict=True)), start)
    except csv.Error as error:
        file.reject(
            f"a broken table row ({error})",
            "every quotation mark closed, and doubled inside a quoted cell",
            "write the table again with a table writer",
            file.where(line, "line"),
        )


def _reject_width(file: PredictionFile, values: list[str], names: list[str], line: int) -> None:
    file.reject(
        f"{len(values)} cells, the first {excerpt(values[0])}",
        f"{len(names)}, as in the first line",
        "quote cells that hold separators or line ends; write the table with a table writer",
        file.where(line, "line"),
    )


def _read_columns(file: PredictionFile, columns: Mapping[str, Any]) -> Iterator[Row]:
    if not _has_columns(file, list(columns), file.path):
        return
    cells: dict[str, list[tuple[object, object]]] = {}
    for name in (*ID_KEYS, *SECTION_KEYS, CAPTION_KEY):
        column = columns.get(name)
        if isinstance(column, dict):
            cells[name] = list(column.items())
        elif isinstance(column, list):
            cells[name] = list(enumerate(column))
        elif name in columns:
            file.reject(f"the column {name!r} as {describe(column)}", "a list or an object", "write the table again")
            return
    indexes = {name: [index for index, _ in column] for name, column in cells.items()}
    if any(index != indexes[CAPTION_KEY] for index in indexes.values()):
        sizes = ", ".join(f"{name} {len(index)}" for name, index in indexes.items())
        file.reject(f"columns of different rows ({sizes})", "the same rows in every column", "write the table again")
        return
    for position in range(len(cells[CAPTION_KEY])):
        yield _row({name: column[position][1] for name, column in cells.items()}, position + 1)


def _has_columns(file: PredictionFile, names: list[str], where: str) -> bool:
    missing = [
        wanted
        for wanted, accepted in (("video", ID_KEYS), (CAPTION_KEY, (CAPTION_KEY,)))
        if not any(key in names for key in accepted)
    ]
    twice = [name for name, count in Counter(names).items() if name and count > 1]
    if missing:
        file.reject(
            f"no column {' and no column '.join(missing)} among {excerpt(names)}",
            f"the columns video, caption_type and {CAPTION_KEY}",
            "give the file that holds the model's outputs, not the one with scores",
            where,
        )
    if twice:
        file.reject(f"the column {twice[0]!r} twice", "every column once", "remove or rename one of them", where)
    return not missing and not twice


def _row(record: Mapping[str, Any], line: int) -> Row:
    values = dict(record)
    caption = first_of(values, CAPTION_KEY)
    return Row(
        line=line,
        video_id=first_of(values, *ID_KEYS),
        section=first_of(values, *SECTION_KEYS),
        caption="" if caption is None else caption,
        keys=tuple(values),
    )
