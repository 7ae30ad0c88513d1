"""Making a clean list: which questions stay, and the rule that removed each of the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from builders.audit.model import AuditTables, Finding
from builders.audit.registry import REMOVING_RULES
from vdc.benchmark.clean import SCHEMA_VERSION, question_hash
from vdc.sections import Section

CLEAN_VERSION: Final = "1"
"""Raised whenever the set of removing rules or one of their definitions changes."""

SUPERSEDED_RULE: Final = "duplicate_ids"
"""Reason for questions on the earlier lines of a repeated id: scoring keeps only the last line."""


def make_clean_list(tables: AuditTables, findings: Mapping[Section, Mapping[str, Sequence[Finding]]]) -> dict[str, Any]:
    """The clean list of an audit as JSON value; :func:`vdc.benchmark.clean.load_clean_list` reads it.

    Args:
        tables: What was audited.
        findings: Section -> rule id -> findings.

    Returns:
        ``kept`` and ``removed`` count the questions of the files as they are. Superseded rows, which no score ever
        counted, are listed for themselves; ``removed_questions`` names positions in the rows that are scored.
    """
    removed: dict[str, dict[str, dict[str, str]]] = {}
    superseded: list[dict[str, Any]] = []
    counts: Counter[str] = Counter()
    total = 0
    for section in tables.sections:
        last = tables.last_rows[section]
        total += sum(len(row.questions) for row in tables.rows[section])
        for row in tables.rows[section]:
            if last[row.video_id] is not row:
                entry = {"section": section, "video_id": row.video_id, "line": row.line}
                superseded.append({**entry, "questions": len(row.questions)})
                counts[SUPERSEDED_RULE] += len(row.questions)
        reasons = _reasons(tables, section, findings[section])
        counts.update(rule for row_reasons in reasons.values() for rule in row_reasons.values())
        if reasons:
            removed[section] = {
                video: {str(index): reasons[video][index] for index in sorted(reasons[video])}
                for video in sorted(reasons)
            }
    return {
        "schema_version": SCHEMA_VERSION,
        "clean_version": CLEAN_VERSION,
        "benchmark": {
            "name": tables.name,
            "source": tables.source,
            "revision": tables.revision,
            "files": dict(tables.files),
            "questions_sha256": {
                section: question_hash(
                    {
                        video: tuple(question.source for question in row.questions)
                        for video, row in tables.last_rows[section].items()
                    }
                )
                for section in tables.sections
            },
        },
        "rules": [rule.id for rule in REMOVING_RULES],
        "definitions": {rule.id: rule.definition for rule in REMOVING_RULES},
        "kept": total - counts.total(),
        "removed": counts.total(),
        "removed_by_rule": dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))),
        "superseded_rows": superseded,
        "removed_questions": removed,
    }


def _reasons(
    tables: AuditTables, section: Section, findings: Mapping[str, Sequence[Finding]]
) -> dict[str, dict[int, str]]:
    """video_id -> question index -> first rule that removes it, in the row that is scored."""
    reasons: dict[str, dict[int, str]] = {}
    for rule in REMOVING_RULES:
        for finding in findings[rule.id]:
            row = tables.last_rows[section][finding.video_id]
            if finding.line != row.line:
                continue
            row_reasons = reasons.setdefault(row.video_id, {})
            whole = range(len(row.questions))
            for index in whole if finding.question_index is None else (finding.question_index,):
                row_reasons.setdefault(index, rule.id)
    return reasons
