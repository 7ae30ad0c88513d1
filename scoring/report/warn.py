"""What a reader of a report must be told before its numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

NOT_COMPARABLE: Final = "not comparable with LLM-judged numbers"

FEW_VIDEOS: Final = 30
"""Below this many videos bootstrap intervals are known to be too narrow."""

MANY_UNPARSED: Final = 0.01
"""Share of unparsed verdicts, or of blank answers, above which the reader is warned."""


def warnings_of(report: Mapping[str, Any]) -> list[str]:
    """Sentences in the order of their weight; empty for a whole, comparable run.

    Args:
        report: The report without its warnings.
    """
    sections, questions = report["sections"], report["benchmark"]["questions"]
    failed = sum(row["failed"] for row in sections.values())
    unparsed = sum(row["unparsed"] for row in sections.values())
    warnings = []
    if failed:
        warnings.append(
            f"The run is incomplete: {failed:,} of {questions:,} questions failed and are in no number. "
            "The same vdc score command resumes it."
        )
    if not report["judge"].get("comparable", False):
        # The name comes from a file and the warning goes to a terminal.
        kind = "".join(filter(str.isprintable, str(report["judge"].get("kind") or "unknown")))
        warnings.append(f"Judged by {kind}: {NOT_COMPARABLE}.")
    if report["benchmark"].get("limit") is not None:
        videos = report["benchmark"]["videos"]
        warnings.append(f"Only the first {videos:,} videos were scored: not a number for the whole benchmark.")
    if report["average"]["accuracy"] is None:
        warnings.append("No average: it exists only when all five sections have a number.")
    if questions and unparsed / questions > MANY_UNPARSED:
        warnings.append(
            f"{unparsed:,} of {questions:,} verdicts ({unparsed / questions:.1%}) were unparsed: strict counts them as "
            "wrong, observed leaves them out, and the truth lies between."
        )
    blank = report.get("blank_answers", 0)
    if questions and blank / questions > MANY_UNPARSED:
        warnings.append(
            f"The judge's answer to {blank:,} of {questions:,} questions is blank, so the caption was not really "
            "judged there. A judge that reasons needs more --max-tokens."
        )
    missing = sum(row["missing"] + row["empty"] for row in sections.values())
    if missing:
        warnings.append(f"{missing:,} questions have a missing or empty caption and count as wrong.")
    if suspicious := report["suspicious"]["captions"]:
        warnings.append(f"{suspicious:,} captions are flagged as suspicious; the report gives the reasons.")
    if report["benchmark"]["videos"] < FEW_VIDEOS:
        warnings.append(f"Fewer than {FEW_VIDEOS} videos: the intervals are too narrow.")
    return warnings
