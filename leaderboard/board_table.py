"""The board as tables for people: one per group of rows that were judged alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from leaderboard.board_rows import BoardRow, Metric
from leaderboard.results import AS_PUBLISHED, AVERAGE, CELLS

if TYPE_CHECKING:
    import pandas as pd

CELL_NAMES: Final[Mapping[str, str]] = {
    "short": "Short",
    "background": "Background",
    "main_object": "Main object",
    "camera": "Camera",
    "detailed": "Detailed",
    AVERAGE: "Average",
}
METRIC_NAMES: Final[Mapping[Metric, str]] = {"accuracy": "Accuracy", "score": "Score"}
KIND_NAMES: Final = {"verified": "✓ verified", "reported": "○ reported"}
UNITS: Final[Mapping[Metric, str]] = {"accuracy": "%", "score": "0–5"}
NO_TEXT: Final = "–"
_COUNTS: Final = ("rank", "frames", "tokens")
_OPTIONAL: Final = ("interval", "range", "found", "frames", "tokens", "reason", "findings")
MIXED_REMARK: Final = "These rows were judged differently: a difference may be the judge's, not the captions'."
NOT_COMPARABLE: Final = "not comparable with LLM judges"


@dataclass(frozen=True, slots=True)
class GroupTable:
    """Rows that share ranks, ready to be shown.

    Args:
        name: What the rows have in common, in words. Holds text from outside.
        remark: What a reader must know before comparing; empty where there is nothing.
        rows: Ranked.
        frame: One line per row, in the same order. Accuracies are percent, rounded to two digits.
        headers: Column -> its head, with the unit.
    """

    name: str
    remark: str
    rows: tuple[BoardRow, ...]
    frame: pd.DataFrame
    headers: Mapping[str, str]


def group_tables(
    rows: Sequence[BoardRow], *, metric: Metric = "accuracy", section: str = AVERAGE, mixed: bool = False
) -> list[GroupTable]:
    """Ranked rows as one table per group.

    Args:
        rows: As ``leaderboard.board_rows.rank_rows`` gives them.
        metric: What they were ranked by.
        section: Likewise.
        mixed: All in one table, which then says for each row how it was judged.
    """
    if not rows:
        return []
    if mixed:
        return [_table("All rows together", MIXED_REMARK, tuple(rows), metric, section, mixed=True)]
    found = []
    for _, group in groupby(rows, key=lambda row: row.group):
        members = tuple(group)
        found.append(_table(group_title(members[0]), group_remark(members[0]), members, metric, section, mixed=False))
    return found


def model_table(rows: Sequence[BoardRow], metric: Metric = "accuracy") -> GroupTable:
    """One captioner's rows in one table; each keeps the rank it has in its own group."""
    return _table("Rows", "", tuple(rows), metric, AVERAGE, mixed=True)


def group_title(row: BoardRow) -> str:
    """What the rows of a row's group have in common, in words."""
    if row.protocol == AS_PUBLISHED:
        return f"Reported: {row.source_name}"
    return f"{row.kind.capitalize()}: judge {row.judge}, prompts {row.prompts}, {row.benchmark}, {row.protocol}"


def group_remark(row: BoardRow) -> str:
    """What a reader must know before comparing rows of this row's group with others."""
    if row.protocol == AS_PUBLISHED:
        return f"Numbers as published; nobody here has measured them. The judge, as the source gives it: {row.judge}."
    if not row.comparable:
        return f"This judge is {NOT_COMPARABLE}: read these numbers only against each other."
    return ""


def model_label(row: BoardRow) -> str:
    """The captioner's name, with what tells apart its rows in one source."""
    return f"{row.model} [{row.setting}]" if row.setting else row.model


def shown(value: float | None, metric: Metric, digits: int = 2) -> float | None:
    """A number in the unit that people read: percent, or points of the score."""
    return None if value is None else round(100 * value if metric == "accuracy" else value, digits)


def interval_text(ends: tuple[float, float] | None, metric: Metric) -> str:
    """Both ends of an interval in the same unit."""
    if ends is None:
        return NO_TEXT
    low, high = (shown(end, metric) for end in ends)
    return f"{low:.2f} – {high:.2f}"


def rank_range(row: BoardRow) -> str:
    """The ranks that the intervals allow, and whether another row has the same value."""
    words = []
    if row.rank_low is not None and row.rank_high is not None:
        words.append(str(row.rank_low) if row.rank_low == row.rank_high else f"{row.rank_low}–{row.rank_high}")
    if row.tied:
        words.append("tied")
    return ", ".join(words) or NO_TEXT


def findings_text(row: BoardRow) -> str:
    """What the audit found."""
    return "; ".join(str(flag.get("text", "")) for flag in row.flags) or NO_TEXT


def _table(
    name: str, remark: str, rows: tuple[BoardRow, ...], metric: Metric, section: str, *, mixed: bool
) -> GroupTable:
    import pandas as pd

    others = [cell for cell in (AVERAGE, *CELLS) if cell != section]
    others = list(dict.fromkeys(others))
    second: Metric = "score" if metric == "accuracy" else "accuracy"
    headers = {
        "rank": "Rank",
        "model": "Model",
        "value": f"{CELL_NAMES[section]} ({UNITS[metric]})",
        "interval": f"95 % interval ({UNITS[metric]})",
        "range": "Rank range",
        "kind": "Kind",
        "found": "Findings",
        "reason": "Why not verified",
        **{cell: f"{CELL_NAMES[cell]} ({UNITS[metric]})" for cell in others},
        "second": f"{CELL_NAMES[section]} {second} ({UNITS[second]})",
        **({"judged": "Judged by"} if mixed else {}),
        "frames": "Frames",
        "tokens": "Tokens per frame",
        "source": "Source",
        "date": "Date",
        "findings": "What was found",
    }
    lines = (_line(row, metric, second, section, others) for row in rows)
    columns = dict(zip(_line_names(others), zip(*lines, strict=True), strict=True))
    # A column without anything in it costs width and tells nothing.
    empty = [one for one in _OPTIONAL if all(value is None or value == NO_TEXT for value in columns[one])]
    kept = {column: head for column, head in headers.items() if column not in empty}
    types = {**dict.fromkeys(_COUNTS, "Int64"), **dict.fromkeys(("value", *others, "second"), "float64")}
    # Typed one by one: changing the types of a whole frame afterwards takes most of the time of a page.
    typed = {column: pd.Series(columns[column], dtype=types.get(column, "str")) for column in kept}
    return GroupTable(name, remark, rows, pd.DataFrame(typed), kept)


def _line_names(others: Sequence[str]) -> tuple[str, ...]:
    front = ("rank", "model", "value", "interval", "range", "kind", "found", "reason")
    return (*front, *others, "second", "judged", "frames", "tokens", "source", "date", "findings")


def _line(row: BoardRow, metric: Metric, second: Metric, section: str, others: Sequence[str]) -> tuple[Any, ...]:
    cell = row.cells.get(section)
    judged = f"{row.judge}, {row.prompts}, {row.benchmark}, {row.protocol}"
    return (
        row.rank,
        model_label(row),
        shown(row.value(metric, section), metric),
        interval_text(cell.interval(metric) if cell else None, metric),
        rank_range(row),
        KIND_NAMES[row.kind],
        f"⚠ {len(row.flags)}" if row.flags else NO_TEXT,
        row.reason or NO_TEXT,
        *(shown(row.value(metric, other), metric) for other in others),
        shown(row.value(second, section), second),
        judged if row.comparable or row.protocol == AS_PUBLISHED else f"{judged} ({NOT_COMPARABLE})",
        row.frames,
        row.tokens_per_frame,
        row.source_name,
        row.source_date or NO_TEXT,
        findings_text(row),
    )
