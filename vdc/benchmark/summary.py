"""What is in a benchmark, counted: the figures of ``vdc data info``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from vdc.benchmark.model import Benchmark
from vdc.benchmark.statistics import BenchmarkStatistics, SectionStatistics, benchmark_statistics
from vdc.benchmark.video_ids import ID_FAMILIES, IdFamily, id_family
from vdc.sections import Section


@dataclass(frozen=True, slots=True)
class SectionSummary:
    """One section in figures.

    Args:
        videos: Videos that have questions.
        questions: Questions, after the last-row rule.
        fewest, median, mean, most: Questions per video; the median is the element number ceil(n/2) of the sorted list.
        empty_questions: Questions without text.
        duplicate_ids: Ids that stood on more than one line.
        missing_ids: Ids of other sections that this one lacks.
        captions: Gold captions; 0 where the source has none.
        caption_words: Mean words per gold caption; None without captions.
        vocabulary: Distinct words of the gold captions, case folded; None without captions.
    """

    videos: int
    questions: int
    fewest: int
    median: int
    mean: float
    most: int
    empty_questions: int
    duplicate_ids: tuple[str, ...]
    missing_ids: tuple[str, ...]
    captions: int
    caption_words: float | None
    vocabulary: int | None


@dataclass(frozen=True, slots=True)
class BenchmarkSummary:
    """A benchmark in figures.

    Args:
        name, source, revision: As in :class:`~vdc.benchmark.model.Benchmark`.
        videos: All videos.
        questions: All questions.
        sections: Figures per section, in the order of the sections.
        id_families: Form of id -> videos with such an id.
        files: File name -> SHA-256.
        words: Words of all gold captions; None without captions.
        statistics: Words, vocabulary, mean lengths and categories of captions, questions and answers.
    """

    name: str
    source: str
    revision: str | None
    videos: int
    questions: int
    sections: Mapping[Section, SectionSummary]
    id_families: Mapping[IdFamily, int]
    files: Mapping[str, str]
    words: int | None
    statistics: BenchmarkStatistics

    def as_json(self) -> dict[str, Any]:
        """The same as plain JSON values."""
        return {**asdict(self), "sections": {section: asdict(row) for section, row in self.sections.items()}}


def summarise(benchmark: Benchmark) -> BenchmarkSummary:
    """Count what a benchmark holds."""
    families = Counter(id_family(video) for video in benchmark.videos)
    statistics = benchmark_statistics(benchmark)
    return BenchmarkSummary(
        name=benchmark.name,
        source=benchmark.source,
        revision=benchmark.revision,
        videos=len(benchmark.videos),
        questions=benchmark.question_count,
        sections={
            section: _summarise_section(benchmark, section, statistics.sections[section])
            for section in benchmark.sections
        },
        id_families={family: families[family] for family in ID_FAMILIES if families[family]},
        files=dict(benchmark.files),
        words=statistics.total.captions.words if benchmark.captions else None,
        statistics=statistics,
    )


def _summarise_section(benchmark: Benchmark, section: Section, statistics: SectionStatistics) -> SectionSummary:
    rows = [row for key, row in benchmark.questions.items() if key[1] == section]
    sizes = sorted(len(row) for row in rows)
    captions = statistics.captions
    return SectionSummary(
        videos=len(rows),
        questions=sum(sizes),
        fewest=sizes[0],
        median=sizes[(len(sizes) + 1) // 2 - 1],
        mean=sum(sizes) / len(sizes),
        most=sizes[-1],
        empty_questions=sum(not question.question.strip() for row in rows for question in row),
        duplicate_ids=benchmark.duplicate_ids.get(section, ()),
        missing_ids=benchmark.missing_ids.get(section, ()),
        captions=captions.texts,
        caption_words=captions.mean_words,
        vocabulary=captions.vocabulary if captions.texts else None,
    )
