"""Captions made ready for a judge: harmless, cut to the stated length, with the reasons to look twice at them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from scoring.hostile.detect import suspicions
from scoring.hostile.neutralise import LENGTH_LIMIT, cut, neutralise
from vdc.benchmark.model import Benchmark, Question
from vdc.predictions.model import PredictionSet
from vdc.sections import Section

MAX_CAPTION_CHARACTERS: Final = LENGTH_LIMIT
"""Captions above this are cut at the last white space before it, flagged and counted. The longest gold captions of the
benchmark stay under a quarter of it, and it keeps every judge with an 8,000-token window usable."""


@dataclass(frozen=True, slots=True)
class ReadyCaption:
    """A caption as the judge sees it.

    Args:
        text: Harmless text; empty when nothing is left to judge.
        suspicious: Ids of the reasons to look twice, in the order they were found.
        cut: Whether it was longer than ``MAX_CAPTION_CHARACTERS``.
        neutralised: Whether anything in it had to be made harmless.
    """

    text: str
    suspicious: tuple[str, ...] = ()
    cut: bool = False
    neutralised: bool = False


def prepare_captions(
    benchmark: Benchmark, predictions: PredictionSet, limit: int = MAX_CAPTION_CHARACTERS
) -> dict[tuple[str, Section], ReadyCaption]:
    """Every predicted caption that the benchmark has questions about; each depends on its own text alone."""
    return {
        key: prepare_caption(predictions.captions[key].caption, questions, limit)
        for key, questions in benchmark.questions.items()
        if key in predictions.captions
    }


def prepare_caption(caption: str, questions: Sequence[Question], limit: int = MAX_CAPTION_CHARACTERS) -> ReadyCaption:
    """One caption. The reasons are looked for in the text as it came, before anything is removed."""
    reasons = suspicions(caption, questions)
    # Making a text harmless takes time in proportion to its length and can shorten or lengthen it: what lies far beyond
    # the limit is dropped before, the exact cut comes after.
    harmless = neutralise(caption[: 4 * limit])
    shortened = cut(harmless.text, limit)
    return ReadyCaption(
        text=shortened.text if shortened.text.strip() else "",
        suspicious=reasons,
        cut=bool(shortened.removed) or len(caption) > 4 * limit,
        neutralised=bool(harmless.changes),
    )


def caption_counts(captions: Mapping[tuple[str, Section], ReadyCaption]) -> dict[str, int]:
    """How many captions were cut, made harmless, or empty; for the report's coverage."""
    return {
        "empty": sum(not caption.text for caption in captions.values()),
        "cut": sum(caption.cut for caption in captions.values()),
        "neutralised": sum(caption.neutralised for caption in captions.values()),
    }
