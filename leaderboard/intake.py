"""What is checked about submitted files before anything is spent on them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from leaderboard.benchmarks import Benchmarks
from leaderboard.db.models import SubmissionKind
from leaderboard.names import check_name, check_text
from leaderboard.parquet_pages import BrokenPage, page_sizes
from vdc.benchmark.model import Benchmark
from vdc.errors import InputError, Problem
from vdc.fileio import file_sha256
from vdc.predictions.read import read_predictions
from vdc.records import RECORD, read_record
from vdc.sections import SECTIONS

PREDICTIONS: Final = "predictions"
RUN_RECORD: Final = RECORD
VERDICTS: Final = "verdicts.parquet"
ROLES: Final = (PREDICTIONS, RUN_RECORD, VERDICTS)

MAX_RECORD_BYTES: Final = 4 << 20
_VERDICT_BYTES_PER_QUESTION: Final = 16_384
"""Unpacked; a real verdict takes about 400. Above it the table is no table of verdicts but a bomb."""

_VERDICT_BYTES: Final = 512 << 20
_MAX_COLUMNS: Final = 64
_DICTIONARY_BYTES: Final = 2 << 20
"""Largest dictionary page; writers keep them to one megabyte. Each of the rows read at once may repeat all of it."""

_ROWS_AT_ONCE: Final = 64
_MOST_TEXT: Final = 100_000
_MOST_CAPTION: Final = 100_000
_OPTION: Final = re.compile(r"(, or )?pass --lenient [^;]*$")


@dataclass(frozen=True, slots=True)
class Intake:
    """What a submission is, once checked.

    Args:
        benchmark: The board's name of the benchmark.
        sections: Sections it will have numbers for.
        note: What was recognised, for the record of the transition.
        missing: Captions of these sections that are not there; they count as wrong.
    """

    benchmark: str
    sections: tuple[str, ...]
    note: str
    missing: int = 0


def check_files(
    kind: SubmissionKind,
    folder: Path,
    benchmarks: Benchmarks,
    details: Mapping[str, Any],
    benchmark: str | None,
    unpacked_bytes: int,
) -> Intake:
    """Read everything that was handed in, without judging anything.

    Args:
        kind: Predictions or a run.
        folder: Holds the files under their roles.
        benchmarks: The board's.
        details: What the submitter said; ``section`` names the section of a file whose rows do not.
        benchmark: The benchmark the submitter named; None recognises it by its videos.
        unpacked_bytes: Largest content of a packed file.

    Raises:
        InputError: Something is wrong with what was handed in; lists all of it.
        RunFailed: The board's own benchmark cannot be read.
    """
    if kind is SubmissionKind.RUN:
        return _check_run(folder, benchmarks, benchmark)
    try:
        return _check_predictions(folder, benchmarks, details, benchmark, unpacked_bytes)
    except InputError as error:
        # What the command line could overlook, the board does not.
        told = [replace(one, do_next=_OPTION.sub("", one.do_next) or "send each once") for one in error.problems]
        raise InputError(told) from error


def _check_predictions(
    folder: Path, benchmarks: Benchmarks, details: Mapping[str, Any], benchmark: str | None, unpacked_bytes: int
) -> Intake:
    path, section = folder / PREDICTIONS, details.get("section")
    name, how = benchmark, "as named"
    if name is None:
        blind = read_predictions(path, section=section, max_bytes=unpacked_bytes)
        name, how = benchmarks.recognise({video for video, _ in blind.captions}), "recognised by its videos"
    whole = benchmarks.load(name)
    found = read_predictions(path, section=section, benchmark=whole, max_bytes=unpacked_bytes)
    longest = max((len(one.caption) for one in found.captions.values()), default=0)
    if longest > _MOST_CAPTION:
        told = f"a caption of {longest:,} characters"
        raise InputError(Problem(told, f"at most {_MOST_CAPTION:,}", "cut it: no judge reads so much", PREDICTIONS))
    sections = tuple(one for one in SECTIONS if one in found.sections)
    note = f"{len(found.captions):,} captions ({found.format}) for {', '.join(sections)} of {name}, {how}"
    missing = len(whole.select(sections).questions.keys() - found.captions.keys())
    return Intake(name, sections, note, missing)


def _check_run(folder: Path, benchmarks: Benchmarks, named: str | None) -> Intake:
    if (folder / RUN_RECORD).stat().st_size > MAX_RECORD_BYTES:
        found = f"a run.json of more than {MAX_RECORD_BYTES:,} bytes"
        raise InputError(Problem(found, "the record that vdc score wrote", "send the run folder as it was written"))
    record = read_record(folder)
    _check_texts(record, RUN_RECORD)
    claimed = record.get("benchmark")
    claimed_name = str(claimed.get("name")) if isinstance(claimed, dict) else ""
    name = named or benchmarks.name_of(claimed_name)
    if name is None:
        found = f"a run on the benchmark {claimed_name[:120]!r}"
        expected = f"a run on one of {', '.join(benchmarks.names)}"
        raise InputError(Problem(found, expected, "score the captions on one of them", RUN_RECORD))
    benchmark = benchmarks.load(name)
    _check_size(folder / VERDICTS, benchmark)
    from scoring.report.folder import read_run

    run = read_run(folder)
    for key in ("kind", "model"):
        if run.facts.judge.get(key) is not None:
            check_name(str(run.facts.judge[key]), f"judge {key}")
    check_name(str(run.facts.prompts.get("name") or "none"), "prompt set's name")
    sections = check_questions(run.verdicts, benchmark)
    predictions = folder / PREDICTIONS
    recorded = run.facts.predictions.get("sha256")
    if predictions.is_file() and file_sha256(predictions) != recorded:
        raise InputError(
            Problem(
                f"captions with the hash {file_sha256(predictions)[:12]}...",
                f"the file that the run was made of, {str(recorded)[:12]}...",
                "send the very file that was scored",
                PREDICTIONS,
            )
        )
    return Intake(name, sections, f"a run of {len(run.verdicts):,} verdicts on {name}")


def _check_texts(value: Any, place: str) -> None:
    """Refuse characters anywhere in a record that would show as something else, or nowhere."""
    if isinstance(value, str):
        check_text(value, place, most=_MOST_TEXT)
    elif isinstance(value, dict):
        for key, one in value.items():
            check_text(str(key), place, most=_MOST_TEXT)
            _check_texts(one, f"{place}, {str(key)[:40]}")
    elif isinstance(value, list):
        for one in value:
            _check_texts(one, place)


def check_questions(verdicts: Any, benchmark: Benchmark) -> tuple[str, ...]:
    """The sections of a verdict table that answers every question of these sections, once and in the same words.

    Raises:
        InputError: Questions are missing, added or changed.
    """
    sections = tuple(section for section in SECTIONS if section in set(verdicts["section"]))
    part = benchmark.select([section for section in sections if section in benchmark.sections])
    expected = {
        (question.video_id, question.section, question.index): (question.question, question.gold)
        for questions in part.questions.values()
        for question in questions
    }
    columns = ("video_id", "section", "question_index", "question", "gold")
    given = {
        (video, section, int(index)): (question, gold)
        for video, section, index, question, gold in zip(*(verdicts[name] for name in columns), strict=True)
    }
    problems = []
    for what, keys in (
        ("missing", expected.keys() - given.keys()),
        ("not in the benchmark", given.keys() - expected.keys()),
        ("with other words", {key for key in expected.keys() & given.keys() if expected[key] != given[key]}),
    ):
        if keys:
            first = min(keys)
            problems.append(
                Problem(
                    f"{len(keys):,} questions {what}, the first is {first[0][:80]}/{first[1]}/{first[2]}",
                    f"the {len(expected):,} questions of {benchmark.name}",
                    "score again with this benchmark's revision; runs on a part of it cannot be submitted",
                    VERDICTS,
                )
            )
    if problems:
        raise InputError(problems)
    return sections


def _check_size(path: Path, benchmark: Benchmark) -> None:
    """Refuse a table by what its footer says, by what its pages say, then piece by piece: a footer may lie."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    do_next = "send the verdicts.parquet that vdc score wrote"
    rows = max(1, benchmark.question_count)
    most = min(rows * _VERDICT_BYTES_PER_QUESTION, _VERDICT_BYTES)
    try:
        # Before the library reads it: a damaged footer can end its process.
        sizes = page_sizes(path, most)
        facts = pq.read_metadata(path)
        unpacked = sum(facts.row_group(place).total_byte_size for place in range(facts.num_row_groups))
        fits = facts.num_rows <= rows and facts.num_columns <= _MAX_COLUMNS and unpacked <= most
        if fits:
            unpacked, fits = sizes.total, sizes.total <= most and sizes.dictionary <= _DICTIONARY_BYTES
        if fits:
            unpacked = _unpacked_bytes(path, most)
            fits = unpacked <= most
    except (pa.ArrowException, BrokenPage, OSError) as error:
        found = f"no Parquet file ({str(error).splitlines()[0][:200]})"
        raise InputError(Problem(found, "the verdicts of a run", do_next, VERDICTS)) from error
    if not fits:
        found = f"{facts.num_rows:,} rows, {facts.num_columns:,} columns, {unpacked:,} bytes unpacked or more"
        expected = f"at most {rows:,} rows of verdicts"
        raise InputError(Problem(found, expected, do_next, VERDICTS))


def _unpacked_bytes(path: Path, most: int) -> int:
    """What the columns hold, one after the other; stops once it is more than ``most``."""
    import pyarrow.parquet as pq

    unpacked = 0
    file = pq.ParquetFile(path)
    for name in file.schema_arrow.names:
        for batch in file.iter_batches(batch_size=_ROWS_AT_ONCE, columns=[name]):
            unpacked += int(batch.nbytes)
            if unpacked > most:
                return unpacked
    return unpacked
