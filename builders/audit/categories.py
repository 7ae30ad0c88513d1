"""Rules about category labels. Categories are never used in scoring; their damage shows how the files were made."""

from __future__ import annotations

from typing import Final

from builders.audit.checks import each_question
from builders.audit.model import AuditQuestion, AuditTables, Rule, SectionRule

MOST_WORDS: Final = 5

_FORBIDDEN: Final = frozenset("'\"`\n()[]{}")
_BAD_ENDS: Final = (".", ",", ";", ":", "?", "!")


def is_malformed_category(question: AuditQuestion, _: AuditTables) -> bool:
    """Whether the category is there and is not a clean label of a few words."""
    category = question.source.category
    if category is None:
        return False
    return (
        not category.strip()
        or category != category.strip()
        or not _FORBIDDEN.isdisjoint(category)
        or category.endswith(_BAD_ENDS)
        or len(category.split()) > MOST_WORDS
        or not category.isascii()
    )


def lacks_category(question: AuditQuestion, _: AuditTables) -> bool:
    """Whether the question has no category key, as in the two-key form of the hosted files."""
    return question.source.category is None


CATEGORY_RULES: Final[tuple[SectionRule, ...]] = (
    Rule(
        "malformed_category",
        "Such labels cannot be counted or compared.",
        "category is empty after strip, differs from its own strip, holds a quotation mark, back-tick, newline, "
        f"bracket or brace, ends in . , ; : ? !, has more than {MOST_WORDS} words, or is not ASCII",
        "warning",
        "question",
        each_question(is_malformed_category),
    ),
    Rule(
        "absent_category",
        "Without the key nothing can be said about which kinds of questions a model fails.",
        "question has no category key",
        "info",
        "question",
        each_question(lacks_category),
    ),
)
