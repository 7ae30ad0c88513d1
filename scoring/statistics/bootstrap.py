"""Cluster bootstrap over videos: the questions of a video share its caption, so the video is what is drawn again.

One matrix of weights serves all sections and protocols: the same videos are drawn everywhere, so that the interval of
an average, or of a difference, knows that its parts move together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

DEFAULT_RESAMPLES: Final = 2_000
DEFAULT_LEVEL: Final = 0.95


@dataclass(frozen=True, slots=True)
class Interval:
    """A confidence interval, ends included."""

    low: float
    high: float


def resample_weights(videos: int, resamples: int, rng: np.random.Generator) -> FloatArray:
    """(resamples, videos) how often each video is drawn; every row sums to ``videos``."""
    if videos < 1 or resamples < 1:
        raise ValueError(f"videos and resamples must be positive, not {videos} and {resamples}")
    drawn = rng.integers(0, videos, size=(resamples, videos))
    drawn += np.arange(resamples)[:, None] * videos
    return np.bincount(drawn.ravel(), minlength=resamples * videos).reshape(resamples, videos).astype(np.float64)


def weighted_means(values: FloatArray, weights: FloatArray) -> FloatArray:
    """Means of each column under each row of weights.

    Args:
        values: (videos, columns), NaN = the video is not counted in that column.
        weights: (resamples, videos).

    Returns:
        (resamples, columns); NaN where no counted video has weight.
    """
    counted = ~np.isnan(values)
    total = weights @ np.where(counted, values, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        means = total / (weights @ counted.astype(np.float64))
    return np.asarray(means)


def percentile_interval(replicates: FloatArray, level: float = DEFAULT_LEVEL) -> Interval | None:
    """The middle ``level`` of bootstrap replicates; None where there are none or all are NaN.

    Replicates that are NaN (no counted video was drawn) are left out.
    """
    known = replicates[~np.isnan(replicates)]
    if not known.size:
        return None
    low, high = np.quantile(known, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high))


def mean_interval(
    values: FloatArray,
    rng: np.random.Generator,
    resamples: int = DEFAULT_RESAMPLES,
    level: float = DEFAULT_LEVEL,
) -> Interval | None:
    """Interval of the mean of per-video values; None with fewer than two counted videos.

    Args:
        values: (videos,), NaN = not counted.
        rng: Source of the draws.
        resamples: Number of draws.
        level: Coverage aimed at.
    """
    counted = values[~np.isnan(values)]
    if counted.size < 2:
        return None
    weights = resample_weights(counted.size, resamples, rng)
    return percentile_interval(weighted_means(counted[:, None], weights)[:, 0], level)
