"""``report.md``: the report for people. Everything in it comes from ``report.json``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from scoring.protocols.rules import PROTOCOLS

NOTHING: Final = "–"

REASONS: Final[Mapping[str, str]] = {
    "missing_caption": "no caption",
    "unreadable_verdict": "unreadable verdict",
    "zero": "accuracy or score of zero",
    "nothing_left": "no parsed verdict",
    "would_crash": "would have ended the run",
    "not_finite": "score is no number",
    "failed_calls": "all calls failed",
    "unparsed": "unparsed",
    "without_both_fields": "verdict without both fields",
    "not_the_last": "overwritten by a later question",
}
"""Reason in ``report.json`` -> words."""

_SPECIAL = re.compile(r"([\\`*_{}\[\]#|~$!@]|(?<=www)\.|:(?=//)|^[-+]|(?<=^\d)[.)])", re.IGNORECASE)
"""What starts Markdown anywhere in a line, an address that viewers turn into a link, or a list at a line's start."""


def render_markdown(report: Mapping[str, Any], plots: Mapping[str, str]) -> str:
    """The report as GitHub-flavoured Markdown; percent here, fractions in the JSON.

    Args:
        report: Content of ``report.json``.
        plots: Title -> path of the image, relative to the report; shown in this order.
    """
    parts = [
        "# VDCscore report",
        _headline(report),
        _bullets(f"**Warning:** {escape(warning)}" for warning in report["warnings"]),
        "## Sections",
        f"Protocol `strict`. Brackets are 95 % intervals ({report['resamples']:,} draws of whole videos).",
        _sections(report),
        *(f"![{title}]({path})" for title, path in plots.items()),
        *_question_sets(report),
        "## The same verdicts under the published rules",
        _protocol_means(report, "accuracy", "Accuracy"),
        _protocol_means(report, "score", "Score"),
        "What each rule left out (a video counts once per section):",
        _drops(report),
        _bullets(f"`{name}`: {protocol.summary}." for name, protocol in PROTOCOLS.items()),
        _printed(report),
        "## Coverage",
        _table(("captions", "count"), [(escape(name), _count(value)) for name, value in report["coverage"].items()]),
        "## Suspicious captions",
        _suspicious(report["suspicious"]),
        "## What was run",
        _record(report),
        "## Calls and time",
        _calls(report),
        *(("## Repetitions", _repeats(report["repeats"])) if report["repeats"] else ()),
        *(("## Notes", _bullets(escape(note) for note in report["notes"])) if report["notes"] else ()),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _question_sets(report: Mapping[str, Any]) -> tuple[str, ...]:
    """Both question sets side by side, where there is a clean list."""
    questions = report["questions"]
    if not questions.get("clean_list"):
        return ()
    names = ("full", "clean")
    rows = []
    for section in questions["full"]["sections"]:
        cells = [questions[name]["sections"].get(section) for name in names]
        rows.append((f"`{section}`", *(cell for name in cells for cell in _set_cells(name))))
    if questions["full"]["average"]["accuracy"] is not None:
        averages = [{**questions[name]["average"], "questions": questions[name]["questions"]} for name in names]
        rows.append(("**average**", *(cell for row in averages for cell in _set_cells(row))))
    explained = (
        f"The clean list (version {escape(questions['clean_list']['version'])}) leaves out questions that an audit "
        f"found broken; the headline above is over the {questions['headline']} set."
    )
    head = ("section", *(f"{column}, {name}" for name in names for column in ("accuracy", "score", "questions")))
    return (
        "## All questions and the clean ones",
        explained,
        _table(head, rows),
    )


def _set_cells(row: Mapping[str, Any] | None) -> tuple[str, ...]:
    if row is None:
        return (NOTHING,) * 3
    return _value(row, "accuracy"), _value(row, "score"), _count(row["questions"])


def escape(text: object) -> str:
    """Text from outside as plain words: no Markdown, no HTML, no link, one line, no control characters."""
    line = "".join(character if character.isprintable() else " " for character in str(text))
    safe = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _SPECIAL.sub(r"\\\1", safe)


def percent(value: float | None) -> str:
    """A fraction as percent with one decimal."""
    return NOTHING if value is None else f"{100 * value:.1f} %"


def _score(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.2f}"


def _value(row: Mapping[str, Any], metric: str) -> str:
    show = percent if metric == "accuracy" else _score
    ends = row.get(f"{metric}_ci95")
    if row[metric] is None or ends is None:
        return show(row[metric])
    low, high = (f"{100 * end:.1f}" if metric == "accuracy" else f"{end:.2f}" for end in ends)
    return f"{show(row[metric])} [{low}, {high}]"


def _count(value: object) -> str:
    return f"{value:,}" if isinstance(value, int | float) else NOTHING if value is None else escape(value)


def _headline(report: Mapping[str, Any]) -> str:
    judge = escape(report["judge"].get("model") or report["judge"].get("kind") or "unknown judge")
    average = report["average"]
    if average["accuracy"] is None:
        names = ", ".join(f"`{section}`" for section in report["sections"])
        return f"Sections scored: {names}; judge {judge}."
    accuracy, score = _value(average, "accuracy"), _value(average, "score")
    return f"**Accuracy {accuracy}, score {score} of 5**, average of the five sections, judge {judge}."


def _sections(report: Mapping[str, Any]) -> str:
    head = (
        "section",
        "accuracy",
        "score",
        "videos",
        "questions",
        "unparsed",
        "failed",
        "missing",
        "empty",
        "suspicious",
    )
    rows: list[Sequence[str]] = [
        (f"`{name}`", _value(row, "accuracy"), _value(row, "score"), *(_count(row[key]) for key in head[3:]))
        for name, row in report["sections"].items()
    ]
    average = report["average"]
    if average["accuracy"] is not None:
        rows.append(("**average**", _value(average, "accuracy"), _value(average, "score"), *[""] * len(head[3:])))
    return _table(head, rows)


def _protocol_means(report: Mapping[str, Any], metric: str, title: str) -> str:
    show = percent if metric == "accuracy" else _score
    sections = list(report["sections"])
    rows = []
    for name, protocol in report["protocols"].items():
        row = [f"`{name}`", *(show(protocol["sections"][section][metric]) for section in sections)]
        same = name == report["headline"]
        difference = NOTHING if same else _difference(protocol["difference_to_strict"], metric)
        rows.append([*row, show(protocol["average"][metric]), difference])
    return _table((title, *(f"`{section}`" for section in sections), "average", "average minus strict"), rows)


def _difference(row: Mapping[str, Any], metric: str) -> str:
    value, ends = row[metric], row[f"{metric}_ci95"]
    if value is None:
        return NOTHING
    factor, digits = (100, 1) if metric == "accuracy" else (1, 2)
    shown = f"{factor * value:+.{digits}f}" + (" points" if metric == "accuracy" else "")
    return shown + (f" [{', '.join(f'{factor * end:+.{digits}f}' for end in ends)}]" if ends else "")


def _drops(report: Mapping[str, Any]) -> str:
    rows = [
        (
            f"`{name}`",
            _count(row["videos"]),
            _count(row["dropped_videos"]),
            _reasons(row["dropped"]),
            _count(row["questions"]),
            _reasons(row["left_out_questions"]),
            _count(row["would_crash"]),
        )
        for name, row in report["protocols"].items()
    ]
    head = ("protocol", "videos kept", "dropped", "why", "questions kept", "left out", "would have crashed on")
    return _table(head, rows)


def _reasons(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{REASONS.get(reason, reason)} {count:,}" for reason, count in counts.items()) or NOTHING


def _printed(report: Mapping[str, Any]) -> str:
    shown = [
        f"`{name}` prints {row['printed']['accuracy']} and {row['printed']['score']} over all rows "
        "(fractions with two decimals)."
        for name, row in report["protocols"].items()
        if "printed" in row
    ]
    return " ".join(shown)


def _suspicious(found: Mapping[str, Any]) -> str:
    if not found["captions"]:
        return "None was flagged."
    rows = [
        (escape(row["video_id"]), f"`{row['section']}`", escape(", ".join(row["reasons"]))) for row in found["first"]
    ]
    reasons = ", ".join(f"{escape(reason)} {count:,}" for reason, count in found["by_reason"].items())
    more = found["captions"] - len(rows)
    after = f"\n\n... and {more:,} more; column `suspicious` of `verdicts.parquet` has them all." if more else ""
    return f"{found['captions']:,} captions ({reasons}).\n\n" + _table(("video", "section", "reasons"), rows) + after


def _record(report: Mapping[str, Any]) -> str:
    rows = [("run", escape(report["run_id"]))]
    for part, keys in (
        ("judge", ("kind", "model", "revision", "server", "sampling", "comparable")),
        ("prompts", ("name", "sha256", "variant")),
        ("benchmark", ("name", "revision", "videos", "questions", "limit")),
        ("predictions", ("name", "path", "format", "sha256")),
        ("tool", ("version", "git_commit")),
    ):
        known = report[part]
        rows += [(f"{part} {key}", escape(known[key])) for key in keys if known.get(key) is not None]
    protocols = ", ".join(f"{name} {row['version']}" for name, row in report["protocols"].items())
    rows += [("protocol versions", escape(protocols)), ("bootstrap seed", str(report["seeds"]["bootstrap"]))]
    return _table(("what", "value"), rows)


def _calls(report: Mapping[str, Any]) -> str:
    rows = [(escape(name.replace("_", " ")), _count(value)) for name, value in report["calls"].items()]
    if report["started"]:
        rows.append(("started", escape(report["started"])))
    if report["elapsed_s"] is not None:
        rows.append(("seconds", f"{report['elapsed_s']:,.1f}"))
    return _table(("calls", "count"), rows)


def _repeats(found: Mapping[str, Any]) -> str:
    rows = [
        (
            "accuracy",
            ", ".join(map(percent, found["accuracy"]["values"])),
            percent(found["accuracy"]["standard_deviation"]),
        ),
        ("score", ", ".join(map(_score, found["score"]["values"])), _score(found["score"]["standard_deviation"])),
    ]
    table = _table(("strict, mean of the sections", "each repetition", "standard deviation"), rows)
    differ = percent(found["verdicts_that_differ"])
    return (
        f"Judged {found['count']} times; the numbers above are of the first. {differ} of the questions judged "
        f"every time did not always get the same match.\n\n{table}"
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _bullets(sentences: Iterable[str]) -> str:
    return "\n".join(f"- {sentence}" for sentence in sentences)
