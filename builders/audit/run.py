"""Running the audit of a benchmark, and its stable JSON form."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from typing import Any, Final

from builders.audit.clean_list import make_clean_list
from builders.audit.cross_section import word_overlap
from builders.audit.model import (
    SHOWN_ITEMS,
    Audit,
    AuditTables,
    CrossRule,
    Finding,
    RowStatistics,
    SectionAudit,
    SectionRule,
)
from builders.audit.reading import read_tables
from builders.audit.registry import CROSS_RULES, SECTION_RULES
from vdc.sections import Section

SCHEMA_VERSION: Final = 1


def audit_benchmark(name_or_path: str | os.PathLike[str], *, revision: str | None = None) -> Audit:
    """Audit a benchmark: every rule over every row of its files, duplicates included.

    Args:
        name_or_path: A folder in the published layout, an export, ``sample``, ``vdc`` or ``owner/set`` of the Hub.
        revision: Branch, tag or commit on the Hub.

    Raises:
        InputError: The benchmark cannot be read. What the rules find is no error.

    Example:
        >>> from builders.audit import audit_benchmark
        >>> audit_benchmark("sample").sections["short"].findings["duplicate_ids"]
        []
    """
    return audit_tables(read_tables(name_or_path, revision=revision))


def audit_tables(tables: AuditTables) -> Audit:
    """Audit rows that were read already.

    Raises:
        InputError: The rows do not fit together (positions, lines, types); see :mod:`builders.audit.schemas`.
    """
    from builders.audit.schemas import check_raw_questions, raw_question_frame

    check_raw_questions(raw_question_frame(tables))
    findings = {
        section: {rule.id: list(rule.find(section, tables)) for rule in SECTION_RULES} for section in tables.sections
    }
    return Audit(
        name=tables.name,
        source=tables.source,
        revision=tables.revision,
        files=tables.files,
        sections={section: _section_audit(section, tables, findings[section]) for section in tables.sections},
        overlap=word_overlap(tables),
        cross_findings={rule.id: list(rule.find(tables)) for rule in CROSS_RULES},
        clean=make_clean_list(tables, findings),
        tables=tables,
    )


def audit_json(audit: Audit) -> dict[str, Any]:
    """The audit as JSON value: stable keys, every rule in every section, the first findings of each."""
    overlap: dict[str, dict[str, Any]] = {}
    for (first, second), value in audit.overlap.items():
        overlap.setdefault(first, {})[second] = {
            "overlap": value.overlap,
            "control": value.control,
            "videos": value.videos,
        }
    return {
        "schema_version": SCHEMA_VERSION,
        "kind": "benchmark",
        "benchmark": {
            "name": audit.name,
            "source": audit.source,
            "revision": audit.revision,
            "files": dict(audit.files),
        },
        "sections": {
            section: {
                "rows": found.rows,
                "videos": found.videos,
                "questions": found.questions,
                "per_row": {
                    "min": found.statistics.minimum,
                    "median": found.statistics.median,
                    "mean": found.statistics.mean,
                    "max": found.statistics.maximum,
                },
                "categories": {
                    "raw": found.statistics.raw_categories,
                    "normalised": found.statistics.normal_categories,
                },
                "rules": _rules_json(SECTION_RULES, found.findings),
            }
            for section, found in audit.sections.items()
        },
        "cross_section": {
            "content_word_overlap": overlap,
            "rules": _rules_json(CROSS_RULES, audit.cross_findings),
        },
        "clean": {
            "clean_version": audit.clean["clean_version"],
            "kept": audit.clean["kept"],
            "removed": audit.clean["removed"],
            "removed_by_rule": dict(audit.clean["removed_by_rule"]),
        },
    }


def has_findings(record: Mapping[str, Any]) -> bool:
    """Whether an audit in JSON form, of a benchmark or a board, holds an error or a warning; notes do not count."""
    parts = [*record.get("sections", {}).values(), record.get("cross_section", {}), record.get("board", {})]
    return any(
        rule["count"] and rule["severity"] != "info" for part in parts for rule in part.get("rules", {}).values()
    )


def _rules_json(
    rules: Sequence[SectionRule] | Sequence[CrossRule], findings: Mapping[str, Sequence[Finding]]
) -> dict[str, Any]:
    return {
        rule.id: {
            "severity": rule.severity,
            "count": len(findings[rule.id]),
            "items": [finding.as_json() for finding in findings[rule.id][:SHOWN_ITEMS]],
        }
        for rule in rules
    }


def _section_audit(section: Section, tables: AuditTables, findings: Mapping[str, Sequence[Finding]]) -> SectionAudit:
    rows = tables.rows[section]
    counts = sorted(len(row.questions) for row in rows)
    questions = [question for row in rows for question in row.questions]
    return SectionAudit(
        rows=len(rows),
        videos=len(tables.video_ids[section]),
        questions=len(questions),
        statistics=RowStatistics(
            minimum=counts[0],
            median=counts[math.ceil(0.5 * len(counts)) - 1],
            mean=round(len(questions) / len(rows), 4),
            maximum=counts[-1],
            raw_categories=len({q.source.category for q in questions if q.source.category is not None}),
            normal_categories=len({q.normal_category for q in questions if q.source.category is not None}),
        ),
        findings=findings,
    )
