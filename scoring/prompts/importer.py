"""``vdc prompts import``: takes the published wordings out of a user's own copy of a scorer and verifies them.

The texts end up in the user's folder only. What cannot be verified is not stored: a run must never carry the name of
a published wording it did not use.
"""

from __future__ import annotations

import ast
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from scoring.prompts.catalog import project_set, stored_file
from scoring.prompts.model import PromptSet
from scoring.prompts.published import Variant, published_variants, wrong_hash
from scoring.prompts.source_reader import MAX_SOURCE_CHARACTERS, UnreadableSourceError, parse_source, read_text
from vdc.errors import InputError, Problem, unknown_name
from vdc.fileio import read_bytes, show_path, write_atomic

MAX_FILES = 200_000
_SKIPPED_FOLDERS = frozenset({".git", ".venv", "venv", "node_modules", "__pycache__", "site-packages"})


@dataclass(frozen=True, slots=True)
class Imported:
    """A verified set, stored.

    Args:
        prompts: The set, under the variant's name.
        equal: Other variants whose four texts are the same.
        path: The file it was read from.
    """

    prompts: PromptSet
    equal: tuple[str, ...]
    path: str


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What came of an import.

    Args:
        sets: What was verified and stored, in the order of the files.
        rejected: What is wrong with files that look like a published scorer and are not one.
    """

    sets: tuple[Imported, ...]
    rejected: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class _Reading:
    """What one file holds for one variant."""

    variant: Variant
    pieces: Mapping[str, str]
    problems: tuple[Problem, ...]


def import_prompts(
    path: str | os.PathLike[str], name: str | None = None, variants: Sequence[Variant] | None = None
) -> ImportResult:
    """Read, verify and store the published prompts of a scorer.

    Args:
        path: The scorer's file, or a folder that has it somewhere below.
        name: Store under this variant's name, where the file equals several.
        variants: Known variants; the table of this project by default.

    Returns:
        The stored sets. From a folder that has several scorers, one for each; rejected files do not hinder the rest.

    Raises:
        InputError: Nothing could be verified; says of the nearest variant which texts differ, with both hashes.
    """
    known = published_variants() if variants is None else tuple(variants)
    if name is not None and name not in [variant.name for variant in known]:
        raise InputError(unknown_name("prompt variant", name, [variant.name for variant in known]))
    place = Path(path)
    candidates = list(_candidates(place, known)) if place.is_dir() else [place]
    if not candidates:
        raise InputError(_nothing_found(show_path(place), known))
    stored: list[Imported] = []
    rejected: list[Problem] = []
    for file in candidates:
        found = _import_file(file, name, known)
        if isinstance(found, Imported):
            stored.append(found)
        else:
            rejected += found
    if not stored:
        raise InputError(rejected)
    return ImportResult(tuple(stored), tuple(rejected))


def _import_file(file: Path, name: str | None, known: Sequence[Variant]) -> Imported | list[Problem]:
    where = show_path(file)
    try:
        tree = parse_source(read_bytes(file, max_bytes=MAX_SOURCE_CHARACTERS).data)
    except UnreadableSourceError as error:
        found = f"no Python source ({error})"
        return [Problem(found, "a scorer's Python file", "give the file or the folder of your copy", where)]
    readings = [_read_variant(tree, variant, where) for variant in known]
    exact = [reading for reading in readings if not reading.problems]
    if not exact:
        return _explain(readings, where, known)
    # Of equal texts, the variant whose file this is; of equal files, the one first in the table.
    best = max(exact, key=lambda reading: _path_agreement(file, reading.variant))
    if name is not None:
        named = [reading for reading in exact if reading.variant.name == name]
        if not named:
            found = f"the texts of {', '.join(reading.variant.name for reading in exact)}"
            return [Problem(found, f"those of {name}", "leave the name out or give another file", where)]
        best = named[0]
    equal = _equal_variants(best.variant, known)
    variant = best.variant
    prompts = PromptSet(
        name=variant.name,
        pieces={**best.pieces, "step2_retry": project_set().pieces["step2_retry"]},
        published=True,
        source={"repo": variant.repo, "commit": variant.commit, "file": variant.file, "imported_as": variant.name},
    )
    store_set(prompts)
    return Imported(prompts, equal, where)


def store_set(prompts: PromptSet) -> Path:
    """Write a set into the user's folder, whole or not at all; returns the file."""
    content = {
        "format_version": 1,
        "name": prompts.name,
        "published": prompts.published,
        "source": dict(prompts.source),
        "pieces": dict(prompts.pieces),
    }
    target = stored_file(prompts.name)
    write_atomic(target, json.dumps(content, indent=1, ensure_ascii=False) + "\n")
    return target


def _read_variant(tree: ast.Module, variant: Variant, where: str) -> _Reading:
    pieces: dict[str, str] = {}
    problems: list[Problem] = []
    for name, piece in variant.pieces.items():
        text = read_text(tree, piece.locator, piece.fields)
        place = f"{where}: {name} ({piece.locator})"
        again = "take the file from the repository unchanged, or use your text as a prompt file of your own"
        if text is None:
            problems.append(Problem("no text", f"the {name} of {variant.name}", again, place))
            continue
        pieces[name] = text
        if (wrong := wrong_hash(text, piece)) is not None:
            problems.append(Problem(f"SHA-256 {wrong[0]}", f"{wrong[1]} ({variant.name})", again, place))
    return _Reading(variant, pieces, tuple(problems))


def _explain(readings: Sequence[_Reading], where: str, known: Sequence[Variant]) -> list[Problem]:
    """What differs from the variant that the file is nearest to."""
    nearest = min(readings, key=lambda reading: (len(reading.problems), -len(reading.pieces)))
    if not nearest.pieces:
        return [_nothing_found(where, known)]
    return list(nearest.problems)


def _nothing_found(where: str, known: Sequence[Variant]) -> Problem:
    places = ", ".join(dict.fromkeys(f"{variant.file} of {variant.repo}" for variant in known))
    return Problem("no judge prompts", f"one of {places}", "give that file or a folder above it", where)


def _equal_variants(variant: Variant, known: Sequence[Variant]) -> tuple[str, ...]:
    def texts(of: Variant) -> list[tuple[str, str]]:
        return sorted((name, piece.sha256_rendered) for name, piece in of.pieces.items())

    return tuple(other.name for other in known if other.name != variant.name and texts(other) == texts(variant))


def _path_agreement(file: Path, variant: Variant) -> tuple[bool, bool, int]:
    """How surely a file is a variant's: it lies at its path, below a folder named like its repository, how deep.

    The repository's name decides between a clone in ``src/lmms-eval`` and the copy that aurora keeps in a folder of
    that name.
    """
    here = file.resolve().parts
    there = Path(variant.file).parts
    if here[-len(there) :] != there:
        return False, False, 0
    return True, Path(variant.repo).name in here, len(there)


def _candidates(folder: Path, known: Sequence[Variant]) -> Iterator[Path]:
    """Files below a folder whose name and parent folder are those of a known scorer, in a fixed order."""
    endings = {Path(variant.file).parts[-2:] for variant in known}
    seen = 0
    for place, folders, names in os.walk(folder.resolve()):
        folders[:] = sorted(name for name in folders if name not in _SKIPPED_FOLDERS)
        seen += len(names)
        if seen > MAX_FILES:
            return
        parent = Path(place).name
        yield from (Path(place) / name for name in sorted(names) if (parent, name) in endings)
