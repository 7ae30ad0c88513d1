"""The arena: two captions of one video, names hidden, one choice; from many choices a ranking with intervals."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, Literal

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from leaderboard.db.models import Model, Run, SectionResult, State, Submission, SubmissionFile, Vote
from leaderboard.db.session import reading, writing
from leaderboard.failures import NotFound
from leaderboard.intake import PREDICTIONS
from leaderboard.results import AVERAGE, HEADLINE
from leaderboard.services import Services
from vdc.errors import InputError, Problem
from vdc.sections import SECTIONS, Section

Choice = Literal["left", "right", "tie"]
Outcome = Literal["first", "second", "tie"]
_OUTCOMES: Final[dict[str, Outcome]] = {"first": "first", "second": "second", "tie": "tie"}
CHOICES: Final[tuple[Choice, ...]] = ("left", "right", "tie")


@dataclass(frozen=True, slots=True)
class Pair:
    """What a voter sees; who wrote which caption is told only after the vote.

    Args:
        video_id: The video.
        section: The section.
        left, right: The captions: text from outside, never to be rendered as HTML.
        left_run, right_run: Their runs; not to be shown before the vote.
    """

    video_id: str
    section: Section
    left: str
    right: str
    left_run: str
    right_run: str


@dataclass(frozen=True, slots=True)
class Standing:
    """One captioner of the arena.

    Args:
        run_id: Its run.
        model: Its name.
        votes: In how many votes it took part.
        rating: Bradley-Terry strength on the chess scale, mean 1,000.
        low, high: Its interval; None without one.
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
    """

    rows: tuple[Standing, ...]
    votes: int
    correlation: float | None


@dataclass
class Arena:
    """The arena of a board; keeps the captions it has read.

    Args:
        services: The open board.
    """

    services: Services
    _captions: dict[str, Mapping[tuple[str, Section], str]] = field(default_factory=dict)

    def next_pair(self, seed: int) -> Pair | None:
        """A pair to vote on; None with fewer than two captioners of one benchmark.

        Args:
            seed: Decides which; same seed, same pair while the board does not change.
        """
        chance = random.Random(seed)
        by_benchmark: dict[str, list[str]] = {}
        for run_id, benchmark in self._runs().items():
            by_benchmark.setdefault(benchmark, []).append(run_id)
        groups = [sorted(runs) for runs in by_benchmark.values() if len(runs) > 1]
        if not groups:
            return None
        left, right = chance.sample(chance.choice(sorted(groups)), 2)
        ours, theirs = self._read(left), self._read(right)
        shared = sorted(key for key in ours.keys() & theirs.keys() if ours[key].strip() and theirs[key].strip())
        if not shared:
            return None
        video_id, section = chance.choice(shared)
        return Pair(video_id, section, ours[video_id, section], theirs[video_id, section], left, right)

    def vote(self, pair: Pair, choice: Choice, voter: str) -> bool:
        """Record a choice; False where this voter has voted on this pair already.

        Args:
            pair: As :meth:`next_pair` gave it.
            choice: ``left``, ``right`` or ``tie``.
            voter: Anything that stays the same for one voter; only its hash is kept.

        Raises:
            InputError: An unknown choice, or a pair that never was.
            NotFound: One of the runs is no longer on the board.
        """
        if choice not in CHOICES:
            raise InputError(Problem(f"the choice {choice!r}", f"one of {', '.join(CHOICES)}", "choose one of them"))
        runs = self._runs()
        if pair.left_run not in runs or pair.right_run not in runs:
            raise NotFound("found a captioner that has left the board; expected both; do next: take the next pair")
        key = (pair.video_id, pair.section)
        known = pair.section in SECTIONS and key in self._read(pair.left_run) and key in self._read(pair.right_run)
        if not known or pair.left_run == pair.right_run:
            raise InputError(Problem("a pair that never was", "a pair of the arena", "take the next pair"))
        swapped = pair.left_run > pair.right_run
        first, second = sorted((pair.left_run, pair.right_run))
        word = "tie" if choice == "tie" else "first" if (choice == "left") != swapped else "second"
        vote = Vote(
            voter=hashlib.sha256(voter.encode("utf-8", "surrogatepass")).hexdigest(),
            video_id=pair.video_id,
            section=pair.section,
            first_run_id=first,
            second_run_id=second,
            choice=word,
        )
        try:
            with writing(self.services.engine) as session:
                session.add(vote)
        except IntegrityError:
            return False
        return True

    def votes(self) -> list[tuple[str, str, Outcome]]:
        """All votes as (first run, second run, outcome), in the order they came."""
        query = select(Vote.first_run_id, Vote.second_run_id, Vote.choice).order_by(Vote.id)
        with reading(self.services.engine) as session:
            return [(first, second, _OUTCOMES[choice]) for first, second, choice in session.execute(query)]

    def standings(self, *, seed: int = 0, resamples: int = 200) -> list[Standings]:
        """Ratings with intervals, one list per group of captioners that were compared with each other, largest first.

        Args:
            seed: Of the bootstrap draws.
            resamples: How many.
        """
        import numpy as np

        from scoring.statistics.bradley_terry import Vote as Comparison
        from scoring.statistics.bradley_terry import fit_bradley_terry

        names, accuracies = self.names(), self._accuracies()
        found = []
        for votes in _connected(self.votes()):
            comparisons = [Comparison(first, second, choice) for first, second, choice in votes]
            ratings = fit_bradley_terry(comparisons, np.random.default_rng(seed), resamples=resamples)
            rows = tuple(
                Standing(
                    run_id=rating.name,
                    model=names.get(rating.name, ""),
                    votes=rating.votes,
                    rating=rating.rating,
                    low=rating.interval.low if rating.interval else None,
                    high=rating.interval.high if rating.interval else None,
                    accuracy=accuracies.get(rating.name),
                )
                for rating in ratings
            )
            found.append(Standings(rows, len(votes), _correlation(rows)))
        return sorted(found, key=lambda group: -group.votes)

    def _accuracies(self) -> dict[str, float]:
        query = select(SectionResult.run_id, SectionResult.accuracy).where(
            SectionResult.protocol == HEADLINE, SectionResult.section == AVERAGE, SectionResult.run_id.is_not(None)
        )
        with reading(self.services.engine) as session:
            return {str(run_id): value for run_id, value in session.execute(query) if value is not None}

    def _runs(self) -> dict[str, str]:
        """Public runs with captions -> benchmark."""
        query = (
            select(Run.id, Run.benchmark)
            .join(Submission, Submission.id == Run.submission_id)
            .join(SubmissionFile, SubmissionFile.submission_id == Submission.id)
            .where(
                Submission.state == State.PUBLISHED,
                Submission.private.is_(False),
                SubmissionFile.role == PREDICTIONS,
            )
        )
        with reading(self.services.engine) as session:
            return {run_id: benchmark for run_id, benchmark in session.execute(query)}  # noqa: C416

    def names(self) -> dict[str, str]:
        """Run -> name of its captioner, for runs that everybody may see."""
        query = (
            select(Run.id, Model.name)
            .join(Model, Model.id == Run.model_id)
            .join(Submission, Submission.id == Run.submission_id)
            .where(Submission.state == State.PUBLISHED, Submission.private.is_(False))
        )
        with reading(self.services.engine) as session:
            return {run_id: name for run_id, name in session.execute(query)}  # noqa: C416

    def _read(self, run_id: str) -> Mapping[tuple[str, Section], str]:
        if run_id not in self._captions:
            from vdc.predictions.read import read_predictions

            query = (
                select(SubmissionFile.sha256, Submission.details)
                .join(Submission, Submission.id == SubmissionFile.submission_id)
                .join(Run, Run.submission_id == Submission.id)
                .where(Run.id == run_id, SubmissionFile.role == PREDICTIONS)
            )
            with reading(self.services.engine) as session:
                sha256, details = session.execute(query).one()
            with TemporaryDirectory(prefix="vdc-arena-") as scratch:
                path = Path(scratch) / PREDICTIONS
                self.services.store.fetch(sha256, path)
                found = read_predictions(path, section=details.get("section"), lenient=True)
            self._captions[run_id] = {key: prediction.caption for key, prediction in found.captions.items()}
        return self._captions[run_id]


def _connected(votes: list[tuple[str, str, Outcome]]) -> list[list[tuple[str, str, Outcome]]]:
    """Votes by groups of runs that were compared with each other, directly or through others."""
    leader: dict[str, str] = {}

    def find(run: str) -> str:
        while leader.setdefault(run, run) != run:
            run = leader[run]
        return run

    for first, second, _ in votes:
        leader[find(first)] = find(second)
    groups: dict[str, list[tuple[str, str, Outcome]]] = {}
    for vote in votes:
        groups.setdefault(find(vote[0]), []).append(vote)
    return list(groups.values())


def _correlation(rows: tuple[Standing, ...]) -> float | None:
    from scoring.statistics.agreement import correlate

    known = [(row.rating, row.accuracy) for row in rows if row.accuracy is not None]
    # Two points always lie on a line.
    if len(known) < 3:
        return None
    return correlate([rating for rating, _ in known], [accuracy for _, accuracy in known], "spearman").value
