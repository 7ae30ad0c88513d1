"""The arena's standings as tables and files for people."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Final

from leaderboard.arena_standings import LEAST_VOTES, Standing, Standings
from leaderboard.board import without_formula
from leaderboard.board_table import NO_TEXT, shown

if TYPE_CHECKING:
    import pandas as pd

STANDING_HEADS: Final[Mapping[str, str]] = {
    "rank": "Rank",
    "model": "Model",
    "rating": "Rating",
    "interval": "95 % interval",
    "votes": "Votes",
    "accuracy": "VDCscore accuracy (%)",
}


def standings_table(group: Standings) -> pd.DataFrame:
    """One line per captioner, best first; captioners of one name are told apart by their run."""
    import pandas as pd

    lines = [
        (
            place,
            label,
            round(row.rating),
            NO_TEXT if row.low is None or row.high is None else f"{row.low:.0f} – {row.high:.0f}",
            row.votes,
            shown(row.accuracy, "accuracy"),
        )
        for place, (row, label) in enumerate(zip(group.rows, labels(group.rows), strict=True), 1)
    ]
    return pd.DataFrame(lines, columns=list(STANDING_HEADS)).astype({"accuracy": "float64"})


def labels(rows: Sequence[Standing]) -> list[str]:
    """Names, with the run where two rows have the same."""
    names = [row.model for row in rows]
    return [f"{row.model} [{row.run_id[:6]}]" if names.count(row.model) > 1 else row.model for row in rows]


def agreement_words(group: Standings) -> str:
    """What the correlation of ratings and scores says, and when it says nothing."""
    if group.correlation is None:
        return "Agreement with VDCscore is shown from three captioners on, unless ratings or scores are all the same."
    scored = sum(row.accuracy is not None for row in group.rows)
    return (
        f"Spearman correlation of rating and VDCscore accuracy: {group.correlation:.2f} over {scored} "
        "captioners. With so few, chance alone can make it large."
    )


def doubt_words(group: Standings) -> str:
    """Why there are no intervals; empty where there are."""
    if not group.bounded:
        return (
            "Some captioners won, or lost, every vote so far: only the order says something, the distances do not, and "
            "there are no intervals yet."
        )
    if group.votes < LEAST_VOTES:
        return f"Intervals are given from {LEAST_VOTES} votes on."
    return ""


def standings_csv(groups: Sequence[Standings]) -> bytes:
    """Every group as CSV; a name that a spreadsheet would run as a formula is made text."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("group", "run_id", "model", "votes", "rating", "low", "high", "accuracy"))
    for number, group in enumerate(groups, 1):
        for row in group.rows:
            cells = ("" if cell is None else without_formula(cell) for cell in asdict(row).values())
            writer.writerow((number, *cells))
    return text.getvalue().encode("utf-8", "replace")


def standings_json(groups: Sequence[Standings]) -> bytes:
    """Every group as JSON; accuracies are fractions."""
    plain = {"schema_version": 1, "groups": [asdict(group) for group in groups]}
    return json.dumps(plain, ensure_ascii=False, indent=1).encode("utf-8", "replace")
