"""The five protocols, side by side: one function each, from the same verdicts.

*Failed* questions are no verdicts: every protocol leaves them out and counts them apart, and a run that has any is
incomplete. Each video weighs the same in a section, whatever its number of questions.

Source: DESIGN section 5; the published rules as in the modules named in :mod:`scoring.protocols.readers`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Literal, cast

import numpy as np

from scoring.protocols.readers import Reading
from scoring.protocols.result import METRICS, Metric, ProtocolResult, SectionResult
from scoring.protocols.table import BoolArray, FloatArray, VerdictArrays
from vdc.errors import InputError, unknown_name

if TYPE_CHECKING:
    import pandas as pd

Scorer = Literal["official", "lmms_eval", "vlmevalkit"]


def strict(table: VerdictArrays) -> ProtocolResult:
    """Every question of every video counts; unparsed, missing and empty are wrong with score 0. The headline."""
    counted = ~table.has_status("failed")
    return _means("strict", table, counted, table.match, table.score, dropped={})


def observed(table: VerdictArrays) -> ProtocolResult:
    """As strict, with unparsed verdicts left out of both means; a video with nothing left is dropped and counted."""
    unparsed = table.has_status("unparsed")
    counted = ~table.has_status("failed") & ~unparsed
    nothing_left = (table.count(counted) == 0) & (table.count(unparsed) > 0)
    return _means(
        "observed",
        table,
        counted,
        table.match,
        table.score,
        dropped={"nothing_left": nothing_left},
        left_out={"unparsed": unparsed},
    )


def official(table: VerdictArrays) -> ProtocolResult:
    """The published script: one unreadable verdict drops the video, and so does a zero accuracy or a zero score.

    Missing captions are not in its input. An empty caption is, and stands here as all answers wrong, so a zero video.
    """
    reading = _read(table, "official")
    missing = table.count(table.has_status("missing")) > 0
    asked = ~table.has_status("failed", "missing")
    unreadable = table.count(asked & reading.fails) > 0
    counted = asked & ~unreadable[table.pair]
    accuracy, score = _video_means(table, counted, reading.match, reading.score)
    zero = (accuracy == 0) | (score == 0)
    return _means(
        "official",
        table,
        counted & ~zero[table.pair],
        reading.match,
        reading.score,
        dropped={"missing_caption": missing, "unreadable_verdict": unreadable, "zero": zero},
    )


def lmms_eval(table: VerdictArrays) -> ProtocolResult:
    """lmms-eval: a verdict without both fields leaves the mean, zero videos stay; over the documents it has.

    Where it would have ended its run (no literal, a score that is no number, no verdict of the video with both
    fields) the video is counted as ``would_crash`` and the means are over the rest. An empty caption stands as all
    answers wrong.
    """
    reading = _read(table, "lmms_eval")
    missing = table.count(table.has_status("missing")) > 0
    asked = ~table.has_status("failed", "missing")
    kept = asked & ~reading.left_out
    crash = (table.count(asked & reading.fails) > 0) | ((table.count(asked) > 0) & (table.count(kept) == 0))
    return _means(
        "lmms_eval",
        table,
        kept & ~crash[table.pair],
        reading.match,
        reading.score,
        dropped={"missing_caption": missing, "would_crash": crash},
        left_out={"without_both_fields": asked & reading.left_out},
        crashed=crash,
    )


def vlmevalkit(table: VerdictArrays) -> ProtocolResult:
    """VLMEvalKit: all questions of a row share a key, so one verdict per row survives; here always the last question's.

    Which one survives there depends on the order in which threads finish. An unreadable verdict leaves both means,
    a negative score only the score's. A text score, a ``pred`` that is no text and an empty caption end its
    aggregation: counted as ``would_crash``, means over the rest. Missing captions are not in its table.
    """
    reading = _read(table, "vlmevalkit")
    last = np.append(table.pair[1:] != table.pair[:-1], True)
    empty = table.count(table.has_status("empty") & last) > 0
    missing = table.count(table.has_status("missing") & last) > 0
    asked = last & ~table.has_status("failed", "missing", "empty")
    crash = (table.count(asked & reading.fails) > 0) | empty
    unreadable = table.count(asked & reading.left_out) > 0
    result = _means(
        "vlmevalkit",
        table,
        asked & ~reading.left_out & ~crash[table.pair],
        reading.match,
        reading.score,
        dropped={"missing_caption": missing, "would_crash": crash, "unreadable_verdict": unreadable},
        left_out={"not_the_last": ~last & ~table.has_status("failed")},
        crashed=crash,
    )
    return _as_printed(result)


@dataclass(frozen=True, slots=True)
class Protocol:
    """One entry of the registry.

    Args:
        rule: The function.
        version: Raised when a number could change.
        summary: One sentence for reports.
    """

    rule: Callable[[VerdictArrays], ProtocolResult]
    version: int
    summary: str


PROTOCOLS: Final[Mapping[str, Protocol]] = {
    "strict": Protocol(strict, 1, "every question of every video counts; unparsed, missing and empty are wrong"),
    "observed": Protocol(observed, 1, "unparsed verdicts are left out of the means"),
    "official": Protocol(official, 1, "the published script: videos with a bad verdict or a zero are dropped"),
    "lmms_eval": Protocol(lmms_eval, 1, "lmms-eval: verdicts without both fields are left out, bad ones end the run"),
    "vlmevalkit": Protocol(vlmevalkit, 1, "VLMEvalKit: one verdict per video and section survives"),
}


def apply_protocols(
    verdicts: pd.DataFrame | VerdictArrays, names: Iterable[str] = tuple(PROTOCOLS)
) -> dict[str, ProtocolResult]:
    """Name -> result of each named protocol over one verdict table.

    Raises:
        InputError: A name is no protocol, or the table is no verdict table.
    """
    chosen = list(names)
    unknown = [unknown_name("protocol", name, PROTOCOLS) for name in chosen if name not in PROTOCOLS]
    if unknown:
        raise InputError(unknown)
    table = verdicts if isinstance(verdicts, VerdictArrays) else VerdictArrays.from_frame(verdicts)
    return {name: PROTOCOLS[name].rule(table) for name in chosen}


@dataclass(frozen=True, slots=True)
class _RowReadings:
    fails: BoolArray
    left_out: BoolArray
    match: BoolArray
    score: FloatArray


def _read(table: VerdictArrays, scorer: Scorer) -> _RowReadings:
    """(rows,) arrays of what a published scorer reads in each row.

    A row without a text stands for itself: a judged one (from a judge that writes none) for its own match and score,
    an empty caption for a no, an unparsed one for an unreadable text.
    """
    readings = [cast("Reading", getattr(reading, scorer)) for reading in table.readings]
    # One more entry, at -1, so that rows without a text index something; it is overwritten below.
    outcomes = np.array([reading.outcome for reading in readings] + ["counted"])
    matches = np.array([reading.match for reading in readings] + [False])
    scores = np.array([reading.score for reading in readings] + [0.0])
    silent = table.text < 0
    silent_unparsed = silent & table.has_status("unparsed")
    unreadable_leaves = scorer == "vlmevalkit"
    outcome = outcomes[table.text]
    return _RowReadings(
        fails=(outcome == "fails") | (silent_unparsed & (not unreadable_leaves)),
        left_out=(outcome == "left_out") | (silent_unparsed & unreadable_leaves),
        match=np.where(silent, table.match, matches[table.text]),
        score=np.where(silent, table.score, scores[table.text]),
    )


def _video_means(
    table: VerdictArrays, counted: BoolArray, match: BoolArray, score: FloatArray
) -> tuple[FloatArray, FloatArray]:
    pair = table.pair[counted]
    questions = np.bincount(pair, minlength=table.pairs)
    scored = ~np.isnan(score[counted])
    scored_questions = np.bincount(pair[scored], minlength=table.pairs)
    matches = np.bincount(pair, weights=match[counted], minlength=table.pairs)
    scores = np.bincount(pair[scored], weights=score[counted][scored], minlength=table.pairs)
    with np.errstate(invalid="ignore"):
        return matches / questions, scores / scored_questions


def _means(
    protocol: str,
    table: VerdictArrays,
    counted: BoolArray,
    match: BoolArray,
    score: FloatArray,
    *,
    dropped: Mapping[str, BoolArray],
    left_out: Mapping[str, BoolArray] | None = None,
    crashed: BoolArray | None = None,
) -> ProtocolResult:
    """Per-video means over the counted rows, and the reasons of whatever is not counted.

    Args:
        protocol: Name in the registry.
        table: The verdicts.
        counted: (rows,) rows that enter the means.
        match: (rows,) as the protocol reads it.
        score: (rows,) as the protocol reads it; NaN where only the match counts.
        dropped: Reason -> (pairs,); the first reason that fits a pair is the one counted.
        left_out: Reason -> (rows,).
        crashed: (pairs,) pairs over which the published code would have ended.
    """
    accuracy, mean_score = _video_means(table, counted, match, score)
    # A score such as 1e999 makes the published mean infinite: no number can be reported, so the video is counted here.
    not_finite = (table.count(counted & ~np.isnan(score)) > 0) & ~np.isfinite(mean_score)
    accuracy[not_finite] = mean_score[not_finite] = np.nan
    gone = (table.count(np.ones_like(counted)) > 0) & np.isnan(accuracy)
    reasons = {**dropped, "not_finite": not_finite, "failed_calls": gone}
    in_kept = ~np.isnan(accuracy)[table.pair]
    sections = {}
    for place, section in enumerate(table.sections):
        span = slice(place * len(table.videos), (place + 1) * len(table.videos))
        rows = table.section_rows(place)
        unexplained = gone[span].copy()
        explained: dict[str, int] = {}
        for reason, pairs in reasons.items():
            hit = unexplained & pairs[span]
            unexplained &= ~hit
            if hit.any():
                explained[reason] = int(np.count_nonzero(hit))
        without = {name: int(np.count_nonzero(mask & rows & in_kept)) for name, mask in (left_out or {}).items()}
        sections[section] = SectionResult(
            accuracy=accuracy[span],
            score=mean_score[span],
            questions=int(np.count_nonzero(counted & rows & in_kept)),
            dropped=explained,
            left_out={reason: count for reason, count in without.items() if count},
            would_crash=int(np.count_nonzero(crashed[span])) if crashed is not None else 0,
        )
    return ProtocolResult(protocol, PROTOCOLS[protocol].version, table.videos, sections)


def _as_printed(result: ProtocolResult) -> ProtocolResult:
    """Add the numbers as VLMEvalKit prints them: two decimals per section, and one pooled over all rows."""

    def two_decimals(values: FloatArray, metric: Metric) -> str:
        known = values[~np.isnan(values)]
        of_nothing = "0.00" if metric == "accuracy" else "nan"
        return f"{known.mean():.2f}" if known.size else of_nothing

    sections = {
        name: replace(section, printed={metric: two_decimals(section.values(metric), metric) for metric in METRICS})
        for name, section in result.sections.items()
    }
    pooled: dict[str, str] = {metric: two_decimals(result.matrix(metric).ravel(), metric) for metric in METRICS}
    return replace(result, sections=sections, printed=pooled)
