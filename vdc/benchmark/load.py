"""The two calls that read a benchmark, whatever it is: the sample, a folder, an export, or a set on the Hub."""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from vdc.benchmark.folder import read_folder
from vdc.benchmark.model import Benchmark
from vdc.benchmark.sample import SAMPLE_FOLDER
from vdc.errors import InputError, Problem, unknown_name
from vdc.sections import SECTIONS, Section, parse_section
from vdc.textio import show_path

if TYPE_CHECKING:
    import datasets

SAMPLE_NAME: Final = "sample"

Split = Literal["questions", "captions"]

SPLITS: Final[dict[str, Split]] = {"questions": "questions", "captions": "captions", "VDC_captions": "captions"}
"""Names of a split on input; ``VDC_captions`` is the hosted set's."""


def load_benchmark(
    name_or_path: str | os.PathLike[str] | None = None,
    *,
    sections: Collection[str] | str | None = None,
    limit: int | None = None,
    revision: str | None = None,
) -> Benchmark:
    """The joined benchmark: questions by video and section, and what its files had wrong.

    Args:
        name_or_path: ``sample`` (the bundled one; also the default), ``vdc`` (the published set), any ``owner/set`` of
            the Hub in the published layout, a folder in that layout (five ``<section>.jsonl``, or some of them), or a
            folder written by ``vdc data export``. A folder that exists wins over an
            ``owner/set`` of the Hub, but not over the two short names: write ``./vdc`` for a folder of that name.
        sections: Only these, or only this one; aliases such as ``object`` are accepted. None keeps all.
        limit: Only the first so many videos, in order of first appearance. None keeps all.
        revision: Branch, tag or commit on the Hub. For a local source: the revision it must have.

    Returns:
        The benchmark. An id that stands on several lines of a section keeps its last line.

    Raises:
        InputError: No such source, files of another structure (with line numbers), a section the source lacks, a limit
            below 1, a local source of another revision, or a Hub that cannot be reached.

    Example:
        >>> import vdc
        >>> vdc.load_benchmark("sample", sections=["short"]).sections
        ('short',)
    """
    if limit is not None and limit < 1:
        raise InputError(Problem(f"a limit of {limit} videos", "1 or more", "raise it, or leave it out for all videos"))
    names = [sections] if isinstance(sections, str) else sections
    wanted = None if names is None else [parse_section(name) for name in names]
    benchmark = _read(SAMPLE_NAME if name_or_path is None else os.fspath(name_or_path), revision)
    absent = [section for section in wanted or () if section not in benchmark.sections]
    if absent:
        raise InputError(
            Problem(
                found=f"no questions for {', '.join(absent)}",
                expected=f"sections it has: {', '.join(benchmark.sections)}",
                do_next="leave them out, or name a benchmark that has them",
                where=benchmark.name,
            )
        )
    return benchmark if wanted is None and limit is None else benchmark.select(wanted, limit)


def load_dataset(
    name_or_path: str | os.PathLike[str] | None = None,
    section: str | None = None,
    split: str = "questions",
    revision: str | None = None,
) -> datasets.Dataset | datasets.DatasetDict:
    """The benchmark as ``datasets`` objects.

    Args:
        name_or_path: As in :func:`load_benchmark`.
        section: One section; None gives all.
        split: ``questions`` (one row per question: video_id, section, question_index, question, gold, category) or
            ``captions`` (one row per gold caption: video_id, section, caption; also under its hosted name
            ``VDC_captions``).
        revision: As in :func:`load_benchmark`.

    Returns:
        A ``Dataset`` for one section, a ``DatasetDict`` from section to ``Dataset`` for all.

    Raises:
        InputError: As in :func:`load_benchmark`; an unknown split; or a source without gold captions.
    """
    if split not in SPLITS:
        raise InputError(unknown_name("split", split, SPLITS))
    only: Section | None = None if section is None else parse_section(section)
    benchmark = load_benchmark(name_or_path, sections=None if only is None else [only], revision=revision)
    if SPLITS[split] == "captions":
        present = {key[1] for key in benchmark.captions}
        found = tuple(name for name in SECTIONS if name in present and only in (None, name))
        if not found:
            raise InputError(
                Problem(
                    found="no gold captions",
                    expected="a source with VDC_1k.jsonl",
                    do_next="use split='questions', or put the file of captions beside the section files",
                    where=benchmark.name,
                )
            )
    else:
        found = benchmark.sections
    tables = {name: _dataset(benchmark, name, SPLITS[split]) for name in found}
    if only is not None:
        return tables[only]

    import datasets

    return datasets.DatasetDict(tables)


def _read(name: str, revision: str | None) -> Benchmark:
    folder = Path(name)
    if name == SAMPLE_NAME:
        return _require(read_folder(SAMPLE_FOLDER, name=SAMPLE_NAME, source="sample"), revision)
    from vdc.benchmark.hub import HUB_ALIASES, PUBLISHED_SET, fetch, is_hub_name

    # An alias is never a folder: in a checkout of this project a folder called vdc lies in the way of everyone.
    kind = "nothing" if name in HUB_ALIASES else _kind(folder)
    if kind == "folder":
        return _require(_read_local(folder), revision)
    if kind == "file":
        raise InputError(
            Problem("a file", "a folder of section files", "name the folder the file lies in", show_path(folder))
        )
    hub_name = HUB_ALIASES.get(name, name)
    if not is_hub_name(hub_name):
        problem = unknown_name("benchmark", name, [SAMPLE_NAME, *HUB_ALIASES, PUBLISHED_SET])
        expected = f"{problem.expected}, another owner/set of the Hub, or an existing folder"
        raise InputError(replace(problem, expected=expected))
    snapshot = fetch(hub_name, revision=revision)
    return replace(_read_local(snapshot.folder), name=hub_name, source="hub", revision=snapshot.commit)


def _kind(path: Path) -> Literal["folder", "file", "nothing"]:
    try:
        return "folder" if path.is_dir() else "file" if path.exists() else "nothing"
    except OSError:
        # A name too long for the file system is no path.
        return "nothing"


def _read_local(folder: Path) -> Benchmark:
    from vdc.benchmark.parquet import is_export, read_export

    return read_export(folder) if is_export(folder) else read_folder(folder)


def _require(benchmark: Benchmark, revision: str | None) -> Benchmark:
    if revision is not None and revision != benchmark.revision:
        raise InputError(
            Problem(
                found=f"revision {benchmark.revision}",
                expected=f"revision {revision}",
                do_next="leave the revision out, or name the source that has it",
                where=benchmark.name,
            )
        )
    return benchmark


def _dataset(benchmark: Benchmark, section: Section, split: Split) -> datasets.Dataset:
    import datasets

    from vdc.benchmark.parquet import caption_table, question_table

    table: Any = (question_table if split == "questions" else caption_table)(benchmark, [section])
    texts: dict[str, Any] = {name: datasets.Value("string") for name in table.column_names}
    if split == "questions":
        texts["question_index"] = datasets.Value("int64")
    # Explicit on this side too: readers differ in the string type they choose by themselves.
    features = datasets.Features(texts)
    info = datasets.DatasetInfo(
        description=f"{benchmark.name}, revision {benchmark.revision}, section {section}", features=features
    )
    return datasets.Dataset(table, info=info)
