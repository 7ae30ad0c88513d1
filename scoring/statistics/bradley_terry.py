"""Bradley-Terry ratings from pairwise votes, with bootstrap intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from scoring.statistics.bootstrap import DEFAULT_LEVEL, FloatArray, Interval, percentile_interval, resample_weights
from vdc.errors import InputError, Problem

SCALE: Final = 400 / math.log(10)
"""Rating points per unit of log odds: 400 points are odds of ten to one, as in chess."""

BASE: Final = 1_000.0
"""Mean rating."""

_INVERSE_PENALTY: Final = 1e6
"""Keeps the ratings finite when one side won every vote; too weak to be seen otherwise."""


_TOLERANCE: Final = 1e-8
_LONGEST_STEP: Final = 2.0
_MOST_STEPS: Final = 200


@dataclass(frozen=True, slots=True)
class Vote:
    """One comparison: who was shown, and who was preferred."""

    first: str
    second: str
    outcome: Literal["first", "second", "tie"]


@dataclass(frozen=True, slots=True)
class Rating:
    """A model's strength.

    Args:
        name: The model.
        rating: Chess scale, mean 1,000; a difference of 400 is odds of ten to one.
        interval: Over bootstrap draws of the votes; None without draws.
        votes: Votes the model took part in.
    """

    name: str
    rating: float
    interval: Interval | None
    votes: int


def fit_bradley_terry(
    votes: Sequence[Vote], rng: np.random.Generator, *, resamples: int = 200, level: float = DEFAULT_LEVEL
) -> list[Rating]:
    """Ratings of all models that were voted on, best first; a tie is half a win for each side.

    Raises:
        InputError: A model is compared with itself, or two groups of models were never compared with each other, so
            that no common scale exists.

    Source: Bradley and Terry, Rank analysis of incomplete block designs, 1952; as a logistic regression without
    intercept on +1/-1 rows.
    """
    if not votes:
        return []
    names = sorted({name for vote in votes for name in (vote.first, vote.second)})
    place = {name: number for number, name in enumerate(names)}
    first = np.array([place[vote.first] for vote in votes])
    second = np.array([place[vote.second] for vote in votes])
    _check(first, second, names)
    share = np.array([{"first": 1.0, "second": 0.0, "tie": 0.5}[vote.outcome] for vote in votes])
    ones = np.ones(len(votes))
    ratings = _ratings(_wins(first, second, share, ones, len(names)))
    draws = np.empty((resamples, len(names)))
    if resamples:
        for number, weights in enumerate(resample_weights(len(votes), resamples, rng)):
            draws[number] = _ratings(_wins(first, second, share, weights, len(names)))
    counts = np.bincount(np.concatenate([first, second]), minlength=len(names))
    rows = [
        Rating(name, float(ratings[number]), percentile_interval(draws[:, number], level), int(counts[number]))
        for number, name in enumerate(names)
    ]
    return sorted(rows, key=lambda row: (-row.rating, row.name))


def _wins(first: np.ndarray, second: np.ndarray, share: FloatArray, weights: FloatArray, models: int) -> FloatArray:
    """(models, models) weighted wins of the row's model over the column's."""
    wins = np.zeros((models, models))
    np.add.at(wins, (first, second), weights * share)
    np.add.at(wins, (second, first), weights * (1 - share))
    return wins


def _ratings(wins: FloatArray) -> FloatArray:
    """Penalised maximum likelihood by Newton's method; a general solver takes a hundred times as long for this."""
    games = wins + wins.T
    won = wins.sum(axis=1)
    penalty = np.eye(len(wins)) / _INVERSE_PENALTY
    strength = np.zeros(len(wins))
    for _ in range(_MOST_STEPS):
        chance = 1 / (1 + np.exp(strength[None, :] - strength[:, None]))
        slope = won - (games * chance).sum(axis=1) - strength / _INVERSE_PENALTY
        bend = games * chance * (1 - chance)
        step = np.linalg.solve(np.diag(bend.sum(axis=1)) - bend + penalty, slope)
        longest = float(np.abs(step).max())
        # Far from the solution a full step can go past it and away.
        strength = strength + step * min(1.0, _LONGEST_STEP / max(longest, 1e-300))
        if longest < _TOLERANCE:
            break
    return np.asarray(BASE + SCALE * (strength - strength.mean()))


def _check(first: np.ndarray, second: np.ndarray, names: Sequence[str]) -> None:
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    same = np.flatnonzero(first == second)
    if same.size:
        found = f"{same.size} votes between a model and itself (first: {names[first[same[0]]]!r})"
        raise InputError(Problem(found, "two different models in each vote", "remove those votes"))
    graph = coo_array((np.ones(len(first)), (first, second)), shape=(len(names), len(names)))
    groups, group_of = connected_components(graph, directed=False)
    if groups > 1:
        shown = "; ".join(", ".join(np.array(names)[group_of == group]) for group in range(groups))
        raise InputError(
            Problem(
                f"{groups} groups of models never compared with each other ({shown})",
                "one connected group",
                "collect votes between the groups, or rate each group by itself",
            )
        )
