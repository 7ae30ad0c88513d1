"""How sure a board's order is: rank intervals, and the share of pairs of runs that can be told apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy.stats import rankdata

from scoring.statistics.bootstrap import (
    DEFAULT_LEVEL,
    DEFAULT_RESAMPLES,
    FloatArray,
    percentile_interval,
    resample_weights,
    weighted_means,
)


@dataclass(frozen=True, slots=True)
class RankedRun:
    """One row of a board.

    Args:
        name: The run.
        value: Its mean; None without a counted video.
        rank: 1 is best; equal values share the smaller rank. None without a value.
        low, high: Interval of the rank over the draws, ``low`` is the better end.
    """

    name: str
    value: float | None
    rank: int | None
    low: int | None
    high: int | None


@dataclass(frozen=True, slots=True)
class Ranking:
    """A board with its certainty.

    Args:
        runs: Best first; runs without a value last.
        separability: Share of pairs of runs whose difference's interval leaves out zero; None with fewer than two runs.
    """

    runs: tuple[RankedRun, ...]
    separability: float | None


def rank_runs(
    runs: Mapping[str, FloatArray],
    rng: np.random.Generator,
    *,
    resamples: int = DEFAULT_RESAMPLES,
    level: float = DEFAULT_LEVEL,
) -> Ranking:
    """Rank runs over the same videos; every run sees the same draw, so their differences are paired.

    Args:
        runs: Name -> (videos, sections) per-video values, NaN = not counted; a run's value is the mean of its section
            means. All of the same shape and video order.
        rng: Source of the draws.
        resamples: Number of draws.
        level: Coverage of the intervals.
    """
    if not runs:
        return Ranking((), None)
    shapes = {values.shape for values in runs.values()}
    if len(shapes) != 1 or len(next(iter(shapes))) != 2:
        raise ValueError(f"runs over the same videos and sections are needed, not {sorted(shapes)}")
    names = list(runs)
    videos = next(iter(shapes))[0]
    weights = resample_weights(videos, resamples, rng)
    once = np.ones((1, videos))
    values = np.array([weighted_means(runs[name], once).mean() for name in names])
    ranked = [place for place in range(len(names)) if not np.isnan(values[place])]
    unranked = [RankedRun(name, None, None, None, None) for name in names if np.isnan(values[names.index(name)])]
    if not ranked:
        return Ranking(tuple(unranked), None)
    replicates = np.column_stack([weighted_means(runs[names[place]], weights).mean(axis=1) for place in ranked])
    ranks = rankdata(-values[ranked], method="min")
    drawn_ranks = rankdata(-replicates[~np.isnan(replicates).any(axis=1)], method="min", axis=1)
    rows = []
    for column, place in enumerate(ranked):
        # Whole ranks at both ends, outwards: an interval of ranks must hold at least the level asked for.
        ends = drawn_ranks[:, column]
        low = int(np.quantile(ends, (1 - level) / 2, method="lower")) if ends.size else None
        high = int(np.quantile(ends, (1 + level) / 2, method="higher")) if ends.size else None
        rows.append(RankedRun(names[place], float(values[place]), int(ranks[column]), low, high))
    rows.sort(key=lambda row: (row.rank or 0, row.name))
    return Ranking((*rows, *unranked), separability(replicates, level))


def separability(replicates: FloatArray, level: float = DEFAULT_LEVEL) -> float | None:
    """Share of pairs of columns whose paired difference's interval leaves out zero; None with fewer than two columns.

    Args:
        replicates: (resamples, runs) means of each run under the same draws.
        level: Coverage of the intervals.

    Source: arena-hard, the measure of the same name, with paired instead of separate intervals.
    """
    pairs = list(combinations(range(replicates.shape[1]), 2))
    if not pairs:
        return None
    intervals = [percentile_interval(replicates[:, one] - replicates[:, other], level) for one, other in pairs]
    apart = [interval for interval in intervals if interval and (interval.low > 0 or interval.high < 0)]
    return len(apart) / len(pairs)
