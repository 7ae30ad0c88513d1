"""Rules about the text of questions."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from typing import Final

from builders.audit.checks import each_question, question_finding
from builders.audit.model import AuditQuestion, AuditTables, Finding, Rule, SectionRule
from vdc.sections import Section

LONG_QUESTION_WORDS: Final = 30
GENERIC_VIDEOS: Final = 20


def is_empty_question(question: AuditQuestion, _: AuditTables) -> bool:
    """Whether nothing is asked."""
    return not question.source.question.strip()


def is_one_word_question(question: AuditQuestion, _: AuditTables) -> bool:
    """Whether only a question word is left, as when the text was cut."""
    return bool(question.normal_question) and " " not in question.normal_question


def lacks_question_mark(question: AuditQuestion, _: AuditTables) -> bool:
    """Whether the question does not end in a question mark."""
    return not question.source.question.rstrip().endswith("?")


def is_long_question(question: AuditQuestion, _: AuditTables) -> bool:
    """Whether the question has more than ``LONG_QUESTION_WORDS`` words."""
    return len(question.source.question.split()) > LONG_QUESTION_WORDS


def has_control_character(question: AuditQuestion, _: AuditTables) -> bool:
    """Whether question, answer or category holds a control, format, private or unassigned character."""
    texts = (question.source.question, question.source.gold, question.source.category or "")
    return any(
        not text.isprintable() and any(unicodedata.category(character).startswith("C") for character in text)
        for text in texts
    )


def is_not_ascii(question: AuditQuestion, _: AuditTables) -> bool:
    """Whether question or answer holds a character outside ASCII."""
    return not (question.source.question.isascii() and question.source.gold.isascii())


def has_untidy_space(question: AuditQuestion, _: AuditTables) -> bool:
    """Whether question or answer has white space at an end, or a run of it inside."""
    return any(text != " ".join(text.split()) for text in (question.source.question, question.source.gold))


def find_repeated_questions(section: Section, tables: AuditTables) -> Iterator[Finding]:
    """Questions of a row whose normal form stood in the row before."""
    for row in tables.rows[section]:
        seen: set[str] = set()
        for question in row.questions:
            if question.normal_question in seen:
                yield question_finding(row, question)
            seen.add(question.normal_question)


def find_generic_questions(section: Section, tables: AuditTables) -> Iterator[Finding]:
    """Questions that are asked of ``GENERIC_VIDEOS`` or more videos of the section."""
    videos: dict[str, set[str]] = {}
    for row in tables.rows[section]:
        for question in row.questions:
            videos.setdefault(question.normal_question, set()).add(row.video_id)
    for row in tables.rows[section]:
        for question in row.questions:
            if question.normal_question and len(videos[question.normal_question]) >= GENERIC_VIDEOS:
                yield question_finding(row, question)


QUESTION_RULES: Final[tuple[SectionRule, ...]] = (
    Rule(
        "empty_question",
        "There is nothing to answer.",
        "question is empty after strip",
        "error",
        "question",
        each_question(is_empty_question),
        removes=True,
    ),
    Rule(
        "one_word_question",
        "A lone question word cannot be answered from any caption.",
        "the normal question is a single word",
        "error",
        "question",
        each_question(is_one_word_question),
        removes=True,
    ),
    Rule(
        "repeated_question",
        "The same question twice counts twice, and often has two different gold answers.",
        "questions of a row beyond the first with the same normal question, empty ones too",
        "warning",
        "question",
        find_repeated_questions,
        removes=True,
    ),
    Rule(
        "control_character",
        "Invisible characters can change what a judge reads.",
        "question, answer or category holds a character of Unicode category C (control, format, private, unassigned)",
        "warning",
        "question",
        each_question(has_control_character),
    ),
    Rule(
        "long_question",
        "A question this long usually carries its answer or another question.",
        f"question has more than {LONG_QUESTION_WORDS} words",
        "warning",
        "question",
        each_question(is_long_question),
    ),
    Rule(
        "no_question_mark",
        "A prompt that sets text straight after the question runs into it.",
        "question does not end in ? after strip, empty ones too",
        "info",
        "question",
        each_question(lacks_question_mark),
    ),
    Rule(
        "generic_question",
        "A question asked of many videos can be answered without having seen this one.",
        f"the same normal question, not empty, is asked of {GENERIC_VIDEOS} or more videos of the section",
        "info",
        "question",
        find_generic_questions,
    ),
    Rule(
        "not_ascii",
        "Letters outside ASCII may be names and accents, or look-alikes and encoding damage.",
        "question or answer is not ASCII",
        "info",
        "question",
        each_question(is_not_ascii),
    ),
    Rule(
        "untidy_space",
        "Stray white space makes equal texts compare unequal.",
        "question or answer differs from itself with white space runs as one space and stripped ends",
        "info",
        "question",
        each_question(has_untidy_space),
    ),
)
