"""A run's verdicts, page by page and question by question."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

from leaderboard.object_store import ObjectStore

if TYPE_CHECKING:
    import pandas as pd

MAX_PAGE_SIZE: Final = 500
_KEPT: Final = 4
SHOWN: Final = (
    "video_id",
    "section",
    "question_index",
    "question",
    "gold",
    "answer",
    "match",
    "score",
    "status",
    "raw",
    "suspicious",
)


@dataclass(frozen=True, slots=True)
class VerdictQuery:
    """Which verdicts.

    Args:
        section: Only this section.
        video_id: Only this video.
        status: Only this status.
        match: Only matches, or only what is no match.
        search: Only questions, gold answers or answers that contain this.
        page: From 1.
        size: Verdicts per page, at most ``MAX_PAGE_SIZE``.
    """

    section: str | None = None
    video_id: str | None = None
    status: str | None = None
    match: bool | None = None
    search: str = ""
    page: int = 1
    size: int = 50


@dataclass(frozen=True, slots=True)
class VerdictPage:
    """One page.

    Args:
        total: Verdicts that fit the query.
        page: From 1.
        pages: How many there are; 0 without a verdict.
        rows: Plain JSON values. All of it is text from outside.
    """

    total: int
    page: int
    pages: int
    rows: tuple[dict[str, Any], ...]


class VerdictReader:
    """Reads verdict tables from the store; keeps the last few.

    Args:
        store: The board's files.
    """

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._tables: OrderedDict[str, pd.DataFrame] = OrderedDict()
        self._lock = threading.Lock()
        self._version = -1

    def forget_older(self, version: int) -> None:
        """Keep no table of an earlier version of the board: its run may have been withdrawn since.

        Args:
            version: The board's counter now.
        """
        with self._lock:
            if version > self._version:
                self._version = version
                self._tables.clear()

    def table(self, sha256: str) -> pd.DataFrame:
        """The verdict table; not to be changed.

        Raises:
            RunFailed: The stored file is gone or changed.
        """
        with self._lock:
            if sha256 in self._tables:
                self._tables.move_to_end(sha256)
                return self._tables[sha256]
            import pyarrow.parquet as pq

            with TemporaryDirectory(prefix="vdc-verdicts-") as scratch:
                path = Path(scratch) / "verdicts.parquet"
                self._store.fetch(sha256, path)
                table: pd.DataFrame = pq.read_table(path, columns=list(SHOWN)).to_pandas()
            self._tables[sha256] = table
            while len(self._tables) > _KEPT:
                self._tables.popitem(last=False)
            return table

    def page(self, sha256: str, query: VerdictQuery) -> VerdictPage:
        """One page of the verdicts that fit a query, in the benchmark's order."""
        chosen = self.matching(sha256, query)
        size = max(1, min(query.size, MAX_PAGE_SIZE))
        start = (max(1, query.page) - 1) * size
        rows = chosen.iloc[start : start + size].to_dict("records")
        plain = tuple({str(key): _plain(value) for key, value in row.items()} for row in rows)
        return VerdictPage(len(chosen), max(1, query.page), -(-len(chosen) // size), plain)

    def matching(self, sha256: str, query: VerdictQuery) -> pd.DataFrame:
        """All verdicts that fit a query, whatever its page, in the benchmark's order; not to be changed."""
        table = self.table(sha256)
        keep = table["section"].notna()
        for name, wanted in (("section", query.section), ("video_id", query.video_id), ("status", query.status)):
            if wanted is not None:
                keep &= table[name] == wanted
        if query.match is not None:
            keep &= table["match"].fillna(False).astype(bool) == query.match
        if query.search:
            found = keep & False
            for name in ("question", "gold", "answer"):
                found |= table[name].fillna("").str.contains(query.search, case=False, regex=False)
            keep &= found
        return table[keep]


def _plain(value: Any) -> Any:
    import pandas as pd

    if value is None or value is pd.NA or (isinstance(value, float) and value != value):
        return None
    return value.item() if hasattr(value, "item") else value
