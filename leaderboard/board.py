"""The board as readers see it: filtered, ranked, kept until it changes; as JSON and CSV."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from sqlalchemy import Engine

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


@dataclass(frozen=True, slots=True)
class BoardPage:
    """An answer: rows with ranks, and bodies ready to be sent.

    Args:
        version: The board's counter when it was made.
        rows: Ranked.
        json: UTF-8.
        csv: UTF-8.
        etag: Changes when and only when the content may.
    """

    version: int
    rows: tuple[BoardRow, ...]
    json: bytes
    csv: bytes
    etag: str


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
        with reading(self._engine) as session:
            version = board_version(session)
            with self._lock:
                if version != self._version:
                    self._version, self._rows = version, {}
                    self._pages.clear()
                if query in self._pages:
                    self._pages.move_to_end(query)
                    return self._pages[query]
                rows = self._rows.get(query.protocol)
                if rows is None:
                    rows = self._rows[query.protocol] = board_rows(session, query.protocol)
        page = _make_page(version, query, rows)
        with self._lock:
            if version == self._version:
                self._pages[query] = page
                # Free search words must not fill the memory.
                while len(self._pages) > _KEPT:
                    self._pages.popitem(last=False)
        return page


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
    plain = asdict(row)
    plain["created_at"] = row.created_at.isoformat(timespec="seconds")
    cells = plain.pop("cells")
    plain["sections"] = {section: cells[section] for section in SECTIONS if section in cells}
    plain["average"] = cells.get(AVERAGE)
    return plain


def render_csv(rows: Sequence[BoardRow]) -> str:
    """Rows as CSV with a head; text that a spreadsheet would run as a formula is made text."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    for number, row in enumerate(rows):
        cells = _csv_cells(row)
        if not number:
            writer.writerow(cells)
        writer.writerow(["" if cell is None else _inert(cell) for cell in cells.values()])
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
    document: Mapping[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "version": version,
        "query": asdict(query),
        "count": len(ranked),
        "rows": [row_json(row) for row in ranked],
    }
    body = json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode("utf-8", "replace")
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    return BoardPage(version, tuple(ranked), body, render_csv(ranked).encode("utf-8", "replace"), etag)


def _inert(value: object) -> object:
    if isinstance(value, str) and value.startswith(_FORMULA_STARTS):
        return f"'{value}"
    return value
