"""From votes to ratings: who is preferred, with intervals, and whether the board's score agrees."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

Outcome = Literal["first", "second", "tie"]
Ballot = tuple[str, str, Outcome]
"""(first run, second run, which was preferred)"""

LEAST_VOTES: Final = 10
"""Votes of a group below which no interval is given: drawing again from a few looks surer than it is."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One captioner of the arena.

    Args:
        run_id: Its run.
        model: Its name.
        votes: In how many votes it took part.
        rating: Bradley-Terry strength on the chess scale, mean 1,000.
        low, high: Its interval; None where the group has too few votes, or is not bounded.
        accuracy: Its average VDCscore accuracy on the board, for comparison.
    """

    run_id: str
    model: str
    votes: int
    rating: float
    low: float | None
    high: float | None
    accuracy: float | None


@dataclass(frozen=True, slots=True)
class Standings:
    """One group of captioners that share a scale.

    Args:
        rows: Best first.
        votes: How many votes they rest on.
        correlation: Spearman's between rating and accuracy; None with fewer than three captioners, or where one of
            the two is the same for all.
        bounded: Whether the votes alone decide the ratings. They do not where a captioner, or several together, won or
            lost every vote against the others: any larger distance would fit as well.
    """

    rows: tuple[Standing, ...]
    votes: int
    correlation: float | None
    bounded: bool = True


def make_standings(
    ballots: Sequence[Ballot],
    names: Mapping[str, str],
    accuracies: Mapping[str, float],
    *,
    seed: int = 0,
    resamples: int = 200,
) -> list[Standings]:
    """Ratings with intervals, one list per group of captioners that were compared with each other, largest first.

    Args:
        ballots: All votes.
        names: Run -> name of its captioner.
        accuracies: Run -> average accuracy on the board.
        seed: Of the bootstrap draws.
        resamples: How many.
    """
    import numpy as np

    from scoring.statistics.bradley_terry import Vote, fit_bradley_terry

    found = []
    for group in _connected(ballots):
        votes = [Vote(first, second, choice) for first, second, choice in group]
        bounded = _is_bounded(group)
        with_intervals = bounded and len(votes) >= LEAST_VOTES
        rows = tuple(
            Standing(
                run_id=rating.name,
                model=names.get(rating.name, ""),
                votes=rating.votes,
                rating=rating.rating,
                low=rating.interval.low if rating.interval and with_intervals else None,
                high=rating.interval.high if rating.interval and with_intervals else None,
                accuracy=accuracies.get(rating.name),
            )
            for rating in fit_bradley_terry(votes, np.random.default_rng(seed), resamples=resamples)
        )
        found.append(Standings(rows, len(votes), _correlation(rows), bounded))
    return sorted(found, key=lambda standings: -standings.votes)


def _connected(ballots: Sequence[Ballot]) -> list[list[Ballot]]:
    """Votes by groups of runs that were compared with each other, directly or through others."""
    leader: dict[str, str] = {}

    def find(run: str) -> str:
        while leader.setdefault(run, run) != run:
            run = leader[run]
        return run

    for first, second, _ in ballots:
        leader[find(first)] = find(second)
    groups: dict[str, list[Ballot]] = {}
    for ballot in ballots:
        groups.setdefault(find(ballot[0]), []).append(ballot)
    return list(groups.values())


def _is_bounded(ballots: Sequence[Ballot]) -> bool:
    """Whether everybody has beaten everybody, directly or through others; a tie beats both ways.

    Source: Ford, Solution of a ranking problem from binary comparisons, 1957: only then are the ratings finite.
    """
    beaten: dict[str, set[str]] = {}
    lost_to: dict[str, set[str]] = {}
    for first, second, choice in ballots:
        for winner, loser, counts in ((first, second, choice != "second"), (second, first, choice != "first")):
            if counts:
                beaten.setdefault(winner, set()).add(loser)
                lost_to.setdefault(loser, set()).add(winner)
    everybody = {run for first, second, _ in ballots for run in (first, second)}
    start = next(iter(everybody))
    return _reached(start, beaten) == everybody == _reached(start, lost_to)


def _reached(start: str, steps: Mapping[str, set[str]]) -> set[str]:
    seen, waiting = {start}, [start]
    while waiting:
        new = steps.get(waiting.pop(), set()) - seen
        seen |= new
        waiting += new
    return seen


def _correlation(rows: tuple[Standing, ...]) -> float | None:
    from scoring.statistics.agreement import correlate

    known = [(row.rating, row.accuracy) for row in rows if row.accuracy is not None]
    # Two points always lie on a line.
    if len(known) < 3:
        return None
    return correlate([rating for rating, _ in known], [accuracy for _, accuracy in known], "spearman").value
