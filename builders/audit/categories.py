"""Rules about category labels. Categories are never used in scoring; their damage shows how the files were made."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from builders.audit.checks import each_question, shorten
from builders.audit.model import AuditQuestion, AuditTables, Finding, Rule, SectionRule
from vdc.sections import Section

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


def find_malformed_categories(section: Section, tables: AuditTables) -> Iterator[Finding]:
    """Questions with a malformed category, shown with it."""
    for row in tables.rows[section]:
        for question in row.questions:
            if is_malformed_category(question, tables):
                detail = f"{shorten(question.source.question)} -> category {shorten(question.source.category or '')}"
                yield Finding(row.video_id, row.line, question.source.index, detail)


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
        find_malformed_categories,
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
