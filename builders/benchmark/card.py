"""The card of a published benchmark: what is in it, under which licences, how it was made, what was left out."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from builders.benchmark.manifest import StepRecord
from builders.benchmark.model import Clip
from vdc.benchmark.model import Benchmark
from vdc.benchmark.statistics import benchmark_statistics

_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"))


@dataclass(frozen=True, slots=True)
class CardFacts:
    """What the card says beside the statistics.

    Args:
        name: Of the benchmark.
        licence: Of the texts, as an id of the Hub.
        language: Of the texts.
        model: Model and sampling that wrote them.
        prompts: Name of a prompt set -> its hash.
        steps: Step -> what it did.
        with_videos: Whether the clips are part of the set.
    """

    name: str
    licence: str
    language: str
    model: Mapping[str, Any]
    prompts: Mapping[str, str]
    steps: Mapping[str, StepRecord]
    with_videos: bool


def make_card(benchmark: Benchmark, clips: Sequence[Clip], facts: CardFacts) -> str:
    """The card as Markdown with the header that the Hub reads."""
    return "\n".join(
        [
            *_header(benchmark, facts),
            f"# {facts.name}",
            "",
            _summary(benchmark),
            "",
            *_statistics(benchmark),
            *_licences(clips, facts),
            *_making(facts),
            *_files(facts),
        ]
    )


def _summary(benchmark: Benchmark) -> str:
    videos, questions = f"{len(benchmark.videos):,}", f"{benchmark.question_count:,}"
    words = (
        f"Detailed video captions in five sections, with questions about each: {videos} videos, {questions} questions."
    )
    return f"{words} Built with vdc-toolkit; scored with `vdc score --benchmark`."


def _header(benchmark: Benchmark, facts: CardFacts) -> list[str]:
    size = next((name for most, name in _SIZES if benchmark.question_count < most), "n>1M")
    configs = [("questions", "questions.parquet"), ("captions", "captions.parquet"), ("videos", "videos.parquet")]
    # JSON texts are YAML texts: no name can break the header
    return [
        "---",
        f"pretty_name: {json.dumps(facts.name)}",
        f"license: {json.dumps(facts.licence)}",
        f"language: [{json.dumps(facts.language)}]",
        "task_categories: [video-text-to-text]",
        f"size_categories: [{json.dumps(size)}]",
        "configs:",
        *(
            f"- {{config_name: {name}, data_files: [{{split: test, path: {file}}}]"
            f"{', default: true' if name == 'questions' else ''}}}"
            for name, file in configs
        ),
        "---",
        "",
    ]


def _statistics(benchmark: Benchmark) -> list[str]:
    counted = benchmark_statistics(benchmark, top_categories=5)
    rows = [*counted.sections.items(), ("all", counted.total)]
    table = [
        [
            str(name),
            f"{part.videos:,}",
            f"{part.captions.words:,}",
            f"{part.captions.vocabulary:,}",
            f"{part.captions.mean_words or 0:.1f}",
            f"{part.questions.texts:,}",
            f"{part.questions.texts / part.videos if part.videos else 0:.1f}",
            ", ".join(f"{category or 'none'} {count}" for category, count in part.categories.items()),
        ]
        for name, part in rows
    ]
    head = ["section", "videos", "caption words", "vocabulary", "words per caption", "questions", "per video"]
    return ["## Statistics", "", *_table([*head, "most frequent categories"], table), ""]


def _licences(clips: Sequence[Clip], facts: CardFacts) -> list[str]:
    counts = Counter((clip.licence, _place(clip.origin)) for clip in clips)
    rows = [[licence, origin, f"{count:,}"] for (licence, origin), count in sorted(counts.items())]
    which = "The clips are part of this set" if facts.with_videos else "The clips are not part of this set"
    return [
        "## Licences",
        "",
        f"Captions and questions: {facts.licence}. {which}; the licence of each stands in `videos.parquet`.",
        "",
        *_table(["licence of the videos", "origin", "clips"], rows),
        "",
    ]


def _making(facts: CardFacts) -> list[str]:
    rows = [
        [
            name,
            f"{record.taken:,}",
            f"{record.kept:,}",
            _counts(record.filtered),
            _counts(record.failed),
        ]
        for name, record in facts.steps.items()
    ]
    model = ", ".join(f"{key} {value}" for key, value in facts.model.items() if value is not None)
    prompts = ", ".join(f"`{name}` ({digest[:16]})" for name, digest in facts.prompts.items())
    return [
        "## How it was made",
        "",
        f"Captions and questions were written by a model ({model}) with the prompt sets {prompts}.",
        "",
        *_table(["step", "in", "out", "left out by rule", "failed"], rows),
        "",
    ]


def _files(facts: CardFacts) -> list[str]:
    lines = [
        "## Files",
        "",
        "- `questions.parquet`, `captions.parquet`, `videos.parquet`: the tables; `datasets.load_dataset` reads them",
        "- `VDCScore_qa/*.jsonl`, `VDC_1k.jsonl`: the same in the layout of the published benchmark",
        "- `vdc_benchmark.json`: header that `vdc` checks; `checksums.sha256`: `sha256sum -c` checks every file",
    ]
    return [*lines, *(["- `videos/`: the clips"] if facts.with_videos else []), ""]


def _place(origin: str) -> str:
    """The origin without the single address behind it, so that a table has one row per source."""
    head, _, tail = origin.rpartition(" (")
    return head if head and "://" in tail else origin


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{reason} {count:,}" for reason, count in counts.items()) or "0"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    def line(cells: Iterable[str]) -> str:
        return (
            "| " + " | ".join(" ".join(cell.split()).replace("|", "\\|").replace("<", "&lt;") for cell in cells) + " |"
        )

    return [line(head), "|" + " --- |" * len(head), *(line(row) for row in rows)]
