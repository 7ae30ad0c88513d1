"""How the three published scorers read a judge's text, without running it.

A protocol that stands for a published scorer must read what that scorer reads: a reply that our own parser
understands may be one that the published script drops a video for. Nothing here evaluates text.

Source: rese1f/aurora ``post_eval/process_vdc_result.py`` at 2bf68d5; EvolvingLMMs-Lab/lmms-eval
``lmms_eval/tasks/vdc/utils.py`` (the SGLang version); open-compass/VLMEvalKit ``vlmeval/dataset/utils/vdc.py``.
"""

from __future__ import annotations

import ast
import json
import math
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, Literal

MAX_CHARACTERS: Final = 10_000
"""Longer texts are unreadable; the published scorers ask for 256 tokens, so no reply of theirs is as long."""

MAX_BRACKETS: Final = 100
"""Texts with more opening brackets are unreadable: a verdict has one, and nesting is how a parser is attacked."""

Outcome = Literal["counted", "left_out", "fails"]
"""``counted`` in the means, ``left_out`` of them, or ``fails``: the published code raises an exception here."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a published scorer makes of one judge text.

    Args:
        outcome: See :data:`Outcome`.
        match: Whether it counts as a yes; False unless counted.
        score: As that scorer uses it: not clipped, not rounded; NaN where only the match is counted.
    """

    outcome: Outcome
    match: bool = False
    score: float = 0.0


FAILS: Final = Reading("fails")
LEFT_OUT: Final = Reading("left_out")


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A text that is no literal."""


@dataclass(frozen=True, slots=True)
class PublishedReadings:
    """The three scorers' readings of one text."""

    official: Reading
    lmms_eval: Reading
    vlmevalkit: Reading


def read_published(texts: Iterable[str]) -> list[PublishedReadings]:
    """Readings of each text by each published scorer, in order.

    The literal is parsed once per text and shared; callers pass distinct texts.
    """
    with warnings.catch_warnings():
        # The Python parser warns about odd escapes inside a judge's text; those are the judge's, not the user's.
        warnings.simplefilter("ignore")
        return [_read(text) for text in texts]


def _read(text: str) -> PublishedReadings:
    literal = read_literal(text)
    return PublishedReadings(read_official(literal), read_lmms_eval(literal), read_vlmevalkit(text, literal))


def read_literal(text: str) -> Any:
    """The value of a Python literal, or :class:`Unreadable`. Never evaluates; refuses long or nested text."""
    if _is_outsized(text):
        return Unreadable()
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return Unreadable()


def read_official(literal: Any) -> Reading:
    """The official script: fields merged into the question's own, ``pred`` exactly ``yes``, the score made a float.

    Any exception fails the item, and with it the video.
    """
    merged: dict[Any, Any] = {}
    try:
        merged.update(literal)
        score = float(merged["score"])
        # float("nan") passes there and makes the whole mean no number; infinity says the same and is never left out.
        return Reading("counted", bool(merged["pred"] == "yes"), math.inf if math.isnan(score) else score)
    except (TypeError, ValueError, KeyError, OverflowError):
        return FAILS


def read_lmms_eval(literal: Any) -> Reading:
    """lmms-eval: a value without both fields is left out, ``pred`` exactly ``yes``, the score added as it is.

    A text that is no literal, or a score that cannot be added to a number, ends its run.
    """
    if isinstance(literal, Unreadable):
        return FAILS
    try:
        if not ("pred" in literal and "score" in literal):
            return LEFT_OUT
        score = literal["score"]
    except TypeError:
        return FAILS
    if not isinstance(score, int | float):
        return FAILS
    try:
        return Reading("counted", bool(literal["pred"] == "yes"), float(score))
    except OverflowError:
        return FAILS


def read_vlmevalkit(text: str, literal: Any) -> Reading:
    """VLMEvalKit: JSON, then a Python literal (the published code evaluates the text; this does not).

    ``pred`` in any case. A negative or NaN score is left out of the score's mean only; a ``pred`` or a score of
    another type fails at aggregation.
    """
    value = _read_json(text)
    if isinstance(value, Unreadable):
        value = literal
    if not (isinstance(value, dict) and "pred" in value and "score" in value):
        return LEFT_OUT
    prediction, score = value["pred"], value["score"]
    if not isinstance(prediction, str) or not isinstance(score, int | float):
        return FAILS
    try:
        number = float(score)
    except OverflowError:
        return FAILS
    return Reading("counted", prediction.lower() == "yes", number if number >= 0 else math.nan)


def _read_json(text: str) -> Any:
    if _is_outsized(text):
        return Unreadable()
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return Unreadable()


def _is_outsized(text: str) -> bool:
    if len(text) <= MAX_BRACKETS:
        return False
    return len(text) > MAX_CHARACTERS or sum(text.count(bracket) for bracket in "([{") > MAX_BRACKETS
