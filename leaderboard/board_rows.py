"""A row of the board, and how rows are ranked: pure records and functions, no database."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final, Literal

from leaderboard.results import AVERAGE

RowKind = Literal["verified", "reported"]
Metric = Literal["accuracy", "score"]

KINDS: Final[tuple[RowKind, ...]] = ("verified", "reported")
METRICS: Final[tuple[Metric, ...]] = ("accuracy", "score")


@dataclass(frozen=True, slots=True)
class Cell:
    """One row's numbers for one section or the average.

    Args:
        accuracy: In [0, 1]; None where there is none.
        score: 0 to 5.
        accuracy_ci95: Interval, None for published numbers, which come without one.
        score_ci95: Likewise.
    """

    accuracy: float | None = None
    score: float | None = None
    accuracy_ci95: tuple[float, float] | None = None
    score_ci95: tuple[float, float] | None = None

    def value(self, metric: Metric) -> float | None:
        """The number of a metric."""
        return self.accuracy if metric == "accuracy" else self.score

    def interval(self, metric: Metric) -> tuple[float, float] | None:
        """Its interval."""
        return self.accuracy_ci95 if metric == "accuracy" else self.score_ci95


@dataclass(frozen=True, slots=True)
class BoardRow:
    """One row of the board.

    Args:
        id: ``run-...`` or ``reported-...``; stable.
        model: Name of the captioner. Text from outside: never to be rendered as HTML.
        model_slug: Its address.
        kind: ``verified`` or ``reported``.
        reason: Why a submitted run is only reported; empty otherwise.
        group: Rows of one group were judged alike and share ranks.
        group_name: The group for people.
        judge: The judge model.
        comparable: Whether the judge's numbers may stand beside LLM-judged ones.
        prompts: Prompt set; ``unknown`` for published rows.
        benchmark: The board's name of the benchmark.
        protocol: Rule of aggregation; ``as_published`` for published rows.
        frames: Frames per video.
        tokens_per_frame: Visual tokens per frame.
        visual_tokens: Their product, or as published.
        cells: Section or ``average`` -> numbers.
        videos, questions, unparsed, missing: Counts behind the average; None for published rows.
        source: Short name of the source; ``board`` for rows made here.
        source_name, source_url, source_date: For people.
        source_kind: ``board``, ``table``, ``paper``, ``rerun``, ``figure``; ``run`` for rows made here.
        setting: Tells apart rows of one model in one source.
        flags: What the audit found: ``{"rule", "text"}``.
        note: What a reader should know of the source.
        run_id: The run, for rows made here.
        submission_id: Its submission.
        created_at: When it was scored or imported.
        rank: 1 is best within the group; equal values share the smaller rank; None without a value.
        rank_low, rank_high: Best and worst rank that the intervals allow; None without intervals.
        tied: Whether another row of the group has the same value.
    """

    id: str
    model: str
    model_slug: str
    kind: RowKind
    group: str
    group_name: str
    judge: str
    prompts: str
    benchmark: str
    protocol: str
    cells: Mapping[str, Cell]
    created_at: datetime
    reason: str = ""
    comparable: bool = False
    frames: int | None = None
    tokens_per_frame: int | None = None
    visual_tokens: int | None = None
    videos: int | None = None
    questions: int | None = None
    unparsed: int | None = None
    missing: int | None = None
    source: str = "board"
    source_name: str = "This board"
    source_url: str | None = None
    source_date: str | None = None
    source_kind: str = "run"
    setting: str = ""
    flags: Sequence[Mapping[str, Any]] = field(default_factory=tuple)
    note: str = ""
    run_id: str | None = None
    submission_id: str | None = None
    rank: int | None = None
    rank_low: int | None = None
    rank_high: int | None = None
    tied: bool = False

    def value(self, metric: Metric = "accuracy", section: str = AVERAGE) -> float | None:
        """One number of the row."""
        return self.cells[section].value(metric) if section in self.cells else None


def rank_rows(
    rows: Iterable[BoardRow], *, metric: Metric = "accuracy", section: str = AVERAGE, mixed: bool = False
) -> list[BoardRow]:
    """Rows with their ranks, best first inside each group, groups with verified rows and more rows first.

    Args:
        rows: Any.
        metric: What to rank by.
        section: A section or ``average``.
        mixed: Rank rows of different judges, prompts, benchmarks and protocols together, because somebody asked to.
    """
    groups: dict[str, list[BoardRow]] = defaultdict(list)
    for row in rows:
        groups["" if mixed else row.group].append(row)
    ranked = [_rank_group(group, metric, section) for group in groups.values()]
    ranked.sort(key=lambda group: (group[0].kind != "verified", not group[0].comparable, -len(group), group[0].group))
    return [row for group in ranked for row in group]


def _rank_group(rows: Sequence[BoardRow], metric: Metric, section: str) -> list[BoardRow]:
    valued = sorted(
        (row for row in rows if row.value(metric, section) is not None),
        key=lambda row: (-(row.value(metric, section) or 0.0), row.model.casefold(), row.id),
    )
    intervals = [row.cells[section].interval(metric) for row in valued]
    known = [interval for interval in intervals if interval is not None]
    lows, highs = sorted(low for low, _ in known), sorted(high for _, high in known)
    ranked: list[BoardRow] = []
    for place, (row, interval) in enumerate(zip(valued, intervals, strict=True), 1):
        same_as_before = bool(ranked) and ranked[-1].value(metric, section) == row.value(metric, section)
        low = high = None
        if interval is not None and len(known) == len(valued):
            # Rows whose whole interval lies above, and rows whose interval does not lie wholly below.
            low = 1 + len(lows) - bisect_right(lows, interval[1])
            high = len(highs) - bisect_left(highs, interval[0])
        rank = ranked[-1].rank if same_as_before else place
        ranked.append(replace(row, rank=rank, rank_low=low, rank_high=high, tied=same_as_before))
        if same_as_before and not ranked[-2].tied:
            ranked[-2] = replace(ranked[-2], tied=True)
    rest = sorted((row for row in rows if row.value(metric, section) is None), key=lambda row: row.model.casefold())
    return [*ranked, *rest]
