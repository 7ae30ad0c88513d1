"""Step ``audit``: the rules of ``vdc audit`` over the new questions, before a person sees them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from builders.audit import audit_benchmark, audit_json
from builders.audit.clean_list import CLEAN_VERSION
from builders.benchmark.context import Context, Settings, StepOutcome
from builders.benchmark.layout import question_lines
from builders.benchmark.manifest import read_rows
from builders.benchmark.model import ClipQuestions, Dropped
from vdc.fileio import write_atomic
from vdc.sections import SECTIONS


def audit_settings(context: Context) -> Settings:
    """Whether findings remove questions, and the version of the rules that do."""
    return {"remove": context.config.audit.remove, "clean_version": CLEAN_VERSION}


def run_audit(context: Context) -> StepOutcome:
    """Audit the questions; with ``audit.remove`` those on the audit's removal list go, each with the rule's id.

    Leaves ``audit/audit.json`` and the files that were audited, in the published layout, in ``audit/questions``.
    """
    rows = read_rows(context.folder, "questions", ClipQuestions)
    folder = context.folder / "audit" / "questions"
    for section in SECTIONS:
        write_atomic(folder / f"{section}.jsonl", question_lines(rows, section))
    done = audit_benchmark(folder)
    report = audit_json(replace(done, name=context.config.name))
    write_atomic(context.folder / "audit" / "audit.json", json.dumps(report, indent=2, ensure_ascii=False) + "\n")
    dropped: list[Dropped] = []
    kept = list(rows)
    if context.config.audit.remove:
        kept = [row for row in (_without(row, done.clean["removed_questions"], dropped) for row in rows) if row]
    questions = sum(row.question_count for row in kept)
    findings = sum(len(found) for part in done.sections.values() for found in part.findings.values())
    findings += sum(len(found) for found in done.cross_findings.values())
    return StepOutcome(len(rows), kept, dropped, {"findings": findings, "questions": questions})


def _without(row: ClipQuestions, removed: dict[str, Any], dropped: list[Dropped]) -> ClipQuestions | None:
    left = {}
    for section in SECTIONS:
        reasons = removed.get(section, {}).get(row.clip_id, {})
        for index, rule in reasons.items():
            item = row.questions[section][int(index)]
            key = f"{row.clip_id}/{section}/{index}"
            dropped.append(Dropped(key, rule, "filter", f"{item.question} -> {item.answer}"))
        left[section] = tuple(item for index, item in enumerate(row.questions[section]) if str(index) not in reasons)
    empty = [section for section in SECTIONS if not left[section]]
    if empty:
        dropped.append(Dropped(row.clip_id, "no_questions_left", "filter", f"no question left in {', '.join(empty)}"))
        return None
    return replace(row, questions=left)
