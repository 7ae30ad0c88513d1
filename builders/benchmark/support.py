"""Which questions are good: the answer stands in the caption, is not given away, and is worth asking for."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final

from builders.audit.answers import NON_ANSWERS, SHORTEST_LEAK
from builders.benchmark.model import Item
from vdc.benchmark.normalise import normal_answer, normal_question

REASONS: Final = {
    "empty": "the question or the answer is empty",
    "no_question": "the question does not end in a question mark",
    "speaks_of_the_text": "the question speaks of the description instead of the video",
    "answer_too_long": "the answer is too long",
    "yes_no_answer": "the answer is yes or no",
    "non_answer": "the answer says that nothing is said",
    "answer_in_question": "the question gives the answer away",
    "answer_not_in_caption": "the answer does not stand in the description",
    "repeated_question": "the question was asked before",
}
"""Why a question is refused, as the model is told too."""

_WORD: Final = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_TEXT_WORDS: Final = re.compile(r"\b(?:caption|description|passage|paragraph)s?\b", re.IGNORECASE)
_YES_NO: Final = re.compile(r"(?:yes|no)\b", re.IGNORECASE)
_STOPS: Final = (
    "a an the of in on at to for from by with and or is are was were be it its his her their this that these those as "
    "into onto while some very"
)
_STOP_WORDS: Final = frozenset(_STOPS.split())
_NUMBER_WORDS: Final = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen twenty"
)
_NUMBERS: Final = {word: str(number) for number, word in enumerate(_NUMBER_WORDS.split())}
_ENDINGS: Final = ("ing", "ies", "ied", "es", "ed", "ly", "s")
_SHORTEST_STEM: Final = 3


def refusal(
    item: Item, caption: str, asked: Collection[str], *, support: float = 1.0, max_answer_words: int = 12
) -> str | None:
    """Why a question is not good enough, as one of ``REASONS``; None when it is.

    Args:
        item: The question.
        caption: What it was made from.
        asked: Normal forms of the questions that are there already.
        support: Share of the answer's content words that the caption must have.
        max_answer_words: Longest answer.
    """
    question, answer = normal_question(item.question), normal_answer(item.answer)
    checks = (
        ("empty", not question or not answer),
        ("no_question", not item.question.rstrip().endswith("?")),
        ("speaks_of_the_text", _TEXT_WORDS.search(item.question) is not None),
        ("answer_too_long", len(answer.split()) > max_answer_words),
        ("yes_no_answer", _YES_NO.match(answer) is not None),
        ("non_answer", answer in NON_ANSWERS),
        ("answer_in_question", gives_away(question, answer)),
        ("answer_not_in_caption", support_of(answer, caption) < support - 1e-9),
        ("repeated_question", question in asked),
    )
    return next((reason for reason, holds in checks if holds), None)


def gives_away(question: str, answer: str) -> bool:
    """Whether a question holds its answer: as a run of letters (the audit's rule), or all its content words."""
    if len(answer) >= SHORTEST_LEAK and answer in question:
        return True
    words = _content_stems(answer)
    return bool(words) and words <= _content_stems(question)


def support_of(answer: str, caption: str) -> float:
    """Share of an answer's content words that its caption has, 0 to 1, by word stem and with numbers as digits.

    An answer without content words, such as "on it", is supported where it stands in the caption as it is.
    """
    words = _content_stems(answer)
    if not words:
        return float(f" {' '.join(_words(answer))} " in f" {' '.join(_words(caption))} ")
    return len(words & _content_stems(caption)) / len(words)


def _content_stems(text: str) -> frozenset[str]:
    return frozenset(_stem(word) for word in _words(text) if word not in _STOP_WORDS)


def _words(text: str) -> list[str]:
    return [_NUMBERS.get(word, word) for word in (found.replace("’", "'") for found in _WORD.findall(text.lower()))]


def _stem(word: str) -> str:
    """A word without its commonest endings: crude, but the same on both sides of a comparison."""
    word = word.removesuffix("'s")
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST_STEM:
            word = word[: -len(ending)]
            break
    # running, stopped: the doubled consonant is part of the ending; city, cities and make, making end alike
    if len(word) > _SHORTEST_STEM and word[-1] == word[-2] and word[-1] not in "aeiouls":
        word = word[:-1]
    return word[:-1] if len(word) > _SHORTEST_STEM and word[-1] in "eyi" else word
