"""The board as readers see it: filtered, ranked, kept until it changes; as JSON and CSV."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from functools import cached_property
from itertools import count
from typing import Any, Final

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from leaderboard.board_rows import BoardRow, Cell, Metric, RowKind, rank_rows
from leaderboard.db.queries import board_rows, board_version
from leaderboard.db.session import reading
from leaderboard.results import AVERAGE, CELLS, HEADLINE
from vdc.sections import SECTIONS

SCHEMA_VERSION: Final = 1
_KEPT: Final = 64
_CSV_FACTS: Final = (
    "rank",
    "rank_low",
    "rank_high",
    "model",
    "kind",
    "judge",
    "prompts",
    "benchmark",
    "protocol",
    "frames",
    "tokens_per_frame",
)
_ROW_FIELDS: Final = tuple(one.name for one in fields(BoardRow) if one.name != "cells")
_FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class BoardQuery:
    """Which rows, in which order.

    Args:
        protocol: Rule of aggregation for rows made here.
        metric: ``accuracy`` or ``score``.
        section: What to rank by: a section or ``average``.
        kind: ``verified`` or ``reported`` only; None for both.
        benchmark: Only rows on this benchmark.
        judge: Only rows of this judge.
        search: Only models whose name contains this.
        figures: With points read from published figures.
        mixed: Rank rows of different groups together.
    """

    protocol: str = HEADLINE
    metric: Metric = "accuracy"
    section: str = AVERAGE
    kind: RowKind | None = None
    benchmark: str | None = None
    judge: str | None = None
    search: str = ""
    figures: bool = False
    mixed: bool = False


# No slots: bodies are made, and kept, when somebody asks for them; the site's own page needs only the rows.
@dataclass(frozen=True)
class BoardPage:
    """An answer: rows with ranks, and bodies to be sent.

    Args:
        version: The board's counter when it was made.
        query: What was asked.
        rows: Ranked.
        serial: Tells apart all pages that this process ever made, of whichever board.
    """

    version: int
    query: BoardQuery
    rows: tuple[BoardRow, ...]
    serial: int = field(default_factory=count().__next__)

    @cached_property
    def json(self) -> bytes:
        """Rows and query as JSON, UTF-8."""
        return rows_json(self.rows, version=self.version, query=asdict(self.query))

    @cached_property
    def etag(self) -> str:
        """Changes when and only when the content may."""
        return f'"{hashlib.sha256(self.json).hexdigest()[:32]}"'

    @cached_property
    def csv(self) -> bytes:
        """The rows as CSV, UTF-8."""
        return render_csv(self.rows).encode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class BoardChoices:
    """What rows can be narrowed down to.

    Args:
        version: The board's counter when this was read.
        rows: How many rows there are, points of figures included.
        benchmarks: Names, by alphabet.
        judges: Names, by alphabet.
    """

    version: int
    rows: int
    benchmarks: tuple[str, ...]
    judges: tuple[str, ...]


class BoardReader:
    """Answers board queries; keeps what it made until the board's version moves.

    Args:
        engine: The board's database.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._version = -1
        self._rows: dict[str, list[BoardRow]] = {}
        self._pages: OrderedDict[BoardQuery, BoardPage] = OrderedDict()

    def page(self, query: BoardQuery) -> BoardPage:
        """The board for a query; at most as old as its last change."""
        with reading(self._engine) as session, self._lock:
            version = self._forget_what_is_old(session)
            if query in self._pages:
                self._pages.move_to_end(query)
                return self._pages[query]
            rows = self._read(session, query.protocol)
        page = _make_page(version, query, rows)
        with self._lock:
            if version == self._version:
                self._pages[query] = page
                # Free search words must not fill the memory.
                while len(self._pages) > _KEPT:
                    self._pages.popitem(last=False)
        return page

    def rows(self, protocol: str = HEADLINE) -> tuple[int, Sequence[BoardRow]]:
        """The board's version, and every row that everybody may see, not ranked."""
        with reading(self._engine) as session, self._lock:
            return self._forget_what_is_old(session), self._read(session, protocol)

    def model_rows(self, slug: str, protocol: str = HEADLINE) -> list[BoardRow]:
        """One captioner's rows, with their ranks among all rows; empty where everybody may see none."""
        _, rows = self.rows(protocol)
        return [row for row in rank_rows(rows) if row.model_slug == slug]

    def choices(self, protocol: str = HEADLINE) -> BoardChoices:
        """What the rows can be narrowed down to."""
        version, rows = self.rows(protocol)
        benchmarks, judges = ({getattr(row, name) for row in rows} for name in ("benchmark", "judge"))
        return BoardChoices(version, len(rows), tuple(sorted(benchmarks)), tuple(sorted(judges)))

    def _forget_what_is_old(self, session: Session) -> int:
        version = board_version(session)
        if version != self._version:
            self._version, self._rows = version, {}
            self._pages.clear()
        return version

    def _read(self, session: Session, protocol: str) -> Sequence[BoardRow]:
        if protocol not in self._rows:
            self._rows[protocol] = board_rows(session, protocol)
        return self._rows[protocol]


def filter_rows(rows: Sequence[BoardRow], query: BoardQuery) -> list[BoardRow]:
    """The rows that a query asks for, not ranked."""
    word = query.search.casefold()
    return [
        row
        for row in rows
        if (query.kind is None or row.kind == query.kind)
        and (query.benchmark is None or row.benchmark == query.benchmark)
        and (query.judge is None or row.judge == query.judge)
        and (query.figures or row.source_kind != "figure")
        and word in row.model.casefold()
    ]


def row_json(row: BoardRow) -> dict[str, Any]:
    """A row as plain JSON values; accuracies are fractions."""
    # Field by field: dataclasses.asdict copies every value and takes ten times as long.
    plain = {name: getattr(row, name) for name in _ROW_FIELDS}
    plain["created_at"] = row.created_at.isoformat(timespec="seconds")
    plain["flags"] = list(row.flags)
    cells = {
        section: {
            "accuracy": cell.accuracy,
            "score": cell.score,
            "accuracy_ci95": cell.accuracy_ci95,
            "score_ci95": cell.score_ci95,
        }
        for section, cell in row.cells.items()
    }
    plain["sections"] = {section: cells[section] for section in SECTIONS if section in cells}
    plain["average"] = cells.get(AVERAGE)
    return plain


def rows_json(rows: Sequence[BoardRow], **facts: Any) -> bytes:
    """Rows as a JSON document, UTF-8.

    Args:
        rows: In the order to write them.
        **facts: What else to say, before the rows.
    """
    document: Mapping[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        **facts,
        "count": len(rows),
        "rows": [row_json(row) for row in rows],
    }
    return json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode("utf-8", "replace")


def render_csv(rows: Sequence[BoardRow]) -> str:
    """Rows as CSV with a head; text that a spreadsheet would run as a formula is made text."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for number, row in enumerate(rows):
        cells = _csv_cells(row)
        if not number:
            writer.writerow(cells)
        writer.writerow(["" if cell is None else without_formula(cell) for cell in cells.values()])
    if not rows:
        writer.writerow(_CSV_FACTS)
    return text.getvalue()


def _csv_cells(row: BoardRow) -> dict[str, object]:
    cells: dict[str, object] = {name: getattr(row, name) for name in _CSV_FACTS}
    for name in CELLS:
        cell = row.cells.get(name, Cell())
        cells[f"{name}_accuracy"], cells[f"{name}_score"] = cell.accuracy, cell.score
    interval = row.cells[AVERAGE].accuracy_ci95 if AVERAGE in row.cells else None
    cells["average_accuracy_low"], cells["average_accuracy_high"] = interval or (None, None)
    for name in ("source_name", "source_url", "source_date", "setting", "reason", "id"):
        cells[name] = getattr(row, name)
    cells["flags"] = "; ".join(str(flag.get("text", "")) for flag in row.flags)
    return cells


def _make_page(version: int, query: BoardQuery, rows: Sequence[BoardRow]) -> BoardPage:
    ranked = rank_rows(filter_rows(rows, query), metric=query.metric, section=query.section, mixed=query.mixed)
    return BoardPage(version, query, tuple(ranked))


def without_formula(value: object) -> object:
    """The value as a spreadsheet takes it: text that it would run as a formula is made text."""
    if isinstance(value, str) and value.startswith(_FORMULA_STARTS):
        return f"'{value}"
    return value
