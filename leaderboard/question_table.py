"""Verdicts in words: every question of a run with what was asked, answered and decided."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from leaderboard.board import without_formula
from leaderboard.board_table import CELL_NAMES, NO_TEXT

if TYPE_CHECKING:
    import pandas as pd

STATUS_NAMES: Final[Mapping[str, str]] = {
    "judged": "judged",
    "unparsed": "unparsed",
    "failed": "failed",
    "missing": "no caption",
    "empty": "empty caption",
}
QUESTION_HEADS: Final[Mapping[str, str]] = {
    "verdict": "Verdict",
    "score": "Score (0–5)",
    "video": "Video",
    "section": "Section",
    "number": "No.",
    "question": "Question",
    "gold": "Gold",
    "answer": "Answer",
}


def verdict_words(status: str, match: object) -> str:
    """A verdict as a word with a sign: wrong, unparsed, failed, missing and empty never look alike."""
    if status == "judged":
        return "✓ match" if match is True else "✗ no match"
    return {"unparsed": "? unparsed", "failed": "! failed", "missing": "○ no caption", "empty": "□ empty caption"}.get(
        status, status
    )


def question_table(rows: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Verdicts of one page as a table.

    Args:
        rows: As :class:`leaderboard.verdict_pages.VerdictPage` has them.
    """
    import pandas as pd

    lines = [
        (
            verdict_words(row["status"], row["match"]),
            row["score"],
            row["video_id"],
            CELL_NAMES.get(row["section"], row["section"]),
            row["question_index"] + 1,
            row["question"],
            row["gold"],
            row["answer"] or NO_TEXT,
        )
        for row in rows
    ]
    return pd.DataFrame(lines, columns=list(QUESTION_HEADS)).astype({"score": "float64"})


def verdicts_csv(verdicts: pd.DataFrame) -> bytes:
    """Verdicts as CSV that no spreadsheet runs."""
    return verdicts.map(without_formula).to_csv(index=False).encode("utf-8", "replace")


def verdicts_json(verdicts: pd.DataFrame) -> bytes:
    """Verdicts as a JSON list."""
    plain = json.loads(verdicts.to_json(orient="records"))
    return json.dumps(plain, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")
