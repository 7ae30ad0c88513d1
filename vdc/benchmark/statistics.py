"""Words, vocabulary, lengths and categories of a benchmark, by a stated rule.

A word is a run of letters and digits, inner apostrophes and hyphens included ("person's", "close-up" and "2.5"
give 1, 1 and 2 words), compared in lower case. The published table does not say how it counted.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Final

from vdc.benchmark.model import Benchmark
from vdc.benchmark.normalise import normal_category
from vdc.sections import Section

_WORD: Final = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")


@dataclass(frozen=True, slots=True)
class TextStatistics:
    """Size of a collection of texts.

    Args:
        texts: How many texts.
        words: Words of all texts together.
        vocabulary: Distinct words.
        mean_words: Words per text; None without texts.
    """

    texts: int
    words: int
    vocabulary: int
    mean_words: float | None


@dataclass(frozen=True, slots=True)
class SectionStatistics:
    """Statistics of one section.

    Args:
        videos: Videos with questions.
        captions: Gold captions; zero texts where the source has none.
        questions: Questions.
        golds: Gold answers.
        categories: Normal category -> questions, most first.
    """

    videos: int
    captions: TextStatistics
    questions: TextStatistics
    golds: TextStatistics
    categories: dict[str, int]


@dataclass(frozen=True, slots=True)
class BenchmarkStatistics:
    """Statistics of a benchmark: per section, and all sections together.

    Args:
        sections: Section -> statistics.
        total: The same over all sections; its vocabulary is the union, its videos are distinct.
    """

    sections: dict[Section, SectionStatistics]
    total: SectionStatistics

    def as_json(self) -> dict[str, Any]:
        """All numbers as JSON value."""
        return asdict(self)


def count_words(text: str) -> list[str]:
    """The words of a text in lower case, in order, see the module."""
    return _WORD.findall(text.lower())


def benchmark_statistics(benchmark: Benchmark, *, top_categories: int | None = None) -> BenchmarkStatistics:
    """Words, vocabulary, average lengths and category distribution of a benchmark.

    Args:
        benchmark: Any benchmark; the last row of a repeated id counts, as in scoring.
        top_categories: Only the most frequent so many categories, None for all. Empty categories count as "".
    """
    sections = {section: _statistics(benchmark, {section}, top_categories) for section in benchmark.sections}
    return BenchmarkStatistics(sections, _statistics(benchmark, set(benchmark.sections), top_categories))


def _statistics(benchmark: Benchmark, wanted: set[Section], top: int | None) -> SectionStatistics:
    rows = {key: row for key, row in benchmark.questions.items() if key[1] in wanted}
    questions = [question for row in rows.values() for question in row]
    categories = Counter(normal_category(q.category) for q in questions if q.category is not None)
    ordered = sorted(categories.items(), key=lambda pair: (-pair[1], pair[0]))
    return SectionStatistics(
        videos=len({video for video, _ in rows}),
        captions=_text_statistics(text for (_, section), text in benchmark.captions.items() if section in wanted),
        questions=_text_statistics(question.question for question in questions),
        golds=_text_statistics(question.gold for question in questions),
        categories=dict(ordered[:top]),
    )


def _text_statistics(texts: Iterable[str]) -> TextStatistics:
    counts: Counter[str] = Counter()
    number = 0
    for text in texts:
        number += 1
        counts.update(count_words(text))
    words = counts.total()
    return TextStatistics(number, words, len(counts), words / number if number else None)
