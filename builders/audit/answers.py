"""Rules about gold answers: answers that say nothing, give themselves away, or were damaged."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from builders.audit.checks import each_question, question_finding
from builders.audit.model import AuditQuestion, AuditTables, Finding, Rule, SectionRule
from vdc.sections import Section

NON_ANSWERS: Final = frozenset(
    {
        "n/a",
        "not applicable",
        "not given",
        "not mentioned",
        "not provided",
        "not specified",
        "not stated",
        "unclear",
        "undetermined",
        "unknown",
        "unspecified",
    }
)
"""Normal answers that say that nothing is said."""

SHORTEST_LEAK: Final = 4
"""Characters an answer needs before its presence in the question means anything."""

LONG_ANSWER_WORDS: Final = 10

_WRONG_COMMA = re.compile(r"\?\s*,")
_BRACKETED = re.compile(r"\s*(?:<[^<>]*>|\[[^\[\]]*\]|\{[^{}]*\})\s*")
_YES_OR_NO = re.compile(r"(?:yes|no)(?:$|[,;:.])")


def is_empty_answer(question: AuditQuestion, _: AuditTables) -> bool:
    """Whether there is no gold answer."""
    return not question.source.gold.strip()


def is_non_answer(question: AuditQuestion, _: AuditTables) -> bool:
    """Whether the gold answer says that nothing is said."""
    return question.normal_answer in NON_ANSWERS


def is_category_word(question: AuditQuestion, tables: AuditTables) -> bool:
    """Whether the gold answer is one of the benchmark's category labels."""
    return question.normal_answer in tables.category_vocabulary


def equals_own_category(question: AuditQuestion, _: AuditTables) -> bool:
    """Whether the gold answer is the question's own category."""
    return question.normal_answer != "" and question.normal_answer == question.normal_category


def is_in_question(question: AuditQuestion, _: AuditTables) -> bool:
    """Whether the gold answer stands in the question."""
    return len(question.normal_answer) >= SHORTEST_LEAK and question.normal_answer in question.normal_question


def is_split_damage(question: AuditQuestion, _: AuditTables) -> bool:
    """Whether the answer carries the tail of its question."""
    gold = question.source.gold
    return "?" in gold and (gold.startswith("?") or _WRONG_COMMA.search(gold) is not None)


def is_bracketed(question: AuditQuestion, _: AuditTables) -> bool:
    """Whether the whole answer stands in angle, square or curly brackets."""
    return _BRACKETED.fullmatch(question.source.gold) is not None


def has_stray_quote(question: AuditQuestion, _: AuditTables) -> bool:
    """Whether the answer begins or ends in a quotation mark that has no partner."""
    gold = question.source.gold.strip()
    return any(
        gold.count(mark) == 1 and (gold.startswith(mark) or (gold.endswith(mark) and not gold.endswith(f"s{mark}")))
        for mark in "'\"`"
    )


def is_yes_or_no(question: AuditQuestion, _: AuditTables) -> bool:
    """Whether the answer is yes or no, alone or with a remark after it."""
    return _YES_OR_NO.match(question.normal_answer) is not None


def is_long_answer(question: AuditQuestion, _: AuditTables) -> bool:
    """Whether the answer has more than ``LONG_ANSWER_WORDS`` words."""
    return len(question.source.gold.split()) > LONG_ANSWER_WORDS


def find_contradictions(section: Section, tables: AuditTables) -> Iterator[Finding]:
    """Questions that stood in the row before with another gold answer."""
    for row in tables.rows[section]:
        answers: dict[str, str] = {}
        for question in row.questions:
            first = answers.setdefault(question.normal_question, question.normal_answer)
            if first != question.normal_answer:
                yield question_finding(row, question)


ANSWER_RULES: Final[tuple[SectionRule, ...]] = (
    Rule(
        "empty_answer",
        "No answer can match an empty gold answer.",
        "answer is empty after strip",
        "error",
        "question",
        each_question(is_empty_answer),
        removes=True,
    ),
    Rule(
        "non_answer",
        "A caption that leaves everything out is right here, so poor captions gain.",
        f"the normal answer is one of: {', '.join(sorted(NON_ANSWERS))}",
        "error",
        "question",
        each_question(is_non_answer),
        removes=True,
    ),
    Rule(
        "split_damage",
        "The line was cut at a comma inside the question, so the answer carries part of the question.",
        "answer starts with ? or holds a ? followed by optional white space and a comma",
        "error",
        "question",
        each_question(is_split_damage),
        removes=True,
    ),
    Rule(
        "answer_is_category_word",
        "The label slipped into the answer; no correct caption can match it.",
        "the normal answer is in the category vocabulary: normal categories, not empty, that occur at least 100 times "
        "in all files together",
        "error",
        "question",
        each_question(is_category_word),
        removes=True,
    ),
    Rule(
        "answer_in_question",
        "The question gives its answer away.",
        f"the normal answer has at least {SHORTEST_LEAK} characters and is a part of the normal question",
        "warning",
        "question",
        each_question(is_in_question),
        removes=True,
    ),
    Rule(
        "answer_equals_own_category",
        "Answer and label are the same text: one of them is probably a copy of the other.",
        "the normal answer equals the normal category of the same question and is not empty",
        "warning",
        "question",
        each_question(equals_own_category),
    ),
    Rule(
        "bracketed_answer",
        "A placeholder of a template was left in place of an answer.",
        "the whole answer stands in <>, [] or {}",
        "warning",
        "question",
        each_question(is_bracketed),
    ),
    Rule(
        "contradicting_answer",
        "One caption cannot match two different gold answers to one question.",
        "a normal question that stood in the row before, with another normal answer than the first time",
        "warning",
        "question",
        find_contradictions,
    ),
    Rule(
        "yes_no_answer",
        "A judge that guesses is right half of the time.",
        "the normal answer is yes or no, alone or followed by a comma, semicolon, colon or stop",
        "info",
        "question",
        each_question(is_yes_or_no),
    ),
    Rule(
        "long_answer",
        "A gold answer this long asks for several facts at once.",
        f"answer has more than {LONG_ANSWER_WORDS} words",
        "info",
        "question",
        each_question(is_long_answer),
    ),
    Rule(
        "stray_quote",
        "A quotation mark without partner shows that the text was cut out of a list.",
        "answer has exactly one ', \" or ` and begins or ends with it (a plural's final s' excepted)",
        "info",
        "question",
        each_question(has_stray_quote),
    ),
)
