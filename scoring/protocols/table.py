"""The verdict table as arrays: what every protocol reads, prepared once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, get_args

import numpy as np
import numpy.typing as npt

from scoring.protocols.readers import PublishedReadings, read_published
from scoring.types import VerdictStatus
from vdc.errors import InputError, Problem
from vdc.sections import SECTIONS, Section

if TYPE_CHECKING:
    import pandas as pd

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

STATUSES: Final[tuple[VerdictStatus, ...]] = get_args(VerdictStatus)
NEEDED_COLUMNS: Final = ("video_id", "section", "question_index", "match", "score", "status", "raw")


@dataclass(frozen=True)
class VerdictArrays:
    """Verdicts sorted by section, video and question, so that no number depends on the order of the rows.

    A *pair* is one video in one section; pair ``p`` is section ``p // len(videos)``, video ``p % len(videos)``.

    Args:
        videos: All video ids of the table, sorted.
        sections: Sections that have rows, in the order of ``SECTIONS``.
        pair: (rows,) the pair each row belongs to.
        status: (rows,) positions in :data:`STATUSES`.
        match: (rows,) True only where judged and matching.
        score: (rows,) 0 to 5; 0 where not judged.
        text: (rows,) position in ``texts`` of the judge's first reply; -1 where there is none.
        texts: The distinct first replies.
    """

    videos: tuple[str, ...]
    sections: tuple[Section, ...]
    pair: IntArray
    status: IntArray
    match: BoolArray
    score: FloatArray
    text: IntArray
    texts: tuple[str, ...]

    @classmethod
    def from_frame(cls, verdicts: pd.DataFrame) -> VerdictArrays:
        """Prepare a verdict table.

        Raises:
            InputError: Columns, sections or statuses are not those of a verdict table, a question stands in it twice,
                or a judged row lacks its match or score.
        """
        import pandas as pd

        _check(verdicts)
        video_codes, videos = pd.factorize(verdicts["video_id"].astype(object), sort=True)
        order_of = {section: place for place, section in enumerate(SECTIONS)}
        section_codes = verdicts["section"].map(order_of).to_numpy(np.int64)
        present = np.unique(section_codes)
        pair = np.searchsorted(present, section_codes) * len(videos) + video_codes
        index = verdicts["question_index"].to_numpy(np.int64)
        order = np.lexsort((index, pair))
        status_codes = {name: place for place, name in enumerate(STATUSES)}
        status = np.asarray(verdicts["status"].map(status_codes).to_numpy(np.int64), dtype=np.int64)
        judged = status == STATUSES.index("judged")
        text_codes, texts = pd.factorize(verdicts["raw"].astype(object))
        table = cls(
            videos=tuple(str(video) for video in videos),
            sections=tuple(SECTIONS[place] for place in present),
            pair=pair[order].astype(np.int64),
            status=status[order],
            match=(verdicts["match"].astype("boolean").fillna(False).to_numpy(bool) & judged)[order],
            score=np.where(judged, _numbers(verdicts["score"]), 0.0)[order],
            text=text_codes[order].astype(np.int64),
            texts=tuple(str(text) for text in texts),
        )
        _check_values(table, index[order], judged[order], verdicts["match"].isna().to_numpy(bool)[order])
        return table

    @property
    def pairs(self) -> int:
        """Number of pairs, with or without rows."""
        return len(self.videos) * len(self.sections)

    def has_status(self, *names: VerdictStatus) -> BoolArray:
        """(rows,) whether the row's status is one of ``names``."""
        return np.isin(self.status, [STATUSES.index(name) for name in names])

    def count(self, rows: BoolArray) -> IntArray:
        """(pairs,) how many of the marked rows each pair has."""
        return np.bincount(self.pair[rows], minlength=self.pairs)

    def section_rows(self, place: int) -> BoolArray:
        """(rows,) rows of the section at ``place`` of ``sections``."""
        return np.asarray(self.pair // len(self.videos) == place)

    @cached_property
    def readings(self) -> tuple[PublishedReadings, ...]:
        """The published scorers' readings of ``texts``; computed once per distinct text."""
        return tuple(read_published(self.texts))


def _numbers(column: Any) -> FloatArray:
    return np.asarray(column.astype("Float64").fillna(np.nan).to_numpy(np.float64, na_value=np.nan))


def _check(verdicts: pd.DataFrame) -> None:
    do_next = "give the verdicts.parquet of a run, or score again"
    absent = [name for name in NEEDED_COLUMNS if name not in verdicts.columns]
    if absent:
        found = f"a table without the columns {', '.join(absent)}"
        raise InputError(Problem(found, "a verdict table", do_next, "verdicts"))
    if verdicts.empty:
        raise InputError(Problem("a verdict table without rows", "a row per question", do_next, "verdicts"))
    problems = []
    for column, valid in (("section", SECTIONS), ("status", STATUSES)):
        wrong = sorted({str(value) for value in verdicts[column].unique()} - set(valid))
        problems += [
            Problem(f"{column} {value!r}", f"one of {', '.join(valid)}", do_next, "verdicts") for value in wrong
        ]
    problems += [
        Problem(
            f"{int(verdicts[column].isna().sum())} rows without {column}", "a value in every row", do_next, "verdicts"
        )
        for column in ("video_id", "question_index")
        if verdicts[column].isna().any()
    ]
    if problems:
        raise InputError(problems)


def _check_values(table: VerdictArrays, index: IntArray, judged: BoolArray, no_match: BoolArray) -> None:
    problems = []
    twice = (table.pair[1:] == table.pair[:-1]) & (index[1:] == index[:-1])
    if twice.any():
        first = int(np.flatnonzero(twice)[0])
        section, video = divmod(int(table.pair[first]), len(table.videos))
        name = f"{table.videos[video]}/{table.sections[section]}/{index[first]}"
        found = f"{int(twice.sum())} questions with more than one row (first {name})"
        problems.append(Problem(found, "one row per question", "score again", "verdicts"))
    outside = judged & ~((table.score >= 0) & (table.score <= 5))
    if outside.any():
        found = f"{int(outside.sum())} judged rows without a score from 0 to 5"
        problems.append(Problem(found, "a score in every judged row", "score again", "verdicts"))
    if (judged & no_match).any():
        found = f"{int((judged & no_match).sum())} judged rows without match"
        problems.append(Problem(found, "true or false in every judged row", "score again", "verdicts"))
    if problems:
        raise InputError(problems)
