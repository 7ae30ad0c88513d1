"""What the audit passes from layer to layer: prepared rows, rules, findings and the finished audit."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Generic, Literal, TypeVar

from vdc.benchmark.model import Question
from vdc.benchmark.normalise import content_words
from vdc.sections import SECTIONS, Section

Severity = Literal["error", "warning", "info"]
"""``error``: the question or file is broken; ``warning``: it may mislead a score; ``info``: worth knowing."""

Level = Literal["question", "row", "file", "board"]
"""What one finding of a rule is about."""

SHOWN_ITEMS = 20
"""Findings listed per rule in the JSON; all are counted."""


@dataclass(frozen=True, slots=True)
class AuditQuestion:
    """One question as it stands in its file, with its normal forms.

    Args:
        source: The question as published.
        normal_question: See :func:`vdc.benchmark.normalise.normal_question`.
        normal_answer: The same for its gold answer.
        normal_category: The same for its category; empty where it has none.
    """

    source: Question
    normal_question: str
    normal_answer: str
    normal_category: str


@dataclass(frozen=True, slots=True)
class AuditRow:
    """One line of a section file.

    Args:
        section: The section of the file.
        video_id: The id on the line.
        line: Line number from 1.
        questions: All questions of the line.
    """

    section: Section
    video_id: str
    line: int
    questions: tuple[AuditQuestion, ...]


@dataclass(frozen=True)
class AuditTables:
    """A benchmark as the rules see it: every row of every file, duplicates included.

    Args:
        name: Name of the benchmark.
        source: ``hub``, ``folder``, ``parquet`` or ``sample``.
        revision: Commit or content hash, None when there is none.
        files: File name -> SHA-256.
        rows: Section -> its rows in file order.
        category_vocabulary: Normal categories that occur often enough to be labels rather than free text.
    """

    name: str
    source: str
    revision: str | None
    files: Mapping[str, str]
    rows: Mapping[Section, Sequence[AuditRow]]
    category_vocabulary: frozenset[str]

    @cached_property
    def sections(self) -> tuple[Section, ...]:
        """Sections that have a file."""
        return tuple(section for section in SECTIONS if section in self.rows)

    @cached_property
    def video_ids(self) -> Mapping[Section, frozenset[str]]:
        """Ids per section."""
        return {section: frozenset(row.video_id for row in self.rows[section]) for section in self.sections}

    @cached_property
    def all_ids(self) -> tuple[str, ...]:
        """Ids of all sections together, sorted."""
        return tuple(sorted(frozenset[str]().union(*self.video_ids.values())))

    @cached_property
    def last_rows(self) -> Mapping[Section, Mapping[str, AuditRow]]:
        """Per section and id the row that counts in scoring: the last one."""
        return {section: {row.video_id: row for row in self.rows[section]} for section in self.sections}

    @cached_property
    def texts(self) -> Mapping[Section, Mapping[str, str]]:
        """Per section and id: all questions and answers of the row that counts, joined by spaces."""
        return {
            section: {video: row_text(row) for video, row in self.last_rows[section].items()}
            for section in self.sections
        }

    @cached_property
    def words(self) -> Mapping[Section, Mapping[str, frozenset[str]]]:
        """Per section and id: content words of ``texts``."""
        return {
            section: {video: content_words(text) for video, text in self.texts[section].items()}
            for section in self.sections
        }


def row_text(row: AuditRow) -> str:
    """Questions and answers of a row, joined by spaces."""
    return " ".join(f"{question.source.question} {question.source.gold}" for question in row.questions)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing a rule found.

    Args:
        video_id: The video, or the model of a board.
        line: Line in the file, or row of a board from 0; None where there is none.
        question_index: Position in the row, from 0; None when the finding is about more than one question.
        detail: What was found, short.
    """

    video_id: str
    line: int | None = None
    question_index: int | None = None
    detail: str = ""

    def as_json(self) -> dict[str, Any]:
        """The finding with all its keys, null where a value does not apply."""
        return {
            "video_id": self.video_id,
            "line": self.line,
            "question_index": self.question_index,
            "detail": self.detail,
        }


SectionCheck = Callable[[Section, AuditTables], Iterator[Finding]]
"""Finds what one rule looks for in one section; sees the whole benchmark, changes nothing."""

CrossCheck = Callable[[AuditTables], Iterator[Finding]]
"""Finds what one rule looks for between sections."""

Check = TypeVar("Check")


@dataclass(frozen=True, slots=True)
class Rule(Generic[Check]):
    """A named rule.

    Args:
        id: Stable name, as in the JSON.
        reason: One line: why anyone should care.
        definition: Exactly when it fires and what is counted.
        severity: See ``Severity``.
        level: What one finding is about.
        find: The rule itself.
        removes: Whether the clean list leaves out what it finds: the question, or the row of a row rule.
    """

    id: str
    reason: str
    definition: str
    severity: Severity
    level: Level
    find: Check
    removes: bool = False


SectionRule = Rule[SectionCheck]
CrossRule = Rule[CrossCheck]


@dataclass(frozen=True, slots=True)
class RowStatistics:
    """How many questions rows have and how categories spread, over the file as it is.

    Args:
        minimum: Fewest questions in a row.
        median: Nearest rank.
        mean: Rounded to four decimals.
        maximum: Most questions in a row.
        raw_categories: Distinct categories as written.
        normal_categories: Distinct normal categories.
    """

    minimum: int
    median: int
    mean: float
    maximum: int
    raw_categories: int
    normal_categories: int


@dataclass(frozen=True, slots=True)
class SectionAudit:
    """What was found in one section.

    Args:
        rows: Lines of the file.
        videos: Distinct ids.
        questions: Questions on all lines.
        statistics: See :class:`RowStatistics`.
        findings: Rule id -> all findings, every rule with an entry.
    """

    rows: int
    videos: int
    questions: int
    statistics: RowStatistics
    findings: Mapping[str, Sequence[Finding]]


@dataclass(frozen=True, slots=True)
class WordOverlap:
    """How alike the words of two sections are.

    Args:
        videos: Videos present in both.
        overlap: Mean Jaccard over the same video, rounded to four decimals.
        control: Mean Jaccard over pairs of different videos.
    """

    videos: int
    overlap: float
    control: float


@dataclass(frozen=True)
class Audit:
    """The audit of a benchmark.

    Args:
        name: Name of the benchmark.
        source: Where it was read from.
        revision: Commit or content hash.
        files: File name -> SHA-256.
        sections: Section -> findings.
        overlap: (section, other section) -> word overlap; both orders, as the control differs.
        cross_findings: Rule id -> findings of the rules that compare sections.
        clean: The clean list as JSON value, see :mod:`builders.audit.clean_list`.
        tables: What was audited, for reports.
    """

    name: str
    source: str
    revision: str | None
    files: Mapping[str, str]
    sections: Mapping[Section, SectionAudit]
    overlap: Mapping[tuple[Section, Section], WordOverlap]
    cross_findings: Mapping[str, Sequence[Finding]]
    clean: Mapping[str, Any]
    tables: AuditTables = field(repr=False)
