"""From a run's report to rows of the board."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

from leaderboard.db.models import SectionResult
from leaderboard.names import MAX_NAME
from vdc.sections import SECTIONS

AVERAGE: Final = "average"
CELLS: Final = (*SECTIONS, AVERAGE)
HEADLINE: Final = "strict"

AS_PUBLISHED: Final = "as_published"
"""The protocol of a published row: whatever rule its source used."""


def rank_group(report: Mapping[str, Any]) -> str:
    """Hash over what must be the same for two rows to share a rank: judge, its sampling, prompts, benchmark and files.

    Args:
        report: The content of ``report.json``.
    """
    judge, prompts, benchmark = report["judge"], report["prompts"], report["benchmark"]
    parts = {
        "judge": [judge.get(name) for name in ("kind", "model", "revision", "sampling", "match_share")],
        "prompts": prompts.get("sha256"),
        "benchmark": [benchmark.get(name) for name in ("name", "revision", "files", "limit")],
    }
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def judge_name(report: Mapping[str, Any]) -> str:
    """The judge as the board shows it: model where there is one, else kind."""
    judge = report["judge"]
    origin = judge.get("recorded_from") or judge
    kind, model, revision = origin.get("kind"), origin.get("model"), origin.get("revision")
    name = f"{kind} ({model})" if kind == "lexical" else str(model or kind)
    return (f"{name}@{revision}" if revision else name)[:MAX_NAME]


def section_results(report: Mapping[str, Any]) -> list[SectionResult]:
    """One row per protocol and section, and the protocol's average; sections without a number are rows without one."""
    rows = []
    for protocol, found in report["protocols"].items():
        for section, cell in found["sections"].items():
            counts = report["sections"].get(section, {})
            rows.append(
                SectionResult(
                    protocol=protocol,
                    section=section,
                    videos=cell.get("videos"),
                    questions=cell.get("questions"),
                    unparsed=counts.get("unparsed"),
                    missing=counts.get("missing"),
                    **_numbers(cell),
                )
            )
        rows.append(
            SectionResult(
                protocol=protocol,
                section=AVERAGE,
                videos=report["benchmark"].get("videos"),
                questions=found.get("questions"),
                unparsed=sum(one.get("unparsed") or 0 for one in report["sections"].values()),
                missing=sum(one.get("missing") or 0 for one in report["sections"].values()),
                **_numbers(found["average"]),
            )
        )
    return rows


def _numbers(cell: Mapping[str, Any]) -> dict[str, float | None]:
    numbers: dict[str, float | None] = {}
    for metric in ("accuracy", "score"):
        low, high = cell.get(f"{metric}_ci95") or (None, None)
        numbers |= {metric: cell.get(metric), f"{metric}_low": low, f"{metric}_high": high}
    return numbers
