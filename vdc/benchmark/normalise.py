"""How questions, answers and categories are compared: the normal forms that audit rules and statistics use."""

from __future__ import annotations

import re
from typing import Final

# fmt: off
CONTENT_STOP_WORDS: Final = frozenset({
    "the", "a", "an", "of", "in", "is", "are", "what", "how", "does", "do", "to", "and", "or", "with", "on", "at",
    "who", "where", "when", "why", "which", "from", "by", "for", "it", "its", "be", "as", "that", "this", "was",
    "were", "has", "have", "video", "image", "scene", "main", "subject", "object", "being", "there", "their",
    "his", "her", "into", "not", "camera", "shot", "shots", "kind", "type",
})
# fmt: on
"""Words that say nothing about which video a question is on."""

_ANSWER_EDGE: Final = " .,;:!?'\""
_LETTER_RUNS = re.compile(r"[a-z]{3,}")


def normal_question(text: str) -> str:
    """A question in lower case, white space runs as one space, without final question marks, stops and exclamations."""
    return " ".join(text.lower().split()).rstrip("?.! ")


def normal_answer(text: str) -> str:
    """An answer in lower case, white space runs as one space, without punctuation and quotes at both ends."""
    return " ".join(text.lower().split()).strip(_ANSWER_EDGE)


def normal_category(text: str) -> str:
    """A category in the form of :func:`normal_answer`, also without back-ticks at both ends."""
    return " ".join(text.lower().split()).strip(_ANSWER_EDGE + "`")


def content_words(text: str) -> frozenset[str]:
    """Runs of three or more of the letters a to z in the lower-cased text, without ``CONTENT_STOP_WORDS``."""
    return frozenset(_LETTER_RUNS.findall(text.lower())) - CONTENT_STOP_WORDS


def jaccard(first: frozenset[str], second: frozenset[str]) -> float:
    """Share of common members among all members of two sets, 0 to 1; 0 for two empty sets."""
    common = len(first & second)
    return common / (len(first) + len(second) - common) if common else 0.0
