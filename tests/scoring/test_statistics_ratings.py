"""Ratings, correlations and agreement: published or hand-worked values, and recovery of known parameters."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from scoring.statistics.agreement import Correlation, CorrelationKind, cohen_kappa, correlate
from scoring.statistics.bradley_terry import SCALE, Vote, fit_bradley_terry
from vdc.errors import InputError


def generator(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_three_wins_against_one_are_odds_of_three() -> None:
    votes = [Vote("a", "b", "first")] * 2 + [Vote("b", "a", "second"), Vote("a", "b", "second")]
    best, other = fit_bradley_terry(votes, generator(), resamples=20)
    assert (best.name, best.votes) == ("a", 4)
    assert best.rating - other.rating == pytest.approx(400 * math.log10(3), abs=0.05)
    assert best.rating + other.rating == pytest.approx(2_000)


def test_a_tie_is_half_a_win_for_each() -> None:
    votes = [Vote("a", "b", "tie"), Vote("a", "b", "first")]
    best, other = fit_bradley_terry(votes, generator(), resamples=0)
    assert best.rating - other.rating == pytest.approx(400 * math.log10(3), abs=0.05)
    assert best.interval is None


def test_ratings_come_back_from_simulated_votes() -> None:
    strength = {"a": 1.0, "b": 0.3, "c": -0.2, "d": -1.1}
    rng = generator(4)
    votes = []
    for _ in range(3_000):
        one, other = rng.choice(list(strength), size=2, replace=False)
        wins = rng.random() < 1 / (1 + math.exp(strength[other] - strength[one]))
        votes.append(Vote(str(one), str(other), "first" if wins else "second"))
    found = fit_bradley_terry(votes, rng, resamples=30)
    assert [row.name for row in found] == ["a", "b", "c", "d"]
    for row in found:
        assert row.rating == pytest.approx(1_000 + SCALE * strength[row.name], abs=25)
        assert row.interval is not None
        assert row.interval.low < row.rating < row.interval.high


def test_a_model_that_won_every_vote_has_a_finite_rating() -> None:
    found = fit_bradley_terry([Vote("a", "b", "first")] * 5, generator(), resamples=5)
    assert found[0].name == "a"
    assert all(math.isfinite(row.rating) for row in found)


def test_no_votes_no_ratings() -> None:
    assert fit_bradley_terry([], generator()) == []


@pytest.mark.parametrize(
    ("votes", "message"),
    [
        pytest.param([Vote("a", "b", "first"), Vote("c", "d", "tie")], "2 groups of models", id="two groups"),
        pytest.param([Vote("a", "a", "first")], "between a model and itself", id="itself"),
    ],
)
def test_votes_that_give_no_scale_are_refused(votes: list[Vote], message: str) -> None:
    with pytest.raises(InputError, match=message):
        fit_bradley_terry(votes, generator())


# [2, 1, 4, 3, 5] against [1..5]: sum of squared rank differences 4, two discordant pairs of ten.
@pytest.mark.parametrize(
    ("kind", "value"),
    [("spearman", 1 - 6 * 4 / (5 * 24)), ("kendall", (8 - 2) / 10), ("pearson", 0.8)],
)
def test_correlations_by_hand(kind: CorrelationKind, value: float) -> None:
    found = correlate([1.0, 2, 3, 4, 5], [2.0, 1, 4, 3, 5], kind)
    assert found.value == pytest.approx(value)
    assert found.pairs == 5


# atanh(0.8) = 1.098612, atanh(0.6) = 0.693147; the variances of z are 1/2, (1 + 0.64/2)/2 and 0.437/1 for 5 pairs.
@pytest.mark.parametrize(
    ("kind", "centre", "variance"),
    [("pearson", 1.098612, 0.5), ("spearman", 1.098612, 0.66), ("kendall", 0.693147, 0.437)],
)
def test_correlation_intervals_by_hand(kind: CorrelationKind, centre: float, variance: float) -> None:
    found = correlate([1.0, 2, 3, 4, 5], [2.0, 1, 4, 3, 5], kind)
    half = 1.959964 * math.sqrt(variance)
    assert found.interval is not None
    assert found.interval.low == pytest.approx(math.tanh(centre - half), abs=1e-5)
    assert found.interval.high == pytest.approx(math.tanh(centre + half), abs=1e-5)


@pytest.mark.parametrize("kind", ["spearman", "kendall", "pearson"])
def test_correlation_intervals_cover_the_truth(kind: CorrelationKind) -> None:
    """Normal pairs with rho 0.5: Spearman's is 6/pi asin(rho/2), Kendall's 2/pi asin(rho)."""
    rho = 0.5
    truth = {"pearson": rho, "spearman": 6 / math.pi * math.asin(rho / 2), "kendall": 2 / math.pi * math.asin(rho)}
    rng = generator(11)
    covered = 0
    for _ in range(200):
        one = rng.normal(size=40)
        found = correlate(one, rho * one + math.sqrt(1 - rho**2) * rng.normal(size=40), kind).interval
        covered += found is not None and found.low <= truth[kind] <= found.high
    assert 0.89 <= covered / 200 <= 0.99


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        pytest.param([1.0, 1.0, 1.0], [1.0, 2.0, 3.0], Correlation("pearson", None, None, 3), id="constant"),
        pytest.param([1.0], [2.0], Correlation("pearson", None, None, 1), id="one pair"),
        pytest.param([1.0, math.nan], [2.0, 3.0], Correlation("pearson", None, None, 1), id="a missing value"),
        pytest.param([1.0, 2, 3, 4], [2.0, 4, 6, 8], Correlation("pearson", pytest.approx(1.0), None, 4), id="perfect"),
    ],
)
def test_correlations_at_the_edges(first: list[float], second: list[float], expected: Correlation) -> None:
    assert correlate(first, second, "pearson") == expected


def test_lists_of_different_length_cannot_be_correlated() -> None:
    with pytest.raises(ValueError, match="same length"):
        correlate([1.0, 2.0], [1.0], "kendall")


def test_kappa_by_hand() -> None:
    """20 yes-yes, 5 yes-no, 10 no-yes, 15 no-no: agreement 0.7, by chance 0.5, kappa 0.4."""
    first = ["yes"] * 25 + ["no"] * 25
    second = ["yes"] * 20 + ["no"] * 5 + ["yes"] * 10 + ["no"] * 15
    found = cohen_kappa(first, second, generator(), resamples=500)
    assert (found.value, found.agreement, found.questions) == (pytest.approx(0.4), pytest.approx(0.7), 50)
    assert found.interval is not None
    assert found.interval.low < 0.4 < found.interval.high


def test_kappa_of_three_labels_equals_the_library() -> None:
    rng = generator(2)
    first, second = (rng.choice(["yes", "no", "unparsed"], size=200) for _ in range(2))
    found = cohen_kappa(first.tolist(), second.tolist(), rng, resamples=10)
    assert found.value == pytest.approx(cohen_kappa_score(first, second))


def test_kappa_intervals_widen_when_the_questions_of_a_video_agree() -> None:
    rng = generator(3)
    first, second = np.repeat(rng.integers(0, 2, 40), 10).tolist(), np.repeat(rng.integers(0, 2, 40), 10).tolist()
    videos = np.repeat(np.arange(40), 10).tolist()
    free = cohen_kappa(first, second, generator(), resamples=400).interval
    clustered = cohen_kappa(first, second, generator(), clusters=videos, resamples=400).interval
    assert free is not None
    assert clustered is not None
    assert clustered.high - clustered.low > 2 * (free.high - free.low)


@pytest.mark.parametrize(
    ("first", "second", "value", "agreement"),
    [
        pytest.param([], [], None, None, id="nothing judged"),
        pytest.param(["yes", "yes"], ["yes", "yes"], None, 1.0, id="chance alone would agree"),
        pytest.param(["yes", "no"], ["no", "yes"], -1.0, 0.0, id="never agree"),
    ],
)
def test_kappa_at_the_edges(first: list[str], second: list[str], value: float | None, agreement: float | None) -> None:
    found = cohen_kappa(first, second, generator(), resamples=20)
    assert (found.value, found.agreement) == (value, agreement)


def test_kappa_needs_one_cluster_per_question() -> None:
    with pytest.raises(ValueError, match="one entry per question"):
        cohen_kappa(["yes"], ["no"], generator(), clusters=["a", "b"])
