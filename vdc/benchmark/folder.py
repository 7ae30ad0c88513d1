"""Reading a benchmark from a folder in the published layout, and writing that layout."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from vdc.benchmark.layout import RawRow, find_caption_file, find_question_files, iter_rows, read_captions
from vdc.benchmark.model import Benchmark, Question
from vdc.errors import InputError, Problem
from vdc.sections import SECTIONS, Section
from vdc.textio import FileBytes, read_bytes, read_json, show_path, write_atomic

ORIGIN_FILE: Final = "vdc_origin.json"
"""Written by ``vdc data pull`` beside the files: where they came from and their hashes."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the files of a folder were fetched from.

    Args:
        name: Name of the set on the Hub.
        revision: The commit.
        files: File name, relative to the folder -> SHA-256.
    """

    name: str
    revision: str
    files: Mapping[str, str]


def read_folder(folder: Path, *, name: str | None = None, source: str = "folder") -> Benchmark:
    """Read a folder in the published layout; only some of the sections may be there.

    An id on more than one line of a section keeps its last line, as the published scorer does, and is reported in
    ``duplicate_ids``.

    Args:
        folder: See :mod:`vdc.benchmark.layout` for where its files may lie.
        name: Name of the benchmark; the folder's own when not given.
        source: Recorded as the benchmark's source.

    Returns:
        The benchmark. Its revision is a hash over names and contents of the files, or the Hub's commit where the folder
        was made by ``vdc data pull`` and its files are unchanged since.

    Raises:
        InputError: No section file, an unreadable file, or lines of another structure; lists all of them.
    """
    problems: list[Problem] = []
    hashes: dict[str, str] = {}
    lines: dict[Section, list[RawRow]] = {}
    for section, path in find_question_files(folder).items():
        content = read_bytes(path)
        hashes[path.relative_to(folder).as_posix()] = content.sha256
        lines[section] = list(iter_rows(content, section, problems))
        if not content.data.strip():
            problems.append(
                Problem("an empty file", "one line per video", "download or write it again", show_path(path))
            )
    captions: dict[tuple[str, Section], str] = {}
    if caption_file := find_caption_file(folder):
        content = read_bytes(caption_file)
        hashes[caption_file.name] = content.sha256
        captions = read_captions(content, problems)
    if problems:
        raise InputError(problems, f"{show_path(folder)}: {len(problems)} problems; nothing was read")
    questions, duplicates = _last_row_wins(lines)
    origin = _read_origin(folder, hashes)
    return Benchmark(
        name=name or (origin.name if origin else folder.resolve().name),
        source=source,
        revision=origin.revision if origin else content_hash(hashes),
        questions=questions,
        files=hashes,
        duplicate_ids=duplicates,
        missing_ids=missing_ids(questions),
        captions=captions,
    )


def content_hash(files: Mapping[str, str]) -> str:
    """Short hash (16 hexadecimal characters) over file names and their SHA-256, independent of their order."""
    text = "\n".join(f"{name} {digest}" for name, digest in sorted(files.items()))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def missing_ids(questions: Mapping[tuple[str, Section], tuple[Question, ...]]) -> dict[Section, tuple[str, ...]]:
    """Per section that has questions: ids of the other sections that it lacks; sections that lack none are left out."""
    present: dict[Section, set[str]] = {}
    for video, section in questions:
        present.setdefault(section, set()).add(video)
    everything = dict.fromkeys(video for video, _ in questions)
    missing = {
        section: tuple(video for video in everything if video not in present[section])
        for section in SECTIONS
        if section in present
    }
    return {section: ids for section, ids in missing.items() if ids}


def write_origin(folder: Path, origin: Origin) -> None:
    """Record where the files of ``folder`` came from."""
    record = {"schema_version": 1, "name": origin.name, "revision": origin.revision, "files": dict(origin.files)}
    write_atomic(folder / ORIGIN_FILE, json.dumps(record, indent=2) + "\n")


def hash_files(folder: Path) -> dict[str, FileBytes]:
    """The files of a benchmark folder by name relative to it: section files, then gold captions where there are any."""
    paths = [*find_question_files(folder).values()]
    if caption_file := find_caption_file(folder):
        paths.append(caption_file)
    return {path.relative_to(folder).as_posix(): read_bytes(path) for path in paths}


def _last_row_wins(
    lines: Mapping[Section, list[RawRow]],
) -> tuple[dict[tuple[str, Section], tuple[Question, ...]], dict[Section, tuple[str, ...]]]:
    questions: dict[tuple[str, Section], tuple[Question, ...]] = {}
    duplicates: dict[Section, dict[str, None]] = {}
    for section, rows in lines.items():
        for row in rows:
            key = (row.video_id, section)
            # Taken out first, so that the row that counts also stands where it stood in the file.
            if questions.pop(key, None) is not None:
                duplicates.setdefault(section, {})[row.video_id] = None
            questions[key] = row.questions
    for section, ids in duplicates.items():
        logger.info("section %s: %d ids on more than one line, the last line counts", section, len(ids))
    return questions, {section: tuple(ids) for section, ids in duplicates.items()}


def _read_origin(folder: Path, hashes: Mapping[str, str]) -> Origin | None:
    path = folder / ORIGIN_FILE
    if not path.is_file():
        return None
    problems: list[Problem] = []
    record = read_json(path, problems, lenient=True)
    if not isinstance(record, dict) or not all(isinstance(record.get(key), str) for key in ("name", "revision")):
        logger.warning("%s cannot be read; the folder counts as a plain one", show_path(path))
        return None
    if record.get("files") != dict(hashes):
        logger.warning("%s does not fit the files beside it; the folder counts as a plain one", show_path(path))
        return None
    return Origin(record["name"], record["revision"], hashes)
