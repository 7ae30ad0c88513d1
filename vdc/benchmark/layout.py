"""The published folder layout: where its files lie, and what stands on their lines.

One file ``<section>.jsonl`` per section, in the folder itself, in ``VDCScore_qa/`` (the hosted set) or in
``annotations/`` (its older form). A line is ``{video_id: [{"question": ..., "answer": ..., "category": ...}, ...]}``;
``category`` may be absent. Gold captions stand in ``VDC_1k.jsonl``, one
``{"video_id": ..., "captions": {"short_caption": ...}}`` per line.
The line order differs between the files, so nothing is ever joined by line.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from vdc.benchmark.model import Question
from vdc.benchmark.video_ids import strip_extension
from vdc.errors import InputError, Problem
from vdc.sections import SECTIONS, Section, find_section
from vdc.textio import FileBytes, Source, excerpt, iter_json_lines, show_path

QUESTION_FOLDERS: Final = ("", "VDCScore_qa", "annotations")
"""Where the section files lie below the folder that was named; the first that has any is read."""

CAPTION_FILES: Final = ("VDC_1k.jsonl", "VDC_1k_captions.jsonl")
"""Names of the gold captions' file: as hosted, and as the published scorer calls it."""

ROW_FORM: Final = 'one object {"<video id>": [{"question": "...", "answer": "..."}, ...]} per line'

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RawRow:
    """One line of a section file as it stands there, duplicates included.

    Args:
        section: The section of the file.
        video_id: The line's key without a video extension.
        line: Line number from 1.
        questions: Its questions in order, empty ones included; never none.
    """

    section: Section
    video_id: str
    line: int
    questions: tuple[Question, ...]


def find_question_files(folder: Path) -> dict[Section, Path]:
    """The section files of a benchmark folder, in the order of ``SECTIONS``; not all five need to be there.

    Args:
        folder: The folder itself or the one above ``VDCScore_qa/`` or ``annotations/``.

    Raises:
        InputError: No section file anywhere, or two files for one section.
    """
    for name in QUESTION_FOLDERS:
        found: dict[Section, list[Path]] = {}
        for path in sorted((folder / name).glob("*.jsonl*")):
            stem, _, ending = path.name.partition(".jsonl")
            section = find_section(stem)
            if section is not None and ending in ("", ".gz"):
                found.setdefault(section, []).append(path)
        if found:
            return _one_file_each(found)
    try:
        there = sorted(path.name for path in folder.iterdir())[:8]
    except OSError as error:
        raise InputError(
            Problem(
                found=f"a folder that cannot be read ({error.strerror})",
                expected="a folder of section files",
                do_next="check its permissions",
                where=show_path(folder),
            )
        ) from error
    raise InputError(
        Problem(
            found=f"no section file (it has {', '.join(map(repr, there)) or 'nothing in it'})",
            expected=f"files named {', '.join(f'{section}.jsonl' for section in SECTIONS)}, at least one of them, here "
            "or in VDCScore_qa/",
            do_next="name the folder that holds them; vdc data pull --out DIR makes one from the Hub",
            where=show_path(folder),
        )
    )


def find_caption_file(folder: Path) -> Path | None:
    """The file of gold captions in a benchmark folder, None where there is none."""
    return next((folder / name for name in CAPTION_FILES if (folder / name).is_file()), None)


def iter_rows(source: Source, section: Section, problems: list[Problem]) -> Iterator[RawRow]:
    """The rows of one section file, every line once, in the order of the file.

    Args:
        source: A path, or content already read with :func:`vdc.textio.read_bytes`.
        section: The section the file is about.
        problems: Receives everything wrong, with line numbers; a wrong line is not yielded.

    Raises:
        InputError: The file cannot be read at all.
    """
    shown = source.path if isinstance(source, FileBytes) else show_path(source)
    for line, value in iter_json_lines(source, problems, lenient=True):
        row = _read_row(value, section, line, f"{shown}:{line}", problems)
        if row is not None:
            yield row


def read_captions(source: Source, problems: list[Problem]) -> dict[tuple[str, Section], str]:
    """Gold captions of a file in the form of ``VDC_1k.jsonl``; on a repeated id the last line counts.

    Captions are not needed for scoring, so keys that name no section are left alone, and a line without any caption is
    counted in a warning instead of refused.

    Args:
        source: A path, or content already read.
        problems: Receives what is wrong, with line numbers.

    Returns:
        (video_id, section) -> caption.
    """
    shown = source.path if isinstance(source, FileBytes) else show_path(source)
    captions: dict[tuple[str, Section], str] = {}
    without: list[int] = []
    for line, value in iter_json_lines(source, problems, lenient=True):
        where = f"{shown}:{line}"
        video = value.get("video_id") if isinstance(value, dict) else None
        if not isinstance(video, str) or not video:
            problems.append(
                Problem(
                    found=f"a line without a video id: {excerpt(value)}",
                    expected='{"video_id": "...", "captions": {"short_caption": "...", ...}}',
                    do_next="correct the line, or take the file of captions out of the folder: scoring needs none",
                    where=where,
                )
            )
            continue
        texts = value.get("captions")
        has_caption = False
        for key, text in (texts if isinstance(texts, dict) else {}).items():
            section = find_section(key)
            if section is None:
                continue
            has_caption = True
            if isinstance(text, str):
                captions.pop((strip_extension(video), section), None)
                captions[strip_extension(video), section] = text
            else:
                problems.append(
                    Problem(f"{key} = {excerpt(text)}", "a caption as text", "write the caption as a string", where)
                )
        if not has_caption:
            without.append(line)
    if without:
        logger.warning("%s: %d lines add no caption, the first is line %d", shown, len(without), without[0])
    return captions


def _one_file_each(found: Mapping[Section, list[Path]]) -> dict[Section, Path]:
    problems = [
        Problem(
            found=f"{len(paths)} files for section {section}: {', '.join(path.name for path in paths)}",
            expected="one file per section",
            do_next="keep the one that is meant",
            where=show_path(paths[0].parent),
        )
        for section, paths in found.items()
        if len(paths) > 1
    ]
    if problems:
        raise InputError(problems)
    return {section: found[section][0] for section in SECTIONS if section in found}


def _read_row(value: Any, section: Section, line: int, where: str, problems: list[Problem]) -> RawRow | None:
    if not isinstance(value, dict) or len(value) != 1:
        keys = f"an object with {len(value)} keys" if isinstance(value, dict) else excerpt(value)
        problems.append(Problem(keys, ROW_FORM, "write one video per line, its id as the only key", where))
        return None
    (name, items), *_ = value.items()
    if not name.strip():
        problems.append(Problem("an empty video id", "the video's id", "write the id as the key", where))
        return None
    if not isinstance(items, list) or not items:
        found = "a video without questions" if items == [] else f"{excerpt(items)} in place of the questions"
        problems.append(Problem(found, ROW_FORM, "list at least one question, or remove the line", where))
        return None
    before = len(problems)
    video = strip_extension(name)
    questions = tuple(
        Question(video, section, index, item["question"], item["answer"], item.get("category"))
        for index, item in enumerate(items)
        if _is_question(item, index, where, problems)
    )
    return RawRow(section, video, line, questions) if len(problems) == before else None


def _is_question(item: Any, index: int, where: str, problems: list[Problem]) -> bool:
    if isinstance(item, dict):
        category = item.get("category")
        if (
            isinstance(item.get("question"), str)
            and isinstance(item.get("answer"), str)
            and (category is None or isinstance(category, str))
        ):
            return True
    problems.append(
        Problem(
            found=f"question {index + 1} is {excerpt(item)}",
            expected='{"question": "...", "answer": "..."} with both as text; "category" may be there, as text',
            do_next="correct this question",
            where=where,
        )
    )
    return False
