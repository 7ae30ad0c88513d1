"""The report on one screen: what the commands print when a run ends."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def render_summary(report: Mapping[str, Any]) -> str:
    """Sections and protocols as text of at most 80 columns; warnings are the caller's to print.

    Args:
        report: Content of ``report.json``.
    """
    rows = dict(report["sections"])
    if report["average"]["accuracy"] is not None:
        rows["average"] = report["average"]
    lines = [
        f"{'strict':<12} {'accuracy %':>10}  {'95 % interval':<14} {'score':>5}  {'95 % interval':<13} {'videos':>7}"
    ]
    for name, row in rows.items():
        videos = f"{row['videos']:,}" if "videos" in row else ""
        lines.append(
            f"{name:<12} {_number(row['accuracy'], 100, 1):>10}  {_ends(row['accuracy_ci95'], 100, 1):<14} "
            f"{_number(row['score'], 1, 2):>5}  {_ends(row['score_ci95'], 1, 2):<13} {videos:>7}"
        )
    lines += _question_sets(report["questions"])
    lines += [
        "",
        f"{'protocol':<12} {'accuracy %':>10} {'score':>6} {'videos kept':>12} {'dropped':>8} {'would crash':>12}",
    ]
    for name, row in report["protocols"].items():
        shown = _shown(row)
        lines.append(
            f"{name:<12} {_number(shown['accuracy'], 100, 1):>10} {_number(shown['score'], 1, 2):>6} "
            f"{row['videos']:>12,} {row['dropped_videos']:>8,} {row['would_crash']:>12,}"
        )
    return "\n".join(line.rstrip() for line in lines)


def _question_sets(questions: Mapping[str, Any]) -> list[str]:
    """One line per question set, where there is a clean list."""
    if not questions.get("clean_list"):
        return []
    lines = [
        "",
        f"{'questions':<12} {'accuracy %':>10}  {'95 % interval':<14} {'score':>5}  {'95 % interval':<13} {'count':>7}",
    ]
    for name in ("full", "clean"):
        row = _shown(questions[name])
        lines.append(
            f"{name:<12} {_number(row['accuracy'], 100, 1):>10}  {_ends(row['accuracy_ci95'], 100, 1):<14} "
            f"{_number(row['score'], 1, 2):>5}  {_ends(row['score_ci95'], 1, 2):<13} {questions[name]['questions']:>7,}"
        )
    return lines


def _shown(protocol: Mapping[str, Any]) -> Mapping[str, Any]:
    """The average, or the section of a run that has only one; with two to four there is no one number to show."""
    sections = list(protocol["sections"].values())
    shown: Mapping[str, Any] = sections[0] if len(sections) == 1 else protocol["average"]
    return shown


def _number(value: float | None, factor: int, digits: int) -> str:
    return "-" if value is None else f"{factor * value:.{digits}f}"


def _ends(ends: list[float] | None, factor: int, digits: int) -> str:
    return "-" if ends is None else f"[{_number(ends[0], factor, digits)}, {_number(ends[1], factor, digits)}]"
