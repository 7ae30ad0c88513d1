"""A run's report as tables for people: its protocols side by side, and the record of how it was judged."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from leaderboard.board_table import NO_TEXT, interval_text, shown
from leaderboard.db.queries import RunInfo

if TYPE_CHECKING:
    import pandas as pd

DROPPED_WORDS: Final[Mapping[str, str]] = {
    "missing_caption": "no caption",
    "unreadable_verdict": "a verdict that cannot be read",
    "zero": "accuracy or score 0",
    "would_crash": "would end that program",
    "nothing_left": "no verdict can be read",
    "not_finite": "a score without end",
    "failed_calls": "calls failed",
    "unparsed": "unparsed",
    "without_both_fields": "a field is absent",
    "not_the_last": "not the caption's last question",
}
PROTOCOL_HEADS: Final[Mapping[str, str]] = {
    "protocol": "Protocol",
    "accuracy": "Accuracy (%)",
    "interval": "95 % interval (%)",
    "bias": "Against strict (points)",
    "score": "Score (0–5)",
    "kept": "Captions counted",
    "dropped": "Captions dropped",
    "why": "Why",
    "left_out": "Questions left out",
    "left_why": "Why left out",
}


def protocol_table(report: Mapping[str, Any]) -> pd.DataFrame:
    """One line per protocol: what it makes of the same verdicts, and what it did not count.

    Args:
        report: The content of ``report.json``.
    """
    import pandas as pd

    lines = []
    for name, found in report["protocols"].items():
        average, difference = found["average"], found["difference_to_strict"]["accuracy"]
        lines.append(
            {
                "protocol": name,
                "accuracy": shown(average["accuracy"], "accuracy"),
                "interval": interval_text(average["accuracy_ci95"], "accuracy"),
                "bias": None if difference is None else f"{100 * difference:+.2f}",
                "score": average["score"],
                "kept": found["videos"],
                "dropped": found["dropped_videos"],
                "why": _reasons(found["dropped"]),
                "left_out": sum(found["left_out_questions"].values()),
                "left_why": _reasons(found["left_out_questions"]),
            }
        )
    return pd.DataFrame(lines, columns=list(PROTOCOL_HEADS)).astype({"accuracy": "float64", "score": "float64"})


def drop_bias(report: Mapping[str, Any]) -> str:
    """One sentence on what dropping captions does to the number; empty where nothing is dropped."""
    official = report["protocols"].get("official")
    if not official or not official["dropped_videos"]:
        return ""
    captions = official["dropped_videos"]
    whole = captions + official["videos"]
    difference = official["difference_to_strict"]["accuracy"]
    moved = "" if difference is None else f", which moves the average by {100 * difference:+.2f} points"
    return f"The published script's rule (official) drops {captions:,} of {whole:,} captions{moved}."


def status_table(report: Mapping[str, Any]) -> pd.DataFrame:
    """One line per section: how many questions there are and what became of them."""
    import pandas as pd

    names = ("questions", "unparsed", "failed", "missing", "empty")
    lines = [
        {"section": section, **{name: found.get(name) for name in names}}
        for section, found in report["sections"].items()
    ]
    return pd.DataFrame(lines, columns=["section", *names])


def run_json(run: RunInfo) -> bytes:
    """The run with its report, as the API gives it."""
    plain = asdict(run)
    del plain["token_id"]
    return json.dumps(plain, ensure_ascii=False, allow_nan=False).encode("utf-8", "replace")


def run_record(run: RunInfo) -> pd.DataFrame:
    """How a run was judged, as names and values: enough to judge it again."""
    import pandas as pd

    report, details = run.report, run.details
    judge, prompts, benchmark = report["judge"], report["prompts"], report["benchmark"]
    check = run.verification
    facts: dict[str, Any] = {
        "run": run.id,
        "row": run.status + (f": {run.reason}" if run.reason else ""),
        "judge": run.judge,
        "judge sampling": judge.get("sampling"),
        "judge revision": judge.get("revision"),
        "comparable with LLM judges": "yes" if judge.get("comparable") else "no",
        "prompts": run.prompts,
        "prompts sha256": prompts.get("sha256"),
        "benchmark": run.benchmark,
        "benchmark revision": benchmark.get("revision"),
        **{f"sha256 of {name}": digest for name, digest in (benchmark.get("files") or {}).items()},
        "benchmark limit": benchmark.get("limit"),
        "videos and questions": f"{benchmark.get('videos') or 0:,} and {benchmark.get('questions') or 0:,}",
        "captions sha256": report["predictions"].get("sha256"),
        "bootstrap draws and seed": f"{report.get('resamples')} and {report['seeds'].get('bootstrap')}",
        "tool": " ".join(str(word) for word in (report["tool"].get("name"), report["tool"].get("version")) if word),
        "judged again": f"{check['questions']:,} questions, {check['same']:,} the same"
        if check.get("questions")
        else None,
        "frames": details.get("frames"),
        "visual tokens per frame": details.get("tokens_per_frame"),
        "note": details.get("note"),
        "address": details.get("model_url"),
    }
    lines = [(name, _text(value)) for name, value in facts.items() if value not in (None, "", {})]
    return pd.DataFrame(lines, columns=["What", "Value"])


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {one}" for name, one in value.items() if one is not None)
    return str(value)


def _reasons(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{DROPPED_WORDS.get(name, name)}: {count:,}" for name, count in counts.items()) or NO_TEXT
