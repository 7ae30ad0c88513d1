"""What a run says: ``report.json`` for programs, ``report.md`` and a screen of text for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

from scoring.statistics.bootstrap import Interval
from scoring.video_qa.rules import RULES, intervals
from scoring.video_qa.tasks import TASKS
from scoring.video_qa.verdicts import QaVerdict

REPORT_JSON: Final = "report.json"
REPORT_MARKDOWN: Final = "report.md"
SCHEMA_VERSION: Final = 1
STATUSES: Final = ("judged", "unparsed", "failed", "missing", "empty")


def build_report(verdicts: Sequence[QaVerdict], facts: Mapping[str, Any]) -> dict[str, Any]:
    """The content of ``report.json``.

    Args:
        verdicts: Of all tasks.
        facts: The parts of the run record that a reader needs: ``run_id``, ``judge``, ``prompts``, ``predictions``,
            ``questions``, ``coverage``, ``calls``, ``elapsed_s``.
    """
    tasks = {
        name: _task([verdict for verdict in verdicts if verdict.task == name])
        for name in dict.fromkeys(verdict.task for verdict in verdicts)
    }
    return {
        "schema_version": SCHEMA_VERSION,
        "kind": "video_qa",
        **facts,
        "tasks": tasks,
        "incomplete": any(task["failed"] for task in tasks.values()),
        "warnings": _warnings(tasks, facts),
    }


def render_summary(report: Mapping[str, Any]) -> str:
    """Every task under every rule, as text of at most 80 columns."""
    interval = "95 % interval"
    lines = [
        f"{'task':<12} {'rule':<10} {'accuracy %':>10}  {interval:<14} {'score':>5}  {interval:<13} {'counted':>8}"
    ]
    for name, task in report["tasks"].items():
        for place, rule in enumerate(RULES):
            found = task["rules"][rule]
            lines.append(
                f"{name if place == 0 else '':<12} {rule:<10} {_number(found['accuracy'], 100, 1):>10}  "
                f"{_ends(found['accuracy_ci95'], 100, 1):<14} {_number(found['score'], 1, 2):>5}  "
                f"{_ends(found['score_ci95'], 1, 2):<13} {found['counted']:>8,}"
            )
    return "\n".join(line.rstrip() for line in lines)


def render_markdown(report: Mapping[str, Any]) -> str:
    """The content of ``report.md``."""
    judge, coverage = report["judge"], report["coverage"]
    comparable = "" if judge.get("comparable") else " (not comparable with LLM-judged numbers)"
    asked = (
        f"Judge: {_plain(judge['kind'])}, model {_plain(judge.get('model'))}{comparable}. "
        f"Prompts: {_plain(report['prompts']['name'])}. Run {report['run_id']}."
    )
    covered = (
        f"Questions: {coverage['questions']:,}; answered {coverage['answered']:,}, missing {coverage['missing']:,}, "
        f"blank {coverage['empty']:,}; answers to no question {coverage['unknown']:,}; made harmless or cut "
        f"{coverage['changed']:,}."
    )
    lines = ["# Video question answering", "", asked, "", covered, ""]
    lines += [f"- {warning}" for warning in report["warnings"]] + ([""] if report["warnings"] else [])
    lines += [
        "| task | rule | accuracy % | 95 % interval | score | 95 % interval | counted | left out |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for name, task in report["tasks"].items():
        for rule in RULES:
            found = task["rules"][rule]
            lines.append(
                f"| {name} | {rule} | {_number(found['accuracy'], 100, 1)} | {_ends(found['accuracy_ci95'], 100, 1)} "
                f"| {_number(found['score'], 1, 2)} | {_ends(found['score_ci95'], 1, 2)} | {found['counted']:,} "
                f"| {found['left_out']:,} |"
            )
    lines += ["", f"| task | measures | {' | '.join(STATUSES)} |", "| --- " * (len(STATUSES) + 2) + "|"]
    lines += [
        f"| {name} | {TASKS[name].measures} | {' | '.join(f'{task[status]:,}' for status in STATUSES)} |"
        for name, task in report["tasks"].items()
    ]
    lines += [
        "",
        "`strict` counts every question, and what is missing, blank or unparsed as wrong with score 0; `observed`",
        "leaves unparsed verdicts out; `published` is the arithmetic of the published scripts (docs/video_qa.md).",
    ]
    return "\n".join(lines) + "\n"


def _task(verdicts: Sequence[QaVerdict]) -> dict[str, Any]:
    counts = Counter(verdict.status for verdict in verdicts)
    kept = {"strict": verdicts, "observed": [one for one in verdicts if one.status != "unparsed"], "published": ()}
    rules: dict[str, Any] = {}
    for name, rule in RULES.items():
        numbers = asdict(rule(verdicts))
        ends = intervals(kept[name])
        if counts["failed"]:
            # A number over the calls that happened to succeed is no number of this file.
            numbers |= {"accuracy": None, "score": None}
            ends = dict.fromkeys(ends, None)
        rules[name] = {
            **numbers,
            "accuracy_ci95": _pair(ends["accuracy"]),
            "score_ci95": _pair(ends["score"]),
        }
    return {
        "rules": rules,
        "videos": len({verdict.row.video_id for verdict in verdicts}),
        "questions": len(verdicts),
        **{status: counts.get(status, 0) for status in STATUSES},
    }


def _warnings(tasks: Mapping[str, Any], facts: Mapping[str, Any]) -> list[str]:
    found = []
    if not facts["judge"].get("comparable"):
        found.append("the judge counts words: its numbers are not comparable with LLM-judged ones")
    if facts.get("questions") is None:
        found.append("without --questions nobody can tell which questions have no answer; only those in the file count")
    if facts["coverage"]["unknown"]:
        found.append(f"{facts['coverage']['unknown']:,} answers belong to no question and were not judged")
    for name, task in tasks.items():
        numbers = task["rules"]["published"]
        if task["failed"]:
            found.append(f"{name}: {task['failed']:,} calls failed; there are no numbers until they are asked again")
        if numbers["would_crash"]:
            found.append(
                f"{name}: the published script would have ended with an error on {numbers['would_crash']:,} replies"
            )
        if task["unparsed"]:
            found.append(f"{name}: {task['unparsed']:,} replies could not be read, not even the second ones")
    return found


def _pair(interval: Interval | None) -> list[float] | None:
    return None if interval is None else [interval.low, interval.high]


def _plain(text: object) -> str:
    """A name from outside, as it may stand in Markdown."""
    return "".join(letter if letter.isalnum() or letter in " .:/_-" else "?" for letter in str(text))


def _number(value: float | None, factor: int, digits: int) -> str:
    return "-" if value is None else f"{factor * value:.{digits}f}"


def _ends(ends: list[float] | None, factor: int, digits: int) -> str:
    return "-" if ends is None else f"[{_number(ends[0], factor, digits)}, {_number(ends[1], factor, digits)}]"
