"""``report.json``: the stable contract between a run and whoever reads its numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from scoring.protocols.result import METRICS, Metric, ProtocolResult
from scoring.protocols.rules import apply_protocols
from scoring.protocols.table import STATUSES, FloatArray, VerdictArrays
from scoring.question_sets import QuestionSets, kept_rows
from scoring.report.facts import RunFacts
from scoring.report.warn import warnings_of
from scoring.statistics.bootstrap import DEFAULT_RESAMPLES, percentile_interval, resample_weights, weighted_means
from vdc.sections import SECTIONS, Section

if TYPE_CHECKING:
    import pandas as pd

SCHEMA_VERSION: Final = 1
HEADLINE: Final = "strict"

SHOWN_SUSPICIOUS: Final = 20
"""How many suspicious captions are named in the report; all stand in the verdicts."""

_COVERAGE: Final = ("captions", "expected", "missing", "unknown", "duplicates")
_CALLS: Final = ("made", "from_store", "retries", "input_tokens", "output_tokens")


def build_report(
    verdicts: pd.DataFrame,
    facts: RunFacts,
    *,
    resamples: int = DEFAULT_RESAMPLES,
    question_sets: QuestionSets = QuestionSets(),
) -> dict[str, Any]:
    """The content of ``report.json``: plain JSON values, no NaN (a number that does not exist is null).

    Accuracies are fractions, scores 0 to 5. Under ``sections`` ``videos`` counts videos, and ``questions``,
    ``unparsed``, ``failed``, ``missing`` and ``empty`` count questions, ``suspicious`` counts captions. Under
    ``protocols`` a video counts once per section. A section with failed questions has no number, and then the average
    has none.

    Args:
        verdicts: One row per question of the benchmark, see ``scoring.verdict_table``.
        facts: Where the verdicts come from. Its bootstrap seed makes the intervals repeatable.
        resamples: Bootstrap draws; the same draws serve all sections and protocols.
        question_sets: Which questions everything but ``questions`` is made of; ``questions`` shows both sets where
            there is a clean list.

    Raises:
        InputError: The verdicts are no verdict table.
    """
    both = _both_sets(verdicts, facts, resamples, question_sets)
    if question_sets.headline == "clean" and question_sets.clean is not None:
        verdicts = verdicts[kept_rows(verdicts, question_sets.clean)]
    table = VerdictArrays.from_frame(verdicts)
    results = apply_protocols(table)
    weights = resample_weights(len(table.videos), resamples, np.random.default_rng(facts.bootstrap_seed))
    strict, counts = results[HEADLINE], _status_counts(table)
    # A number over the questions that happened to get a reply would look like any other number.
    withheld = frozenset(section for section in counts if counts[section]["failed"])
    draws = {name: _Draws(result, weights, withheld) for name, result in results.items()}
    suspicious = _suspicious(verdicts)
    sections = {
        section: {
            **draws[HEADLINE].section(section),
            "videos": strict.sections[section].videos,
            "questions": sum(counts[section].values()),
            **{status: counts[section][status] for status in STATUSES if status != "judged"},
            "suspicious": suspicious["by_section"].get(section, 0),
        }
        for section in strict.sections
    }
    report = {
        "schema_version": SCHEMA_VERSION,
        "run_id": facts.run_id,
        "incomplete": bool(withheld),
        "headline": HEADLINE,
        "judge": {**facts.judge},
        "prompts": {**facts.prompts},
        "benchmark": {**facts.benchmark, "videos": len(table.videos), "questions": len(table.pair)},
        "predictions": {**facts.predictions},
        "questions": {**question_sets.facts(), **both},
        "coverage": {**dict.fromkeys(_COVERAGE), **facts.coverage},
        "sections": sections,
        "average": draws[HEADLINE].average(),
        "protocols": {name: _protocol(results[name], draws[name], draws[HEADLINE]) for name in results},
        "suspicious": {key: suspicious[key] for key in ("captions", "by_reason", "first")},
        "blank_answers": _blank_answers(verdicts),
        "score_histogram": _score_histogram(table),
        "repeats": {**facts.repeats} or None,
        "resamples": resamples,
        "seeds": {**facts.seeds, "bootstrap": facts.bootstrap_seed},
        "calls": {**dict.fromkeys(_CALLS, 0), **facts.calls},
        "tool": {**facts.tool},
        "started": facts.started,
        "elapsed_s": facts.elapsed_s,
        "notes": list(facts.notes),
    }
    report["warnings"] = warnings_of(report)
    plain: dict[str, Any] = jsonable(report)
    return plain


def _both_sets(
    verdicts: pd.DataFrame, facts: RunFacts, resamples: int, question_sets: QuestionSets
) -> dict[str, dict[str, Any]]:
    """The headline protocol over all questions and over those the clean list keeps, side by side."""
    if question_sets.clean is None:
        return {}
    kept = kept_rows(verdicts, question_sets.clean)
    shown = {}
    for name, frame in (("full", verdicts), ("clean", verdicts[kept])):
        table = VerdictArrays.from_frame(frame)
        counts = _status_counts(table)
        result = apply_protocols(table, [HEADLINE])[HEADLINE]
        weights = resample_weights(len(table.videos), resamples, np.random.default_rng(facts.bootstrap_seed))
        draws = _Draws(result, weights, frozenset(section for section in counts if counts[section]["failed"]))
        shown[name] = {
            "questions": len(frame),
            "average": draws.average(),
            "sections": {
                section: {
                    **draws.section(section),
                    "videos": result.sections[section].videos,
                    "questions": sum(counts[section].values()),
                }
                for section in result.sections
            },
        }
    return shown


def jsonable(value: Any) -> Any:
    """The value with NaN and infinity as None and NumPy scalars, tuples and mappings as plain JSON types."""
    if isinstance(value, Mapping):
        return {str(key): jsonable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [jsonable(item) for item in value]
    if isinstance(value, np.generic):
        return jsonable(value.item())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


class _Draws:
    """A protocol's numbers with the bootstrap replicates behind their intervals; none for the sections withheld."""

    def __init__(self, result: ProtocolResult, weights: FloatArray, withheld: frozenset[Section]) -> None:
        self.result = result
        self.withheld = withheld
        self.place = {section: column for column, section in enumerate(result.sections)}
        self.replicates = {metric: weighted_means(result.matrix(metric), weights) for metric in METRICS}

    def mean(self, section: Section, metric: Metric) -> float | None:
        """A section's number."""
        return None if section in self.withheld else self.result.sections[section].mean(metric)

    def average_mean(self, metric: Metric) -> float | None:
        """The average's number."""
        return None if self.withheld else self.result.average(metric)

    def section(self, section: Section) -> dict[str, Any]:
        """Accuracy, score and their intervals."""
        column = self.place[section]
        enough = section not in self.withheld and self.result.sections[section].videos > 1
        return {
            **{metric: self.mean(section, metric) for metric in METRICS},
            **{f"{metric}_ci95": _ends(self.replicates[metric][:, column], enough) for metric in METRICS},
        }

    def average(self) -> dict[str, Any]:
        """As :meth:`section` for the mean of the five sections; all null unless all five have a number."""
        means: dict[str, float | None] = {metric: self.average_mean(metric) for metric in METRICS}
        enough = all(section.videos > 1 for section in self.result.sections.values())
        return {
            **means,
            **{
                f"{metric}_ci95": None if means[metric] is None else _ends(self.average_draws(metric), enough)
                for metric in METRICS
            },
        }

    def average_draws(self, metric: Metric) -> FloatArray:
        """(resamples,) the mean over the sections of each draw."""
        return np.asarray(self.replicates[metric].mean(axis=1))


def _ends(replicates: FloatArray, enough_videos: bool) -> list[float] | None:
    interval = percentile_interval(replicates) if enough_videos else None
    return None if interval is None else [interval.low, interval.high]


def _protocol(result: ProtocolResult, draws: _Draws, headline: _Draws) -> dict[str, Any]:
    sections = {}
    for name, section in result.sections.items():
        sections[name] = {
            **draws.section(name),
            "difference_to_strict": {
                metric: _minus(draws.mean(name, metric), headline.mean(name, metric)) for metric in METRICS
            },
            "videos": section.videos,
            "questions": section.questions,
            "dropped_videos": section.dropped_videos,
            "dropped": dict(section.dropped),
            "left_out_questions": dict(section.left_out),
            "would_crash": section.would_crash,
            **({"printed": dict(section.printed)} if section.printed and name not in draws.withheld else {}),
        }
    difference: dict[str, Any] = {}
    for metric in METRICS:
        difference[metric] = _minus(draws.average_mean(metric), headline.average_mean(metric))
        known = difference[metric] is not None
        draw = draws.average_draws(metric) - headline.average_draws(metric)
        difference[f"{metric}_ci95"] = _ends(draw, len(result.videos) > 1) if known else None
    parts = list(result.sections.values())
    return {
        "version": result.version,
        "average": draws.average(),
        "difference_to_strict": difference,
        "videos": sum(part.videos for part in parts),
        "questions": sum(part.questions for part in parts),
        "dropped_videos": sum(part.dropped_videos for part in parts),
        "dropped": _added(part.dropped for part in parts),
        "left_out_questions": _added(part.left_out for part in parts),
        "would_crash": sum(part.would_crash for part in parts),
        **({"printed": dict(result.printed)} if result.printed and not draws.withheld else {}),
        "sections": sections,
    }


def _minus(value: float | None, other: float | None) -> float | None:
    return None if value is None or other is None else value - other


def _added(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    total: dict[str, int] = {}
    for part in counts:
        for reason, count in part.items():
            total[reason] = total.get(reason, 0) + count
    return total


def _status_counts(table: VerdictArrays) -> dict[Section, dict[str, int]]:
    found: dict[Section, dict[str, int]] = {}
    for place, section in enumerate(table.sections):
        numbers = np.bincount(table.status[table.section_rows(place)], minlength=len(STATUSES))
        found[section] = {status: int(number) for status, number in zip(STATUSES, numbers, strict=True)}
    return found


def _score_histogram(table: VerdictArrays) -> dict[str, Any]:
    """Judged questions by score, 0 to 5 rounded to the nearest whole score, halves up, per section."""
    judged = table.has_status("judged")
    whole = np.floor(table.score + 0.5).astype(np.int64)
    counts = {
        section: np.bincount(whole[judged & table.section_rows(place)], minlength=6).tolist()
        for place, section in enumerate(table.sections)
    }
    return {"scores": list(range(6)), "questions": counts}


def _blank_answers(verdicts: pd.DataFrame) -> int:
    """Questions to which the judge's first step said nothing, so that the second had nothing to compare."""
    if "answer" not in verdicts.columns:
        return 0
    replied = verdicts["status"].isin(("judged", "unparsed")) & verdicts["answer"].notna()
    return int((verdicts.loc[replied, "answer"].astype("string").str.strip() == "").sum())


def _suspicious(verdicts: pd.DataFrame) -> dict[str, Any]:
    """Captions with a reason for suspicion: how many, by section, by reason, and the first few by name."""
    empty = {"captions": 0, "by_section": {}, "by_reason": {}, "first": []}
    if "suspicious" not in verdicts.columns:
        return empty
    rows = verdicts.loc[verdicts["suspicious"].fillna("") != "", ["video_id", "section", "suspicious"]]
    captions: dict[tuple[str, str], set[str]] = {}
    for video, section, reasons in zip(rows["video_id"], rows["section"], rows["suspicious"], strict=True):
        captions.setdefault((str(section), str(video)), set()).update(str(reasons).split(","))
    if not captions:
        return empty
    order = {section: place for place, section in enumerate(SECTIONS)}
    found = sorted(captions, key=lambda key: (order[key[0]], key[1]))  # type: ignore[index]  # checked with the table
    every = [reason for reasons in captions.values() for reason in reasons]
    return {
        "captions": len(captions),
        "by_section": {section: sum(key[0] == section for key in captions) for section in SECTIONS},
        "by_reason": {reason: every.count(reason) for reason in sorted(set(every))},
        "first": [
            {"video_id": video, "section": section, "reasons": sorted(captions[section, video])}
            for section, video in found[:SHOWN_SUSPICIOUS]
        ],
    }
