"""Three ways to add verdicts up, side by side on one screen, and the interval of the first two.

``strict``
    Every question counts; a missing or blank answer and an unparsed verdict count as wrong, with score 0.
``observed``
    The same with unparsed verdicts left out. The truth lies between the two.
``published``
    The arithmetic of the evaluation scripts of LLaMA-VID and Video-ChatGPT, over the judge's own words: accuracy is
    yes / (yes + no), where a reply is a yes if the text "yes" occurs in it in any case; the score is the mean of
    ``int(score)``, which cuts off 4.8 to 4 and has no bounds. The scripts ask again, without end, until a reply is a
    Python literal; such replies are counted as ``asked_again`` and left out, as are questions without an answer.

Failed calls are none of these: a task with one has no numbers until it is asked again.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from scoring.parsing import REPLY_LIMIT
from scoring.statistics.bootstrap import DEFAULT_RESAMPLES, Interval, percentile_interval, resample_weights
from scoring.video_qa.tasks import TASKS
from scoring.video_qa.verdicts import QaVerdict

BOOTSTRAP_SEED: Final = 0


@dataclass(frozen=True, slots=True)
class QaNumbers:
    """What one rule makes of the verdicts of one task.

    Args:
        accuracy: 0 to 1; None for tasks without yes or no, or with nothing to count.
        score: Mean; None with nothing to count.
        counted: Questions behind the score.
        yes: Questions behind the accuracy that are right.
        no: Those that are wrong.
        left_out: Questions that the rule does not count.
        asked_again: Replies that the published scripts would have asked for again.
        would_crash: Replies on which their sum would have ended with an error.
    """

    accuracy: float | None
    score: float | None
    counted: int
    yes: int = 0
    no: int = 0
    left_out: int = 0
    asked_again: int = 0
    would_crash: int = 0


def strict(verdicts: Sequence[QaVerdict]) -> QaNumbers:
    """Everything counts; see the text of the module."""
    return _mean(verdicts, left_out=0)


def observed(verdicts: Sequence[QaVerdict]) -> QaNumbers:
    """Unparsed verdicts are left out; see the text of the module."""
    kept = [verdict for verdict in verdicts if verdict.status != "unparsed"]
    return _mean(kept, left_out=len(verdicts) - len(kept))


def published(verdicts: Sequence[QaVerdict]) -> QaNumbers:
    """The scripts' arithmetic; see the text of the module. A blank answer, which they would judge, is a no with 0."""
    replies: list[Mapping[str, Any]] = []
    asked_again = 0
    for verdict in verdicts:
        if verdict.status == "empty":
            replies.append({"pred": "no", "score": 0})
        elif verdict.reply is not None and verdict.status != "failed":
            texts = (verdict.reply.raw, verdict.reply.raw_retry)
            read = next((table for text in texts if (table := read_literal(text)) is not None), None)
            if read is None:
                asked_again += 1
            else:
                replies.append(read)
    numbers = add_published(replies, with_match=_with_match(verdicts))
    return QaNumbers(
        accuracy=numbers.accuracy,
        score=numbers.score,
        counted=numbers.counted,
        yes=numbers.yes,
        no=numbers.no,
        left_out=len(verdicts) - numbers.counted,
        asked_again=asked_again,
        would_crash=numbers.would_crash,
    )


RULES: Final[Mapping[str, Callable[[Sequence[QaVerdict]], QaNumbers]]] = {
    "strict": strict,
    "observed": observed,
    "published": published,
}


def read_literal(text: str | None) -> Mapping[str, Any] | None:
    """A reply as the scripts read it: a Python dictionary and nothing around it. Parsed, never run."""
    if text is None or len(text) > REPLY_LIMIT:
        return None
    try:
        value = ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def add_published(replies: Iterable[Mapping[str, Any]], *, with_match: bool) -> QaNumbers:
    """The scripts' sum over replies that are dictionaries.

    Args:
        replies: ``score``, and ``pred`` where the task has a yes or no.
        with_match: Whether it has.

    Source: the evaluation scripts of LLaMA-VID at b3d3ae2b, which stem from Video-ChatGPT.
    """
    yes = no = total = counted = would_crash = 0
    for reply in replies:
        pred = reply.get("pred") if with_match else ""
        try:
            score = int(reply["score"])
        except (KeyError, ValueError, TypeError, OverflowError):
            score = None
        if score is None or not isinstance(pred, str):
            would_crash += 1
            continue
        counted += 1
        total += score
        word = pred.lower()
        yes += "yes" in word
        no += "yes" not in word and "no" in word
    return QaNumbers(
        accuracy=yes / (yes + no) if yes + no else None,
        score=total / counted if counted else None,
        counted=counted,
        yes=yes,
        no=no,
        would_crash=would_crash,
    )


def intervals(verdicts: Sequence[QaVerdict], resamples: int = DEFAULT_RESAMPLES) -> dict[str, Interval | None]:
    """95 % intervals of ``accuracy`` and ``score`` by drawing videos again; None with fewer than two videos.

    Args:
        verdicts: Those a rule counts, all of one task.
        resamples: Number of draws.
    """
    places = {video: place for place, video in enumerate(dict.fromkeys(one.row.video_id for one in verdicts))}
    if len(places) < 2:
        return {"accuracy": None, "score": None}
    video = np.array([places[one.row.video_id] for one in verdicts])
    weights = resample_weights(len(places), resamples, np.random.default_rng(BOOTSTRAP_SEED))
    drawn = weights @ np.bincount(video, minlength=len(places))
    found: dict[str, Interval | None] = {"accuracy": None}
    columns = {"score": [one.score or 0.0 for one in verdicts]}
    if _with_match(verdicts):
        columns["accuracy"] = [float(bool(one.match)) for one in verdicts]
    for name, values in columns.items():
        sums = np.bincount(video, weights=np.array(values), minlength=len(places))
        found[name] = percentile_interval((weights @ sums) / drawn)
    return found


def _with_match(verdicts: Sequence[QaVerdict]) -> bool:
    return any(TASKS[one.task].has_match for one in verdicts)


def _mean(verdicts: Sequence[QaVerdict], left_out: int) -> QaNumbers:
    count = len(verdicts)
    has_match = _with_match(verdicts)
    yes = sum(one.match is True for one in verdicts)
    return QaNumbers(
        accuracy=yes / count if has_match and count else None,
        score=sum(one.score or 0.0 for one in verdicts) / count if count else None,
        counted=count,
        yes=yes,
        no=count - yes if has_match else 0,
        left_out=left_out,
    )
