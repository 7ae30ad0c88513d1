"""Paired comparison of two runs over the same questions: how much better, how sure, and what else differs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from scoring.protocols.result import METRICS, Metric, ProtocolResult
from scoring.protocols.rules import PROTOCOLS, apply_protocols
from scoring.report.folder import Run, read_run
from scoring.statistics.bootstrap import DEFAULT_RESAMPLES, Interval
from scoring.statistics.paired import DEFAULT_PERMUTATIONS, holm, paired_test
from vdc.errors import InputError, Problem, unknown_name
from vdc.sections import SECTIONS, Section

if TYPE_CHECKING:
    import pandas as pd

SCHEMA_VERSION: Final = 1
AVERAGE: Final = "average"


@dataclass(frozen=True, slots=True)
class Comparison:
    """One metric of one section, or of the average, in two runs.

    Args:
        section: A section, or ``average`` of the five.
        metric: ``accuracy`` (fraction) or ``score`` (0 to 5).
        first: First run's mean over the videos that both runs count; None without one.
        second: Second run's.
        difference: Second minus first.
        interval: 95 % interval of the difference; None with fewer than two videos.
        p_value: Paired sign-flip test, two-sided, not corrected.
        p_holm: Corrected over all sections and the average of this metric.
        videos: Videos that both runs count.
    """

    section: str
    metric: Metric
    first: float | None
    second: float | None
    difference: float | None
    interval: Interval | None
    p_value: float | None
    p_holm: float | None
    videos: int


@dataclass(frozen=True)
class RunComparison:
    """Two runs side by side; differences are second minus first.

    Args:
        first: The first run and what judged it: ``folder``, ``run_id``, ``predictions``, ``judge``, ``model``,
            ``prompts``.
        second: The same of the second run.
        protocol: The rule both were aggregated by.
        rows: Accuracy then score; in each the common sections, then the average where all five are common.
        warnings: Why the numbers may not be comparable.
        seed: Of the draws.
        resamples: Bootstrap draws.
        permutations: Sign-flip draws.
    """

    first: Mapping[str, Any]
    second: Mapping[str, Any]
    protocol: str
    rows: tuple[Comparison, ...]
    warnings: tuple[str, ...]
    seed: int
    resamples: int
    permutations: int

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values; accuracies are fractions."""
        return {
            "schema_version": SCHEMA_VERSION,
            "runs": [dict(self.first), dict(self.second)],
            "protocol": self.protocol,
            "rows": [
                {
                    "section": row.section,
                    "metric": row.metric,
                    "first": row.first,
                    "second": row.second,
                    "difference": row.difference,
                    "difference_ci95": [row.interval.low, row.interval.high] if row.interval else None,
                    "p_value": row.p_value,
                    "p_holm": row.p_holm,
                    "videos": row.videos,
                }
                for row in self.rows
            ],
            "warnings": list(self.warnings),
            "seed": self.seed,
            "resamples": self.resamples,
            "permutations": self.permutations,
        }


def compare_runs(
    run_a: str | Path | Run,
    run_b: str | Path | Run,
    *,
    protocol: str = "strict",
    seed: int = 0,
    resamples: int = DEFAULT_RESAMPLES,
    permutations: int = DEFAULT_PERMUTATIONS,
) -> RunComparison:
    """Compare two runs video by video.

    Args:
        run_a: First run: its folder, or the run as read.
        run_b: Second run; differences are second minus first.
        protocol: How verdicts become numbers, see ``scoring.protocols.rules``.
        seed: Of the draws; the same seed gives the same result.
        resamples: Bootstrap draws for the intervals.
        permutations: Sign-flip draws for the p-values.

    Raises:
        InputError: A folder is no run, the runs have no section in common, or their questions are not the same.
    """
    if protocol not in PROTOCOLS:
        raise InputError(unknown_name("protocol", protocol, PROTOCOLS))
    runs = [run if isinstance(run, Run) else read_run(run) for run in (run_a, run_b)]
    sections = _common_sections(*runs)
    tables = [run.verdicts[run.verdicts["section"].isin(sections)] for run in runs]
    _check_same_questions(tables[0], tables[1], runs)
    first, second = (apply_protocols(table, [protocol])[protocol] for table in tables)
    rng = np.random.default_rng(seed)
    rows = [row for metric in METRICS for row in _compare(first, second, metric, rng, resamples, permutations)]
    warnings = (*_warnings(runs, sections), *_failed(tables))
    described = [_describe(run) for run in runs]
    return RunComparison(described[0], described[1], protocol, tuple(rows), warnings, seed, resamples, permutations)


def _common_sections(first: Run, second: Run) -> tuple[Section, ...]:
    have = [set(run.verdicts["section"].unique()) for run in (first, second)]
    common = tuple(section for section in SECTIONS if section in have[0] & have[1])
    if not common:
        shown = " and ".join(", ".join(section for section in SECTIONS if section in names) for names in have)
        raise InputError(
            Problem(f"runs of different sections ({shown})", "a common section", "score both runs on one section")
        )
    return common


def _check_same_questions(first: pd.DataFrame, second: pd.DataFrame, runs: list[Run]) -> None:
    """Refuse runs over different questions: their difference would measure the questions, not the captions."""
    key, text = ["section", "video_id", "question_index"], ["question", "gold"]
    one = first.set_index(key)[text].astype(object)
    other = second.set_index(key)[text].astype(object)
    do_next = "score both predictions against the same benchmark revision, with the same --limit"
    where = f"{runs[0].folder} and {runs[1].folder}"
    problems = []
    for only, name in ((one.index.difference(other.index), "first"), (other.index.difference(one.index), "second")):
        if len(only):
            found = f"{len(only):,} questions only in the {name} run (first: {'/'.join(map(str, only[0]))})"
            problems.append(Problem(found, "the same questions in both runs", do_next, where))
    shared = one.index.intersection(other.index)
    changed = (one.loc[shared] != other.loc[shared]).any(axis=1)
    if changed.any():
        place = "/".join(map(str, shared[int(np.flatnonzero(changed)[0])]))
        found = f"{int(changed.sum()):,} questions whose text or gold differs (first: {place})"
        problems.append(Problem(found, "the same questions in both runs", do_next, where))
    if problems:
        raise InputError(problems, "the runs were not scored on the same questions")


def _compare(
    first: ProtocolResult,
    second: ProtocolResult,
    metric: Metric,
    rng: np.random.Generator,
    resamples: int,
    permutations: int,
) -> list[Comparison]:
    one, other = first.matrix(metric), second.matrix(metric)
    both = ~(np.isnan(one) | np.isnan(other))
    tested = paired_test(one, other, rng, resamples=resamples, permutations=permutations)
    names: list[str] = list(first.sections)
    means = [_column_means(values, both) for values in (one, other)]
    if len(names) == len(SECTIONS):
        names.append(AVERAGE)
        means = [[*values, _mean(values)] for values in means]
    corrected = holm([result.p_value for result in tested[: len(names)]])
    return [
        Comparison(
            section=name,
            metric=metric,
            first=means[0][column],
            second=means[1][column],
            difference=tested[column].difference,
            interval=tested[column].interval,
            p_value=tested[column].p_value,
            p_holm=corrected[column],
            videos=tested[column].videos,
        )
        for column, name in enumerate(names)
    ]


def _column_means(values: np.ndarray, both: np.ndarray) -> list[float | None]:
    columns = [values[both[:, column], column] for column in range(values.shape[1])]
    return [float(column.mean()) if column.size else None for column in columns]


def _mean(values: list[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if len(known) == len(values) else None


def _warnings(runs: list[Run], sections: tuple[Section, ...]) -> list[str]:
    """What differs between the runs besides their captions."""
    found = []
    for part, keys in (
        ("judge", ("kind", "model", "revision", "sampling")),
        ("prompts", ("sha256",)),
    ):
        for key in keys:
            values = [getattr(run.facts, part).get(key) for run in runs]
            if values[0] != values[1]:
                shown = " and ".join(repr(value) for value in values)
                found.append(f"different {part} {key} ({shown}): the difference is not the captions' alone")
    files = [run.facts.benchmark.get("files") for run in runs]
    if files[0] != files[1]:
        found.append("the benchmark files differ, though every compared question is the same")
    versions = [run.record.get("protocols") for run in runs]
    if versions[0] != versions[1]:
        found.append("the runs were reported under different protocol versions; both are aggregated by today's here")
    found += [
        f"the {name} run's numbers are not comparable with LLM-judged numbers"
        for name, run in zip(("first", "second"), runs, strict=True)
        if not run.facts.judge.get("comparable", False)
    ]
    if len(sections) < len(SECTIONS):
        found.append(f"only the common sections are compared ({', '.join(sections)}); no average")
    return found


def _failed(tables: list[pd.DataFrame]) -> list[str]:
    counts = [int((table["status"] == "failed").sum()) for table in tables]
    return [
        f"the {name} run is incomplete: {count:,} failed questions are left out"
        for name, count in zip(("first", "second"), counts, strict=True)
        if count
    ]


def _describe(run: Run) -> dict[str, Any]:
    predictions = run.facts.predictions
    return {
        "folder": str(run.folder),
        "run_id": run.facts.run_id,
        "predictions": predictions.get("name") or predictions.get("path"),
        "judge": run.facts.judge.get("kind"),
        "model": run.facts.judge.get("model"),
        "prompts": run.facts.prompts.get("name"),
    }
