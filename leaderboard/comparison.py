"""Two runs of the board against each other: whether they may be compared, by how much they differ, and where."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from leaderboard.board_rows import Metric
from leaderboard.board_table import CELL_NAMES, NO_TEXT, shown
from leaderboard.db.queries import RunInfo, run_files
from leaderboard.db.session import reading
from leaderboard.question_table import verdict_words
from leaderboard.services import Services
from leaderboard.stored_runs import read_stored_run

if TYPE_CHECKING:
    import pandas as pd

    from scoring.compare import Comparison, RunComparison

SURE: Final = 0.05
"""A difference counts as seen below this p-value, corrected over the sections."""

COMPARISON_HEADS: Final[Mapping[str, str]] = {
    "section": "Section",
    "first": "A",
    "second": "B",
    "difference": "B minus A",
    "interval": "95 % interval",
    "p_value": "p",
    "p_holm": "p, Holm",
    "verdict": "Told apart",
    "videos": "Videos",
}
_PARTS: Final = (
    ("judge", ("kind", "model", "revision", "sampling", "match_share")),
    ("prompts", ("sha256",)),
    ("benchmark", ("name", "revision", "files", "limit")),
)


def why_not_comparable(first: RunInfo, second: RunInfo) -> list[str]:
    """What differs between two runs besides their captions, one sentence each; empty where they were judged alike."""
    found = []
    for part, keys in _PARTS:
        one, other = first.report[part], second.report[part]
        names = [key for key in keys if one.get(key) != other.get(key)]
        if names:
            values = " and ".join(_shown(run, part) for run in (first, second))
            found.append(f"They have different {part}{'s' if part == 'judge' else ''} ({values}): {', '.join(names)}.")
    return found


def compare_stored(services: Services, first: RunInfo, second: RunInfo, protocol: str) -> RunComparison:
    """The paired test between two runs, from their stored verdicts; differences are second minus first.

    Raises:
        InputError: Their questions are not the same.
        RunFailed: Stored files are gone.
    """
    from scoring.compare import compare_runs

    runs = []
    for run in (first, second):
        with reading(services.engine) as session:
            files = run_files(session, run.id)
        runs.append(read_stored_run(services.store, run.id, files, run.report))
    return compare_runs(runs[0], runs[1], protocol=protocol)


def comparison_table(comparison: RunComparison, metric: str) -> pd.DataFrame:
    """One line per section, then the average: accuracies in percent, differences in points."""
    import pandas as pd

    lines = [
        (
            CELL_NAMES[row.section],
            shown(row.first, row.metric),
            shown(row.second, row.metric),
            NO_TEXT if row.difference is None else _signed(row.difference, row.metric),
            difference_interval(row),
            p_text(row.p_value),
            p_text(row.p_holm),
            told_apart(row),
            row.videos,
        )
        for row in comparison.rows
        if row.metric == metric
    ]
    frame = pd.DataFrame(lines, columns=list(COMPARISON_HEADS))
    return frame.astype({"first": "float64", "second": "float64"})


def chart_lines(comparison: RunComparison, metric: str) -> list[dict[str, Any]]:
    """Sections with a number in both runs, as ``section``, ``first`` and ``second`` in the unit that people read."""
    return [
        {
            "section": CELL_NAMES[row.section],
            "first": shown(row.first, row.metric),
            "second": shown(row.second, row.metric),
        }
        for row in comparison.rows
        if row.metric == metric and row.first is not None and row.second is not None
    ]


def difference_interval(row: Comparison) -> str:
    """The interval of a difference, with signs."""
    if row.interval is None:
        return NO_TEXT
    return f"{_signed(row.interval.low, row.metric)} to {_signed(row.interval.high, row.metric)}"


def told_apart(row: Comparison) -> str:
    """Whether the test sees a difference, as a word with a sign."""
    if row.p_holm is None or row.difference is None:
        return "– no test"
    return "= no" if row.p_holm >= SURE else "▲ B better" if row.difference > 0 else "▼ A better"


def verdict_sentence(comparison: RunComparison, names: tuple[str, str], metric: str) -> str:
    """What the test says of the average, for somebody who reads only one sentence. Holds the names as they are."""
    row = next((row for row in comparison.rows if row.metric == metric and row.section == "average"), None)
    if row is None or row.difference is None or row.p_holm is None:
        return "There is no average to compare: not all five sections have a number in both runs."
    unit = "points of average accuracy" if metric == "accuracy" else "points of average score"
    size = abs(100 * row.difference if metric == "accuracy" else row.difference)
    ends = "" if row.interval is None else f", 95 % interval of B minus A {difference_interval(row)}"
    sure = f"p {_relation(row.p_holm)} after Holm's correction over sections and average{ends}"
    if row.p_holm >= SURE:
        return (
            f"{names[0]} (A) and {names[1]} (B) cannot be told apart on these {row.videos:,} videos: they differ by "
            f"{size:.2f} {unit}, which chance alone can do ({sure})."
        )
    better, worse = (names[1], names[0]) if row.difference > 0 else (names[0], names[1])
    return f"{better} is better than {worse} by {size:.2f} {unit} on {row.videos:,} videos ({sure})."


def p_text(value: float | None) -> str:
    """A p-value as people print it."""
    return NO_TEXT if value is None else "< 0.001" if value < 0.001 else f"{value:.3f}"


def disagreements(first: pd.DataFrame, second: pd.DataFrame) -> pd.DataFrame:
    """Questions on which one run has a match and the other has none, in the benchmark's order.

    Args:
        first: The first run's verdicts.
        second: The second run's.

    Returns:
        Columns of the questions, and ``answer``, ``status``, ``match`` and ``score`` of both with ``_a`` and ``_b``.
    """
    key = ["video_id", "section", "question_index", "question", "gold"]
    values = ["answer", "status", "match", "score"]
    # A caption that is not there has no answer: no text rather than no number.
    one, other = (verdicts[key + values].fillna({"answer": ""}) for verdicts in (first, second))
    both = one.merge(other, on=key, suffixes=("_a", "_b"))
    won = [both[f"match_{side}"].fillna(False).astype(bool) for side in ("a", "b")]
    return both[won[0] != won[1]]


def disagreement_table(rows: pd.DataFrame) -> pd.DataFrame:
    """Disagreements in words, a copy for showing."""
    import pandas as pd

    lines = [
        (
            verdict_words(row["status_a"], bool(row["match_a"]) if row["status_a"] == "judged" else None),
            verdict_words(row["status_b"], bool(row["match_b"]) if row["status_b"] == "judged" else None),
            row["video_id"],
            CELL_NAMES[row["section"]],
            row["question"],
            row["gold"],
            row["answer_a"],
            row["answer_b"],
        )
        for row in rows.to_dict("records")
    ]
    heads = ["A", "B", "Video", "Section", "Question", "Gold", "Answer of A", "Answer of B"]
    return pd.DataFrame(lines, columns=heads)


def comparison_csv(table: pd.DataFrame) -> bytes:
    """The table as CSV."""
    return table.to_csv(index=False).encode()


def comparison_json(comparison: RunComparison) -> bytes:
    """The whole comparison; accuracies are fractions."""
    return json.dumps(comparison.to_json(), ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")


def _shown(run: RunInfo, part: str) -> str:
    return str({"judge": run.judge, "prompts": run.prompts, "benchmark": run.benchmark}[part])


def _signed(difference: float, metric: Metric) -> str:
    value = shown(difference, metric) or 0.0
    # A true minus: a hyphen beside a dash or another hyphen is easily misread.
    return f"{value:+.2f}".replace("-", "−")


def _relation(value: float) -> str:
    return p_text(value) if value < 0.001 else f"= {p_text(value)}"
