"""What a benchmark is, once read: questions by video and section, and what its files had wrong."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

from vdc.sections import SECTIONS, Section


@dataclass(frozen=True, slots=True)
class Question:
    """One question about one section of one video.

    Args:
        video_id: The video's id without a file extension.
        section: The caption section it grades.
        index: Position in the video's list for this section, from 0. The same question text may stand in a list
            twice and then counts twice, so only (video_id, section, index) is unique.
        question: The question as published, not normalised.
        gold: The ground-truth answer.
        category: Free-text label, None where the file has no such key. Never used in scoring.
    """

    video_id: str
    section: Section
    index: int
    question: str
    gold: str
    category: str | None = None


@dataclass(frozen=True)
class Benchmark:
    """A joined benchmark.

    Args:
        name: Hub name, folder name, or ``sample``.
        source: Where it was read from: ``hub``, ``folder``, ``parquet`` or ``sample``.
        revision: Hub commit or content hash; None when the source has none.
        questions: (video_id, section) -> its questions in file order. Iteration order: sections in the order of
            ``SECTIONS``, inside a section the order of the file.
        files: File name -> SHA-256 of its bytes, for the run record.
        duplicate_ids: Section -> ids that stood on more than one line (the last line was kept).
        missing_ids: Section -> ids of the union of all sections that this section lacks.
        captions: (video_id, section) -> gold caption, where the source has them.
        limit: Number of videos kept by :meth:`select`, None when whole.
    """

    name: str
    source: str
    revision: str | None
    questions: Mapping[tuple[str, Section], tuple[Question, ...]]
    files: Mapping[str, str] = field(default_factory=dict)
    duplicate_ids: Mapping[Section, tuple[str, ...]] = field(default_factory=dict)
    missing_ids: Mapping[Section, tuple[str, ...]] = field(default_factory=dict)
    captions: Mapping[tuple[str, Section], str] = field(default_factory=dict)
    limit: int | None = None

    @cached_property
    def videos(self) -> tuple[str, ...]:
        """Ids of all videos, in order of first appearance."""
        return tuple(dict.fromkeys(video for video, _ in self.questions))

    @cached_property
    def sections(self) -> tuple[Section, ...]:
        """Sections that have questions, in the order of ``SECTIONS``."""
        present = {section for _, section in self.questions}
        return tuple(section for section in SECTIONS if section in present)

    @cached_property
    def question_count(self) -> int:
        """Number of questions over all videos and sections."""
        return sum(len(row) for row in self.questions.values())

    def select(self, sections: Collection[Section] | None = None, limit: int | None = None) -> Benchmark:
        """The part of the benchmark with these sections and the first ``limit`` videos; None keeps all."""
        kept = set(self.videos if limit is None else self.videos[:limit])
        wanted = set(self.sections if sections is None else sections)
        questions = {
            (video, section): row
            for (video, section), row in self.questions.items()
            if video in kept and section in wanted
        }
        return replace(self, questions=questions, limit=limit if limit is not None else self.limit)
