"""Our own export: ``questions.parquet``, ``captions.parquet`` and a JSON header that describes and checks them."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, cast

from vdc.benchmark.model import Benchmark, Question
from vdc.errors import InputError, Problem
from vdc.sections import SECTIONS, Section
from vdc.textio import read_bytes, read_json, show_path, write_atomic

HEADER_FILE: Final = "vdc_benchmark.json"
QUESTIONS_FILE: Final = "questions.parquet"
CAPTIONS_FILE: Final = "captions.parquet"
EXPORT_FILES: Final = (HEADER_FILE, QUESTIONS_FILE, CAPTIONS_FILE)
SCHEMA_VERSION: Final = 1

QUESTION_COLUMNS: Final = ("video_id", "section", "question_index", "question", "gold", "category")
CAPTION_COLUMNS: Final = ("video_id", "section", "caption")


def write_export(benchmark: Benchmark, folder: Path) -> dict[str, str]:
    """Write a benchmark as Parquet. Name, revision, hashes and what its files had wrong travel in the header.

    Args:
        benchmark: Any benchmark, whole or a part.
        folder: Made if it does not exist; files of an earlier export in it are replaced.

    Returns:
        File name -> SHA-256 of the Parquet files written.

    Raises:
        RunFailed: The folder cannot be written.
    """
    tables = {QUESTIONS_FILE: question_table(benchmark)}
    if benchmark.captions:
        tables[CAPTIONS_FILE] = caption_table(benchmark)
    written: dict[str, str] = {}
    for name, table in tables.items():
        data = _parquet_bytes(table)
        write_atomic(folder / name, data)
        written[name] = hashlib.sha256(data).hexdigest()
    header = {
        "schema_version": SCHEMA_VERSION,
        "name": benchmark.name,
        "revision": benchmark.revision,
        "limit": benchmark.limit,
        "videos": len(benchmark.videos),
        "questions": benchmark.question_count,
        "duplicate_ids": {section: list(ids) for section, ids in benchmark.duplicate_ids.items()},
        "missing_ids": {section: list(ids) for section, ids in benchmark.missing_ids.items()},
        "files": dict(benchmark.files),
        "parquet": written,
    }
    # Last: a folder with a header is a folder with whole tables.
    write_atomic(folder / HEADER_FILE, json.dumps(header, indent=2, ensure_ascii=False) + "\n")
    if CAPTIONS_FILE not in written:
        (folder / CAPTIONS_FILE).unlink(missing_ok=True)
    return written


def is_export(folder: Path) -> bool:
    """Whether the folder holds an export."""
    return (folder / HEADER_FILE).is_file()


def read_export(folder: Path) -> Benchmark:
    """Read an export. ``files`` are the hashes of the files it was made from, so that runs stay comparable.

    Raises:
        InputError: A header of another form, a missing table, or one that differs from its hash in the header.
    """
    header = _read_header(folder)
    problems: list[Problem] = []
    tables: dict[str, Any] = {}
    for name, digest in header["parquet"].items():
        content = read_bytes(folder / name)
        if content.sha256 != digest:
            problems.append(
                Problem(
                    found=f"SHA-256 {content.sha256[:16]}...",
                    expected=f"{str(digest)[:16]}..., as {HEADER_FILE} says",
                    do_next="the file was changed or cut short after the export: export or copy it again",
                    where=show_path(folder / name),
                )
            )
        else:
            tables[name] = _read_table(content.data, folder / name)
    if QUESTIONS_FILE not in header["parquet"]:
        problems.append(Problem(f"no {QUESTIONS_FILE}", "a table of questions", "export it again", show_path(folder)))
    if problems:
        raise InputError(problems)
    return Benchmark(
        name=header["name"],
        source="parquet",
        revision=header.get("revision"),
        questions=_questions(tables[QUESTIONS_FILE]),
        files=dict(header["files"]),
        duplicate_ids=_ids(header["duplicate_ids"]),
        missing_ids=_ids(header["missing_ids"]),
        captions={(row["video_id"], row["section"]): row["caption"] for row in tables.get(CAPTIONS_FILE, [])},
        limit=header.get("limit"),
    )


def question_table(benchmark: Benchmark, sections: Iterable[Section] | None = None) -> Any:
    """Questions as an Arrow table: video_id, section, question_index, question, gold, category."""
    import pyarrow as pa

    wanted = set(SECTIONS if sections is None else sections)
    rows = [
        question
        for (_, section), questions in benchmark.questions.items()
        if section in wanted
        for question in questions
    ]
    return pa.table(
        {
            "video_id": pa.array([row.video_id for row in rows], pa.string()),
            "section": pa.array([row.section for row in rows], pa.string()),
            "question_index": pa.array([row.index for row in rows], pa.int64()),
            "question": pa.array([row.question for row in rows], pa.string()),
            "gold": pa.array([row.gold for row in rows], pa.string()),
            "category": pa.array([row.category for row in rows], pa.string()),
        }
    )


def caption_table(benchmark: Benchmark, sections: Iterable[Section] | None = None) -> Any:
    """Gold captions as an Arrow table: video_id, section, caption."""
    import pyarrow as pa

    wanted = set(SECTIONS if sections is None else sections)
    rows = [(video, section, text) for (video, section), text in benchmark.captions.items() if section in wanted]
    return pa.table(
        {name: pa.array([row[column] for row in rows], pa.string()) for column, name in enumerate(CAPTION_COLUMNS)}
    )


def _parquet_bytes(table: Any) -> bytes:
    import pyarrow.parquet as pq

    sink = io.BytesIO()
    pq.write_table(table, sink, compression="zstd")
    return sink.getvalue()


def _read_table(data: bytes, path: Path) -> list[dict[str, Any]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = CAPTION_COLUMNS if path.name == CAPTIONS_FILE else QUESTION_COLUMNS
    try:
        table = pq.read_table(io.BytesIO(data))
    except (pa.ArrowException, OSError) as error:
        raise InputError(
            Problem(f"no readable Parquet ({error})", "an export of vdc data export", "export it again", str(path))
        ) from error
    if tuple(table.column_names) != columns:
        found = f"columns {', '.join(table.column_names)}"
        raise InputError(Problem(found, f"columns {', '.join(columns)}", "export it again", str(path)))
    rows = cast("list[dict[str, Any]]", table.to_pylist())
    wrong = [
        Problem(
            f"a row with section {row['section']!r} or an empty cell",
            "a section and no empty cell but category",
            "export it again",
            f"{path}, row {number}",
        )
        for number, row in enumerate(rows, 1)
        if row["section"] not in SECTIONS or any(row[name] is None for name in columns if name != "category")
    ]
    if wrong:
        raise InputError(wrong)
    return rows


def _questions(rows: Iterable[Mapping[str, Any]]) -> dict[tuple[str, Section], tuple[Question, ...]]:
    grouped: dict[tuple[str, Section], list[Question]] = {}
    for row in rows:
        key = (row["video_id"], row["section"])
        grouped.setdefault(key, []).append(
            Question(key[0], key[1], row["question_index"], row["question"], row["gold"], row["category"])
        )
    return {key: tuple(questions) for key, questions in grouped.items()}


def _ids(record: Mapping[str, list[str]]) -> dict[Section, tuple[str, ...]]:
    return {section: tuple(record[section]) for section in SECTIONS if section in record}


def _read_header(folder: Path) -> dict[str, Any]:
    path = folder / HEADER_FILE
    problems: list[Problem] = []
    header = read_json(path, problems, lenient=True)
    if problems:
        raise InputError(problems)
    header = header if isinstance(header, dict) else {}
    version = header.get("schema_version")
    tables = header.get("parquet")
    whole = isinstance(tables, dict) and set(tables) <= set(EXPORT_FILES[1:]) and isinstance(header.get("name"), str)
    records = all(isinstance(header.get(key), dict) for key in ("files", "duplicate_ids", "missing_ids"))
    if version != SCHEMA_VERSION or not whole or not records:
        raise InputError(
            Problem(
                found=f"a header with schema_version {version!r}",
                expected=f"schema_version {SCHEMA_VERSION}, a name, and hashes of {QUESTIONS_FILE} and {CAPTIONS_FILE}",
                do_next="export the benchmark again with this version of the tool",
                where=show_path(path),
            )
        )
    return header
