"""Is a submitted run what its verdicts say? A random sample is judged again here and compared, question by question."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from leaderboard.settings import Verification
from vdc.benchmark.model import Benchmark, Question
from vdc.sections import Section

if TYPE_CHECKING:
    import pandas as pd

CaptionKey = tuple[str, Section]


@dataclass(frozen=True, slots=True)
class Check:
    """The outcome of judging a sample again.

    Args:
        verified: Whether the run is believed.
        reason: Why not; empty where it is.
        questions: Questions judged again.
        same: Of these, how many have the same status and match.
        claimed_only: Matches that the run claims and the board's judge does not see.
        found_only: The other way round.
        agreement: ``same / questions``; None without any.
        p_value: Of the one-sided sign test on the disagreements: how often chance alone would lean so far towards
            the run's favour.
        score_p_value: The same test on the scores: how often chance alone would make so many of them higher in the run.
        seed: Of the sample.
    """

    verified: bool
    reason: str
    questions: int = 0
    same: int = 0
    claimed_only: int = 0
    found_only: int = 0
    agreement: float | None = None
    p_value: float | None = None
    score_p_value: float | None = None
    seed: int | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)


def not_checked(reason: str) -> Check:
    """A run of which nothing could be judged again."""
    return Check(False, reason)


def draw_sample(benchmark: Benchmark, captions: frozenset[CaptionKey], questions: int, seed: int) -> Benchmark:
    """Single questions at random, from all captions alike.

    Whole captions would be cheaper for a judge's cache, but so few of them that a run which is wrong about every fifth
    one passes after some tries.

    Args:
        benchmark: The scored part.
        captions: Those that are there; a missing caption needs no judge.
        questions: So many, or all there are.
        seed: Same seed, same sample.
    """
    every = [(key, question) for key, asked in benchmark.questions.items() if key in captions for question in asked]
    chosen: dict[CaptionKey, list[Question]] = {}
    for place in sorted(random.Random(seed).sample(range(len(every)), min(questions, len(every)))):
        key, question = every[place]
        chosen.setdefault(key, []).append(question)
    ordered = {key: tuple(asked) for key, asked in chosen.items()}
    return Benchmark(
        name=benchmark.name, source=benchmark.source, revision=benchmark.revision, questions=ordered, limit=None
    )


def compare_sample(claimed: pd.DataFrame, judged: pd.DataFrame, rules: Verification, seed: int) -> Check:
    """Compare the run's verdicts with the board's on the questions that the board judged again.

    Args:
        claimed: The run's verdict table.
        judged: The board's, on the sample.
        rules: When the run is believed.
        seed: Of the sample, for the record.
    """
    ours, theirs = _verdicts(judged), _verdicts(claimed)
    pairs = [(theirs.get(key, _NONE), verdict) for key, verdict in ours.items()]
    if not pairs:
        return not_checked("no question could be judged again: the run has no captions")
    # The status, too: what protocols leave out is as good a place for a lie as a match.
    same = sum(one[:2] == other[:2] for one, other in pairs)
    claimed_only = sum(one.match and not other.match for one, other in pairs)
    found_only = sum(other.match and not one.match for one, other in pairs)
    agreement = same / len(pairs)
    p_value = _sign_test(claimed_only, found_only)
    score_p_value = _sign_test(
        sum(one.score > other.score for one, other in pairs), sum(one.score < other.score for one, other in pairs)
    )
    reason = ""
    if agreement < rules.agreement:
        reason = (
            f"{len(pairs):,} questions were judged again here and {agreement:.1%} have the same verdict; "
            f"{rules.agreement:.0%} are needed"
        )
    elif p_value < rules.p_value:
        reason = (
            f"of {len(pairs):,} questions judged again here, {claimed_only} matches were claimed that this board does "
            f"not see and {found_only} the other way round (p = {p_value:.4f})"
        )
    elif score_p_value < rules.p_value:
        reason = (
            f"of {len(pairs):,} questions judged again here, the run's scores are higher more often than chance allows "
            f"(p = {score_p_value:.4f})"
        )
    return Check(
        not reason, reason, len(pairs), same, claimed_only, found_only, agreement, p_value, score_p_value, seed
    )


def same_judge(claimed: Mapping[str, Any], own: Mapping[str, Any], prompts: object, own_prompts: object) -> str:
    """Why a run's judge is not this board's; empty where it is.

    Args:
        claimed: ``judge`` of the run's record.
        own: The board's judge, described.
        prompts: SHA-256 of the run's prompts.
        own_prompts: Of the board's.
    """
    for name in ("kind", "model", "revision"):
        if claimed.get(name) != own.get(name):
            told, had = str(claimed.get(name))[:80], str(own.get(name))[:80]
            return f"it was judged by another judge than this board's ({name} {told}, here {had})"
    if prompts != own_prompts:
        return "it was judged with other prompts than this board's"
    return ""


class _Verdict(NamedTuple):
    status: str
    match: bool
    score: float


_NONE: Final = _Verdict("missing", False, 0.0)


def _verdicts(table: pd.DataFrame) -> dict[tuple[str, str, int], _Verdict]:
    columns = ("video_id", "section", "question_index", "status")
    # As in the headline: a verdict that is none counts as no match and no score, on both sides.
    rows = zip(*(table[name] for name in columns), table["match"].fillna(False), table["score"].fillna(0), strict=True)
    return {
        (str(video), str(section), int(index)): _Verdict(str(status), bool(match), float(score))
        for video, section, index, status, match, score in rows
    }


def _sign_test(claimed_only: int, found_only: int) -> float:
    from scipy.stats import binomtest

    if not claimed_only + found_only:
        return 1.0
    return float(binomtest(claimed_only, claimed_only + found_only, 0.5, alternative="greater").pvalue)
