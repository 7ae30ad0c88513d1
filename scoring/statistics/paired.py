"""Paired comparison of two runs over the same videos: bootstrap interval, sign-flip test, Holm's correction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from scoring.statistics.bootstrap import (
    DEFAULT_LEVEL,
    DEFAULT_RESAMPLES,
    FloatArray,
    Interval,
    percentile_interval,
    resample_weights,
    weighted_means,
)

DEFAULT_PERMUTATIONS: Final = 10_000

_PERMUTATIONS_AT_ONCE: Final = 1_000
"""Bounds the memory of one block of signs: 8 MB at the size of the published benchmark."""


@dataclass(frozen=True, slots=True)
class PairedResult:
    """Second run minus first.

    Args:
        difference: Mean of the per-video differences; None without a video that both runs count.
        interval: Of the difference; None with fewer than two such videos.
        p_value: Two-sided, of the hypothesis that the runs could be swapped video by video; None likewise.
        videos: Videos counted in both runs.
    """

    difference: float | None
    interval: Interval | None
    p_value: float | None
    videos: int


def paired_test(
    first: FloatArray,
    second: FloatArray,
    rng: np.random.Generator,
    *,
    resamples: int = DEFAULT_RESAMPLES,
    permutations: int = DEFAULT_PERMUTATIONS,
    level: float = DEFAULT_LEVEL,
) -> list[PairedResult]:
    """Compare two runs column by column, and on the mean of the columns.

    A video keeps its draw and its sign in all columns, because its five captions describe one video and are not
    independent.

    Args:
        first: (videos, columns) per-video values, NaN = not counted.
        second: (videos, columns) of the same videos.
        rng: Source of draws and signs.
        resamples: Bootstrap draws.
        permutations: Sign-flip draws; the smallest possible p-value is 1 / (permutations + 1).
        level: Coverage of the intervals.

    Returns:
        One result per column, then the result for the mean of the columns. Videos that one run does not count are left
        out of that column.
    """
    if first.shape != second.shape or first.ndim != 2:
        raise ValueError(f"two tables of the same videos and columns are needed, not {first.shape} and {second.shape}")
    differences = second - first
    counted = ~np.isnan(differences)
    videos = counted.sum(axis=0)
    replicates = _with_mean(weighted_means(differences, resample_weights(len(differences), resamples, rng)))
    observed = _with_mean(weighted_means(differences, np.ones((1, len(differences)))))[0]
    extreme = _count_as_extreme(np.where(counted, differences, 0.0), videos, observed, permutations, rng)
    results = []
    for column, difference in enumerate(observed):
        shared = int(videos[column]) if column < len(videos) else int(counted.any(axis=1).sum())
        fewest = shared if column < len(videos) else int(videos.min())
        results.append(
            PairedResult(
                difference=None if np.isnan(difference) else float(difference),
                interval=percentile_interval(replicates[:, column], level) if fewest > 1 else None,
                p_value=float((extreme[column] + 1) / (permutations + 1)) if fewest > 1 else None,
                videos=shared,
            )
        )
    return results


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Holm's step-down correction; a missing p-value stays missing and is no part of the family.

    Source: Holm, A simple sequentially rejective multiple test procedure, 1979.
    """
    known = sorted((p, place) for place, p in enumerate(p_values) if p is not None)
    adjusted: list[float | None] = [None] * len(p_values)
    largest = 0.0
    for rank, (p, place) in enumerate(known):
        largest = max(largest, min(1.0, p * (len(known) - rank)))
        adjusted[place] = largest
    return adjusted


def _with_mean(columns: FloatArray) -> FloatArray:
    return np.column_stack([columns, columns.mean(axis=1)])


def _count_as_extreme(
    differences: FloatArray, videos: np.ndarray, observed: FloatArray, permutations: int, rng: np.random.Generator
) -> np.ndarray:
    """(columns + 1,) sign flips whose mean difference is at least as far from zero as the observed one."""
    extreme = np.zeros(len(observed), dtype=np.int64)
    # Equal values differ in their last bit after another order of summation; they must count as equal.
    limit = np.abs(observed) - 1e-12
    for start in range(0, permutations, _PERMUTATIONS_AT_ONCE):
        size = min(_PERMUTATIONS_AT_ONCE, permutations - start)
        signs = rng.integers(0, 2, size=(size, len(differences))) * 2.0 - 1.0
        with np.errstate(invalid="ignore", divide="ignore"):
            flipped = _with_mean((signs @ differences) / videos)
        extreme += (np.abs(flipped) >= limit).sum(axis=0)
    return extreme
