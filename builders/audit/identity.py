"""Rules about ids: which videos a file has, how often, and what their ids look like."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from builders.audit.checks import each_row
from builders.audit.model import AuditRow, AuditTables, Finding, Rule, SectionRule
from vdc.benchmark.video_ids import id_family
from vdc.sections import Section


def find_duplicate_ids(section: Section, tables: AuditTables) -> Iterator[Finding]:
    """Ids on more than one line, with their lines and whether the lines say the same."""
    lines: dict[str, list[AuditRow]] = {}
    for row in tables.rows[section]:
        lines.setdefault(row.video_id, []).append(row)
    for video, rows in lines.items():
        if len(rows) > 1:
            versions = {tuple((q.source.question, q.source.gold) for q in row.questions) for row in rows}
            same = "the same questions" if len(versions) == 1 else "different questions"
            numbers = ", ".join(str(row.line) for row in rows)
            yield Finding(video, rows[-1].line, None, f"lines {numbers}: {same}")


def find_missing_ids(section: Section, tables: AuditTables) -> Iterator[Finding]:
    """Ids that other files have and this one lacks."""
    present = tables.video_ids[section]
    for video in tables.all_ids:
        if video not in present:
            others = [other for other in tables.sections if video in tables.video_ids[other]]
            yield Finding(video, None, None, f"in {', '.join(others)}")


def _unknown_form(row: AuditRow, _: AuditTables) -> str | None:
    return "no known id form" if id_family(row.video_id) == "other" else None


IDENTITY_RULES: Final[tuple[SectionRule, ...]] = (
    Rule(
        "duplicate_ids",
        "Only the last line of a repeated id is scored; the questions of the others are lost without a word.",
        "ids that stand on more than one line of a file",
        "error",
        "file",
        find_duplicate_ids,
    ),
    Rule(
        "missing_ids",
        "A video without questions in a section is never scored there.",
        "ids of all files together that a file lacks",
        "error",
        "file",
        find_missing_ids,
    ),
    Rule(
        "unknown_id_form",
        "An id of no known form may be a typing error, or a video of a new collection.",
        "rows whose id is neither 64 hexadecimal digits, 11 characters as on YouTube, mixkit-..., nor a UUID",
        "info",
        "row",
        each_row(_unknown_form),
    ),
)
