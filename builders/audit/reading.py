"""Reading a benchmark for the audit: every row of every file as it stands, duplicates included."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from builders.audit.model import AuditQuestion, AuditRow, AuditTables
from vdc.benchmark.folder import read_folder
from vdc.benchmark.layout import RawRow, find_question_files, iter_rows
from vdc.benchmark.load import SAMPLE_NAME
from vdc.benchmark.model import Benchmark
from vdc.benchmark.normalise import normal_answer, normal_category, normal_question
from vdc.benchmark.sample import SAMPLE_FOLDER
from vdc.errors import InputError, Problem, unknown_name
from vdc.sections import Section

CATEGORY_VOCABULARY_MINIMUM: Final = 100
"""A normal category this frequent over all files together is a label of the benchmark, not free text."""

Rows = Mapping[Section, Sequence[RawRow]]


def read_tables(name_or_path: str | os.PathLike[str], *, revision: str | None = None) -> AuditTables:
    """Read a benchmark row by row.

    Args:
        name_or_path: What ``vdc.load_benchmark`` takes: ``sample``, ``vdc``, ``owner/set`` of the Hub, a folder in the
            published layout, or an export. An export has one row per video, in the order of the export.
        revision: Branch, tag or commit on the Hub. For a local source: the revision it must have.

    Raises:
        InputError: No such source, a local one of another revision, or files of another structure; lists every line
            that is wrong.
    """
    name = os.fspath(name_or_path)
    folder = Path(name)
    if name == SAMPLE_NAME:
        sample = read_folder(SAMPLE_FOLDER, name=SAMPLE_NAME, source="sample")
        return _require(_read_rows(SAMPLE_FOLDER, sample), revision)
    if folder.is_dir():
        return _require(_read_local(folder), revision)
    from vdc.benchmark.hub import HUB_ALIASES, PUBLISHED_SET, fetch, is_hub_name

    hub_name = HUB_ALIASES.get(name, name)
    if folder.exists() or not is_hub_name(hub_name):
        problem = unknown_name("benchmark", name, [SAMPLE_NAME, *HUB_ALIASES, PUBLISHED_SET])
        expected = f"{problem.expected}, an existing folder of section files, or a board file (a JSON list of models)"
        raise InputError(replace(problem, expected=expected))
    snapshot = fetch(hub_name, revision=revision)
    return replace(_read_local(snapshot.folder), name=hub_name, source="hub", revision=snapshot.commit)


def prepare(rows: Rows, benchmark: Benchmark | None = None) -> AuditTables:
    """Prepare rows for the rules: normal forms and the category vocabulary.

    Args:
        rows: Section -> rows in file order.
        benchmark: Where they come from: its name, source, revision and files are recorded.
    """
    prepared = {section: [_prepare_row(row) for row in section_rows] for section, section_rows in rows.items()}
    counts = Counter(
        question.normal_category
        for section_rows in prepared.values()
        for row in section_rows
        for question in row.questions
    )
    # An empty category is no word an answer could repeat, however often it occurs.
    vocabulary = frozenset(word for word, count in counts.items() if word and count >= CATEGORY_VOCABULARY_MINIMUM)
    if benchmark is None:
        return AuditTables("rows", "memory", None, {}, prepared, vocabulary)
    return AuditTables(
        benchmark.name, benchmark.source, benchmark.revision, dict(benchmark.files), prepared, vocabulary
    )


def _require(tables: AuditTables, revision: str | None) -> AuditTables:
    if revision is None or revision == tables.revision:
        return tables
    raise InputError(
        Problem(
            found=f"revision {tables.revision}",
            expected=f"revision {revision}",
            do_next="leave the revision out, or name the source that has it",
            where=tables.name,
        )
    )


def _prepare_row(row: RawRow) -> AuditRow:
    questions = tuple(
        AuditQuestion(
            question,
            normal_question(question.question),
            normal_answer(question.gold),
            normal_category(question.category or ""),
        )
        for question in row.questions
    )
    return AuditRow(row.section, row.video_id, row.line, questions)


def _read_local(folder: Path) -> AuditTables:
    from vdc.benchmark.parquet import is_export, read_export

    if not is_export(folder):
        return _read_rows(folder, read_folder(folder))
    benchmark = read_export(folder)
    rows: dict[Section, list[RawRow]] = {}
    for (video, section), questions in benchmark.questions.items():
        section_rows = rows.setdefault(section, [])
        section_rows.append(RawRow(section, video, len(section_rows) + 1, questions))
    return prepare(rows, benchmark)


def _read_rows(folder: Path, benchmark: Benchmark) -> AuditTables:
    # The benchmark has checked every line already, but keeps only the last row of an id: read again for the others.
    rows = {section: list(iter_rows(path, section, [])) for section, path in find_question_files(folder).items()}
    return prepare(rows, benchmark)
