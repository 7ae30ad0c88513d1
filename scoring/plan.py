"""Everything that is decided before the first call: what is scored, against what, by which judge.

``vdc score``, ``--dry-run`` and ``--batch`` start from the same plan, so they speak of the same run.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scoring.captions import MAX_CAPTION_CHARACTERS, ReadyCaption, caption_counts, prepare_captions
from scoring.question_sets import QuestionSets, choose_questions
from vdc.benchmark.load import load_benchmark
from vdc.benchmark.model import Benchmark
from vdc.errors import InputError, Problem
from vdc.predictions.model import PredictionSet
from vdc.predictions.read import read_predictions
from vdc.sections import SECTIONS, Section, parse_section
from vdc.settings import lookup


@dataclass(frozen=True)
class Plan:
    """What will be scored.

    Args:
        benchmark: Only the sections and videos that will be scored.
        predictions: The whole file.
        captions: (video_id, section) -> caption made ready, for every caption that has questions.
        question_sets: Which questions make the headline.
        coverage: The report's ``coverage``.
        notes: The report's ``notes``.
    """

    benchmark: Benchmark
    predictions: PredictionSet
    captions: dict[tuple[str, Section], ReadyCaption]
    question_sets: QuestionSets
    coverage: dict[str, int]
    notes: tuple[str, ...]

    @property
    def questions_to_ask(self) -> int:
        """Questions that have a caption to be answered from."""
        return sum(
            len(questions)
            for key, questions in self.benchmark.questions.items()
            if key in self.captions and self.captions[key].text
        )

    def identity(self) -> dict[str, Any]:
        """The part of the run's id that captions and questions decide."""
        return {
            "predictions": self.predictions.sha256,
            "benchmark": [self.benchmark.name, self.benchmark.revision, dict(self.benchmark.files)],
            "sections": list(self.benchmark.sections),
            "limit": self.benchmark.limit,
            "caption_characters": MAX_CAPTION_CHARACTERS,
            "questions": self.question_sets.identity(),
        }

    def benchmark_facts(self) -> dict[str, Any]:
        """The run record's ``benchmark``."""
        benchmark = self.benchmark
        return {
            "name": benchmark.name,
            "source": benchmark.source,
            "revision": benchmark.revision,
            "files": dict(benchmark.files),
            "videos": len(benchmark.videos),
            "questions": benchmark.question_count,
            "sections": list(benchmark.sections),
            "limit": benchmark.limit,
            "duplicate_ids": {section: list(ids) for section, ids in benchmark.duplicate_ids.items() if ids},
            "missing_ids": {section: list(ids) for section, ids in benchmark.missing_ids.items() if ids},
        }

    def prediction_facts(self) -> dict[str, Any]:
        """The run record's ``predictions``: the file's name without its folder, which is nobody's business."""
        return {
            "name": Path(self.predictions.path).name,
            "format": self.predictions.format,
            "sha256": self.predictions.sha256,
        }


def make_plan(
    predictions: str | os.PathLike[str],
    *,
    benchmark: str | os.PathLike[str] | Benchmark | None = None,
    revision: str | None = None,
    sections: Collection[str] | None = None,
    section: str | None = None,
    limit: int | None = None,
    lenient: bool = False,
    questions: str = "full",
    clean_list: Path | None = None,
) -> Plan:
    """Read both sides and join them.

    Args:
        predictions: A file in any known format.
        benchmark: Name, folder, or a benchmark already loaded; None takes the configured one.
        revision: Of a benchmark on the Hub.
        sections: Score only these; None scores every section the file has captions for.
        section: Section of a file whose rows do not name theirs.
        limit: Only the first so many videos of the benchmark.
        lenient: Tolerate harmless faults of the file, counted; see ``vdc validate``.
        questions: ``full`` or ``clean``: which questions make the headline. All are judged either way.
        clean_list: Clean list of the benchmark; None takes the bundled one where it fits.

    Raises:
        InputError: Anything wrong with either side, all of it.
    """
    if not Path(predictions).is_file():
        # Refused before the benchmark is read, which may mean fetching it.
        read_predictions(predictions)
    whole = benchmark if isinstance(benchmark, Benchmark) else _load(benchmark, revision)
    wanted = None if sections is None else [parse_section(name) for name in sections]
    if wanted is not None and section is not None:
        wanted = [*wanted, parse_section(section)]
    captions = read_predictions(predictions, benchmark=whole, section=section, lenient=lenient)
    chosen = [name for name in SECTIONS if name in (wanted if wanted is not None else captions.sections)]
    _check_sections(chosen, whole, captions)
    if limit is not None and limit < 1:
        raise InputError(Problem(f"a limit of {limit} videos", "1 or more", "raise --limit, or leave it out"))
    part = whole.select(chosen, limit)
    question_sets = choose_questions(whole, questions, clean_list)
    ready = prepare_captions(part, captions)
    coverage = _coverage(whole, part, captions, ready)
    return Plan(part, captions, ready, question_sets, coverage, (*captions.notes, *_notes(part)))


def _load(benchmark: str | os.PathLike[str] | None, revision: str | None) -> Benchmark:
    name = lookup("benchmark", os.fspath(benchmark) if benchmark is not None else None).value
    return load_benchmark(name, revision=revision)


def _check_sections(chosen: list[Section], benchmark: Benchmark, captions: PredictionSet) -> None:
    problems = [
        Problem(
            f"section {section}, which {where}",
            f"one of {', '.join(available)}",
            "leave it out of --section, or give a file or benchmark that has it",
        )
        for section in chosen
        for where, available in (
            (f"{benchmark.name} has no questions for", benchmark.sections),
            ("the file has no caption for", [name for name in SECTIONS if name in captions.sections]),
        )
        if section not in available
    ]
    if problems:
        raise InputError(problems)


def _coverage(
    whole: Benchmark, part: Benchmark, captions: PredictionSet, ready: dict[tuple[str, Section], ReadyCaption]
) -> dict[str, int]:
    known = set(whole.videos if part.limit is None else whole.videos[: part.limit])
    given = [key for key in captions.captions if key[1] in part.sections and key[0] in known]
    return {
        "captions": len(given),
        "expected": len(part.questions),
        "missing": len(part.questions) - len(ready),
        "unknown": captions.unknown,
        "duplicates": captions.duplicates,
        "without_questions": sum(key not in whole.questions for key in given),
        **caption_counts(ready),
    }


def _notes(benchmark: Benchmark) -> list[str]:
    notes = []
    for section in benchmark.sections:
        if ids := benchmark.duplicate_ids.get(section):
            notes.append(f"{section}: {len(ids)} ids stand on more than one line; the last line was used")
        if ids := benchmark.missing_ids.get(section):
            notes.append(f"{section}: {len(ids)} videos of the benchmark have no questions here")
    if benchmark.limit is not None:
        notes.append(f"only the first {benchmark.limit} videos of the benchmark were scored")
    return notes
