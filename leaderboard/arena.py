"""The arena: two captions of one video, names hidden, one choice; from many choices a ranking with intervals."""

from __future__ import annotations

import hashlib
import random
import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, Literal

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from leaderboard.arena_standings import Outcome, Standings, make_standings
from leaderboard.db.models import Model, Run, SectionResult, State, Submission, SubmissionFile, Vote
from leaderboard.db.session import reading, writing
from leaderboard.db.upsert import board_version
from leaderboard.failures import NotFound
from leaderboard.intake import PREDICTIONS
from leaderboard.results import AVERAGE, HEADLINE
from leaderboard.services import Services
from vdc.errors import InputError, Problem
from vdc.sections import SECTIONS, Section

Choice = Literal["left", "right", "tie"]
_OUTCOMES: Final[dict[str, Outcome]] = {"first": "first", "second": "second", "tie": "tie"}
CHOICES: Final[tuple[Choice, ...]] = ("left", "right", "tie")
_KEPT_RUNS: Final = 64
_TRIES: Final = 40


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


@dataclass
class Arena:
    """The arena of a board; keeps the captions it has read.

    Args:
        services: The open board.
    """

    services: Services
    _captions: OrderedDict[str, Mapping[tuple[str, Section], str]] = field(default_factory=OrderedDict)
    _standings: tuple[tuple[int, int, int], list[Standings]] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def captioners(self) -> int:
        """How many runs a voter can meet: those with captions, on a benchmark with at least one other such run."""
        return sum(len(runs) for runs in self._groups())

    def next_pair(self, seed: int, voter: str | None = None) -> Pair | None:
        """A pair to vote on; None with fewer than two captioners of one benchmark, or with nothing left to vote on.

        Args:
            seed: Decides which; same seed, same pair while board and votes do not change.
            voter: Leaves out what this voter has voted on; see :meth:`vote`.
        """
        groups = self._groups()
        if not groups:
            return None
        done = self._voted(voter) if voter is not None else frozenset()
        chance = random.Random(seed)
        for _ in range(_TRIES):
            left, right = chance.sample(chance.choice(groups), 2)
            first, second = sorted((left, right))
            ours, theirs = self._read(left), self._read(right)
            shared = sorted(
                key
                for key in ours.keys() & theirs.keys()
                # The same words twice are no choice: two runs may have been made of one file.
                if ours[key].strip() != theirs[key].strip()
                and ours[key].strip()
                and theirs[key].strip()
                and (*key, first, second) not in done
            )
            if shared:
                video_id, section = chance.choice(shared)
                return Pair(video_id, section, ours[video_id, section], theirs[video_id, section], left, right)
        return None

    def vote(self, pair: Pair, choice: Choice, voter: str) -> bool:
        """Record a choice; False where this voter has voted on this pair already.

        Args:
            pair: As :meth:`next_pair` gave it.
            choice: ``left``, ``right`` or ``tie``.
            voter: Anything that stays the same for one voter; only its hash is kept. One voter has one vote on a pair.

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
            voter=_hashed(voter),
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

    def standings(self) -> list[Standings]:
        """The ratings by the votes so far, made again only when votes or the board have changed."""
        count, last = select(func.count(Vote.id)), select(func.coalesce(func.max(Vote.id), 0))
        with reading(self.services.engine) as session:
            key = (board_version(session), session.scalar(count) or 0, session.scalar(last) or 0)
        kept = self._standings
        if kept is None or kept[0] != key:
            kept = self._standings = (key, make_standings(self.votes(), self.names(), self._accuracies()))
        return kept[1]

    def _voted(self, voter: str) -> frozenset[tuple[str, str, str, str]]:
        query = select(Vote.video_id, Vote.section, Vote.first_run_id, Vote.second_run_id)
        with reading(self.services.engine) as session:
            rows = session.execute(query.where(Vote.voter == _hashed(voter)))
            return frozenset((video, section, first, second) for video, section, first, second in rows)

    def _accuracies(self) -> dict[str, float]:
        query = select(SectionResult.run_id, SectionResult.accuracy).where(
            SectionResult.protocol == HEADLINE, SectionResult.section == AVERAGE, SectionResult.run_id.is_not(None)
        )
        with reading(self.services.engine) as session:
            return {str(run_id): value for run_id, value in session.execute(query) if value is not None}

    def _groups(self) -> list[list[str]]:
        """Runs that can be compared: by benchmark, in an order that depends on nothing but the runs."""
        by_benchmark: dict[str, list[str]] = {}
        for run_id, benchmark in self._runs().items():
            by_benchmark.setdefault(benchmark, []).append(run_id)
        return sorted(sorted(runs) for runs in by_benchmark.values() if len(runs) > 1)

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
            runs = {run_id: benchmark for run_id, benchmark in session.execute(query)}  # noqa: C416
        with self._lock:
            # Captions of what was withdrawn do not stay behind in memory.
            for gone in self._captions.keys() - runs.keys():
                del self._captions[gone]
        return runs

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
        with self._lock:
            if run_id in self._captions:
                self._captions.move_to_end(run_id)
                return self._captions[run_id]
        captions = read_captions(self.services, run_id)
        with self._lock:
            self._captions[run_id] = captions
            while len(self._captions) > _KEPT_RUNS:
                self._captions.popitem(last=False)
        return captions


def read_captions(services: Services, run_id: str) -> Mapping[tuple[str, Section], str]:
    """The captions that were handed in for a run, by video and section.

    Raises:
        NotFound: The run, or its captions, are not on this board.
    """
    from vdc.predictions.read import read_predictions

    query = (
        select(SubmissionFile.sha256, Submission.details)
        .join(Submission, Submission.id == SubmissionFile.submission_id)
        .join(Run, Run.submission_id == Submission.id)
        .where(Run.id == run_id, SubmissionFile.role == PREDICTIONS)
    )
    with reading(services.engine) as session:
        found = session.execute(query).one_or_none()
    if found is None:
        raise NotFound("found a captioner that has left the board; expected its captions; do next: take the next pair")
    with TemporaryDirectory(prefix="vdc-arena-") as scratch:
        path = Path(scratch) / PREDICTIONS
        services.store.fetch(found.sha256, path)
        read = read_predictions(path, section=found.details.get("section"), lenient=True)
    return {key: prediction.caption for key, prediction in read.captions.items()}


def _hashed(voter: str) -> str:
    return hashlib.sha256(voter.encode("utf-8", "surrogatepass")).hexdigest()
