"""Agreement: rank correlations between two lists of numbers, Cohen's kappa between two judges."""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import stats

from scoring.statistics.bootstrap import (
    DEFAULT_LEVEL,
    DEFAULT_RESAMPLES,
    FloatArray,
    Interval,
    percentile_interval,
    resample_weights,
)

CorrelationKind = Literal["spearman", "kendall", "pearson"]


@dataclass(frozen=True, slots=True)
class Correlation:
    """A correlation coefficient.

    Args:
        kind: Which one.
        value: -1 to 1; None when a list is constant or shorter than two.
        interval: None where too few pairs (or a perfect correlation) give no variance.
        pairs: Pairs used; a pair with a NaN is left out.
    """

    kind: CorrelationKind
    value: float | None
    interval: Interval | None
    pairs: int


@dataclass(frozen=True, slots=True)
class Kappa:
    """Agreement of two judges beyond chance.

    Args:
        value: Cohen's kappa, unweighted; None where chance alone would agree always or nothing was judged.
        interval: Cluster bootstrap; None with fewer than two clusters or without a value.
        agreement: Share of equal labels; None when nothing was judged.
        questions: Labels compared.
    """

    value: float | None
    interval: Interval | None
    agreement: float | None
    questions: int


def correlate(
    first: Sequence[float] | FloatArray,
    second: Sequence[float] | FloatArray,
    kind: CorrelationKind,
    level: float = DEFAULT_LEVEL,
) -> Correlation:
    """Correlation of two equally long lists, with an interval on Fisher's z scale.

    Source: variances of z: Pearson 1 / (n - 3) (Fisher 1921); Spearman (1 + r^2 / 2) / (n - 3) (Bonett and Wright
    2000); Kendall's tau-b 0.437 / (n - 4) (Fieller, Hartley and Pearson 1957).
    """
    one, other = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if one.shape != other.shape or one.ndim != 1:
        raise ValueError(f"two lists of the same length are needed, not {one.shape} and {other.shape}")
    known = ~(np.isnan(one) | np.isnan(other))
    one, other = one[known], other[known]
    pairs = len(one)
    if pairs < 2 or np.ptp(one) == 0 or np.ptp(other) == 0:
        return Correlation(kind, None, None, pairs)
    value = _coefficient(kind, one, other)
    variance = _z_variance(kind, value, pairs)
    if variance is None or abs(value) >= 1 - 1e-12:
        return Correlation(kind, value, None, pairs)
    half = float(stats.norm.ppf((1 + level) / 2)) * math.sqrt(variance)
    centre = math.atanh(value)
    return Correlation(kind, value, Interval(math.tanh(centre - half), math.tanh(centre + half)), pairs)


def _coefficient(kind: CorrelationKind, one: FloatArray, other: FloatArray) -> float:
    if kind == "spearman":
        return float(stats.spearmanr(one, other).statistic)
    if kind == "kendall":
        return float(stats.kendalltau(one, other).statistic)
    return float(stats.pearsonr(one, other).statistic)


def _z_variance(kind: CorrelationKind, value: float, pairs: int) -> float | None:
    freedom = pairs - (4 if kind == "kendall" else 3)
    if freedom < 1:
        return None
    return {"pearson": 1.0, "spearman": 1 + value**2 / 2, "kendall": 0.437}[kind] / freedom


def cohen_kappa(
    first: Sequence[Hashable],
    second: Sequence[Hashable],
    rng: np.random.Generator,
    *,
    clusters: Sequence[Hashable] | None = None,
    resamples: int = DEFAULT_RESAMPLES,
    level: float = DEFAULT_LEVEL,
) -> Kappa:
    """Cohen's kappa between two judges' labels of the same questions.

    Args:
        first: One label per question, from any closed set (for example match yes / no / unparsed).
        second: The other judge's labels, in the same order.
        rng: Source of the draws.
        clusters: What each question belongs to, normally its video; without it every question is its own cluster.
        resamples: Number of draws.
        level: Coverage of the interval.

    Source: Cohen, A coefficient of agreement for nominal scales, 1960.
    """
    if len(first) != len(second) or (clusters is not None and len(clusters) != len(first)):
        raise ValueError("labels and clusters must have one entry per question")
    if not first:
        return Kappa(None, None, None, 0)
    labels = {label: place for place, label in enumerate(dict.fromkeys([*first, *second]))}
    groups = {group: place for place, group in enumerate(dict.fromkeys(clusters or range(len(first))))}
    tables = np.zeros((len(groups), len(labels), len(labels)))
    place_of = [groups[group] for group in (clusters or range(len(first)))]
    np.add.at(tables, (place_of, [labels[label] for label in first], [labels[label] for label in second]), 1)
    total = tables.sum(axis=0)
    value = float(_kappas(total[None])[0])
    interval = None
    if not math.isnan(value) and len(groups) > 1:
        weights = resample_weights(len(groups), resamples, rng)
        drawn = (weights @ tables.reshape(len(groups), -1)).reshape(resamples, len(labels), len(labels))
        interval = percentile_interval(_kappas(drawn), level)
    agreement = float(np.trace(total) / total.sum())
    return Kappa(None if math.isnan(value) else value, interval, agreement, len(first))


def _kappas(tables: FloatArray) -> FloatArray:
    """(n,) kappas of (n, labels, labels) tables of counts."""
    shares = tables / tables.sum(axis=(1, 2), keepdims=True)
    agreed = np.trace(shares, axis1=1, axis2=2)
    chance = (shares.sum(axis=2) * shares.sum(axis=1)).sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(chance < 1 - 1e-12, (agreed - chance) / (1 - chance), np.nan))
