"""Statistics of a benchmark, counted by hand."""

from __future__ import annotations

import json

import pytest

from vdc.benchmark.model import Benchmark, Question
from vdc.benchmark.statistics import benchmark_statistics, count_words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The dog's close-up, the DOG'S.", ["the", "dog's", "close-up", "the", "dog's"]),
        ("2.5 caf\u00e9s - or_more", ["2", "5", "caf\u00e9s", "or", "more"]),
        ("", []),
    ],
)
def test_words(text: str, words: list[str]) -> None:
    assert count_words(text) == words


def test_statistics_by_hand() -> None:
    benchmark = Benchmark(
        "small",
        "folder",
        None,
        questions={
            ("a", "short"): (Question("a", "short", 0, "What barks?", "a dog", "Animal"),),
            ("b", "short"): (
                Question("b", "short", 0, "What meows?", "cat", "animal'"),
                Question("b", "short", 1, "Where?", "", ""),
            ),
            ("a", "camera"): (Question("a", "camera", 0, "What moves?", "the camera", "motion"),),
        },
        captions={("a", "short"): "A dog barks. A dog.", ("a", "camera"): "It pans"},
    )
    result = benchmark_statistics(benchmark)
    short = result.sections["short"]
    assert (short.captions.texts, short.captions.words, short.captions.vocabulary) == (1, 5, 3)
    assert (short.questions.words, short.questions.vocabulary) == (5, 4)
    assert short.golds.mean_words == 1.0
    assert short.categories == {"animal": 2, "": 1}
    assert result.total.videos == 2
    assert result.total.captions.vocabulary == 5
    assert result.total.captions.mean_words == 3.5
    assert list(benchmark_statistics(benchmark, top_categories=1).total.categories) == ["animal"]
    json.dumps(result.as_json())


def test_without_captions_there_is_no_mean() -> None:
    benchmark = Benchmark("small", "folder", None, questions={("a", "short"): (Question("a", "short", 0, "q", "a"),)})
    assert benchmark_statistics(benchmark).total.captions.mean_words is None
    assert benchmark_statistics(benchmark).total.categories == {}
