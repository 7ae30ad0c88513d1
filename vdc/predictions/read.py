"""Reading and checking a file of captions, whatever its format: ``read_predictions`` and ``validate_predictions``."""

from __future__ import annotations

import logging
import os
from collections.abc import Collection
from dataclasses import dataclass

from vdc.benchmark.model import Benchmark
from vdc.errors import InputError, Problem, unknown_name
from vdc.fileio import MAX_BYTES, read_bytes
from vdc.predictions.collect import Collector
from vdc.predictions.formats import FORMATS, detect
from vdc.predictions.model import PredictionSet
from vdc.predictions.rows import PredictionFile
from vdc.sections import parse_section
from vdc.textio import MAX_PROBLEMS, gave_up

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Examination:
    """What reading a file came to.

    Args:
        problems: Everything wrong, file first, then by line; empty when the file can be scored.
        predictions: The captions; None when there are problems.
        notes: What is worth knowing about the file though nothing is wrong with it; also there beside problems.
    """

    problems: tuple[Problem, ...]
    predictions: PredictionSet | None
    notes: tuple[str, ...] = ()


def read_predictions(
    path: str | os.PathLike[str],
    *,
    sections: Collection[str] | None = None,
    section: str | None = None,
    benchmark: Benchmark | None = None,
    lenient: bool = False,
    format: str | None = None,  # noqa: A002
    max_bytes: int = MAX_BYTES,
) -> PredictionSet:
    """The captions of a file in any known format, found by looking into it; gzip is unpacked on the way.

    Empty captions are captions. Rows of a section nobody asked for are checked and left out.

    Args:
        path: The file.
        sections: Sections to keep, names or aliases; None keeps all.
        section: The section of captions that do not say theirs; a file that says another one keeps it.
        benchmark: Whole benchmark, to know which videos there are; None accepts every id.
        lenient: Accept a byte order mark, CR LF, duplicates (the last one wins) and unknown videos (left out), counted.
        format: A name of :data:`vdc.predictions.formats.FORMATS`; None looks into the file.
        max_bytes: Limit for the file and for its unpacked content.

    Returns:
        The captions by (video id without extension, section), and what was tolerated.

    Raises:
        InputError: With every problem of the file and its line numbers.

    Example:
        >>> read_predictions("captions.jsonl", section="short").sections  # doctest: +SKIP
        frozenset({'short'})
    """
    found = examine_predictions(
        path,
        sections=sections,
        section=section,
        benchmark=benchmark,
        lenient=lenient,
        format=format,
        max_bytes=max_bytes,
    )
    if found.predictions is None:
        raise InputError(found.problems)
    for note in found.notes:
        logger.info("%s: %s", found.predictions.path, note)
    return found.predictions


def validate_predictions(
    path: str | os.PathLike[str],
    *,
    sections: Collection[str] | None = None,
    section: str | None = None,
    benchmark: Benchmark | None = None,
    lenient: bool = False,
    format: str | None = None,  # noqa: A002
    max_bytes: int = MAX_BYTES,
) -> list[Problem]:
    """Everything that :func:`read_predictions`, called with the same arguments, would refuse; empty when nothing."""
    found = examine_predictions(
        path,
        sections=sections,
        section=section,
        benchmark=benchmark,
        lenient=lenient,
        format=format,
        max_bytes=max_bytes,
    )
    return list(found.problems)


def examine_predictions(
    path: str | os.PathLike[str],
    *,
    sections: Collection[str] | None = None,
    section: str | None = None,
    benchmark: Benchmark | None = None,
    lenient: bool = False,
    format: str | None = None,  # noqa: A002
    max_bytes: int = MAX_BYTES,
) -> Examination:
    """What :func:`read_predictions` would return or refuse, without raising; arguments as there."""
    try:
        wanted = None if sections is None else frozenset(parse_section(name, "--section") for name in sections)
        stated = None if section is None else parse_section(section, "--section")
        if format is not None and format not in FORMATS:
            raise InputError(unknown_name("format", format, FORMATS, "--format"))
        content = read_bytes(path, max_bytes=max_bytes)
        file = PredictionFile(content, lenient=lenient, section=stated, max_bytes=max_bytes)
    except InputError as error:
        return Examination(tuple(error.problems), None)
    kind = detect(file) if format is None else FORMATS[format]
    if kind is None:
        return Examination(tuple(file.problems), None)
    collector = Collector(file, kind, benchmark, wanted)
    for row in kind.read(file):
        collector.add(row)
        if len(file.problems) >= MAX_PROBLEMS:
            file.problems.append(gave_up(file.where(row.line, kind.unit)))
            break
    else:
        collector.finish()
    if file.facts.bom and lenient:
        file.notes.append("the byte order mark at the start was skipped")
    if file.facts.crlf_lines and lenient:
        file.notes.append(f"{file.facts.crlf_lines:,} line ends of the form CR LF were accepted")
    if file.facts.replaced_surrogates:
        file.notes.append(f"{file.facts.replaced_surrogates:,} lone surrogates were replaced by U+FFFD")
    notes = tuple(file.notes)
    if file.problems:
        return Examination(tuple(file.problems), None, notes)
    predictions = PredictionSet(
        path=file.path,
        format=kind.name,
        sha256=file.content.sha256,
        captions=collector.captions,
        duplicates=collector.duplicates,
        unknown=collector.unknown,
        empty=collector.empty,
        notes=notes,
    )
    return Examination((), predictions, notes)
