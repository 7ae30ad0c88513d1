"""Building blocks of rules: from a test on one question or row to a rule over a section."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from builders.audit.model import AuditQuestion, AuditRow, AuditTables, Finding, SectionCheck
from vdc.sections import Section

SHOWN_CHARACTERS = 60
"""Longest part of a question or answer in a finding."""

QuestionTest = Callable[[AuditQuestion, AuditTables], bool]

RowTest = Callable[[AuditRow, AuditTables], str | None]
"""Says in a few words what is wrong with a row, None when nothing is."""


def each_question(test: QuestionTest) -> SectionCheck:
    """A rule that finds every question for which ``test`` holds."""

    def find(section: Section, tables: AuditTables) -> Iterator[Finding]:
        for row in tables.rows[section]:
            for question in row.questions:
                if test(question, tables):
                    yield question_finding(row, question)

    return find


def each_row(test: RowTest) -> SectionCheck:
    """A rule that finds every row about which ``test`` has something to say."""

    def find(section: Section, tables: AuditTables) -> Iterator[Finding]:
        for row in tables.rows[section]:
            detail = test(row, tables)
            if detail is not None:
                yield Finding(row.video_id, row.line, None, detail)

    return find


def question_finding(row: AuditRow, question: AuditQuestion) -> Finding:
    """A finding that shows the question and its gold answer."""
    detail = f"{shorten(question.source.question)} -> {shorten(question.source.gold)}"
    return Finding(row.video_id, row.line, question.source.index, detail)


def shorten(text: str) -> str:
    """Text on one line, at most ``SHOWN_CHARACTERS`` long."""
    line = " ".join(text.split()) or "(empty)"
    return line if len(line) <= SHOWN_CHARACTERS else f"{line[: SHOWN_CHARACTERS - 3]}..."
