"""The one place prompt sets are loaded from: the project's own, imported ones, and files of the user."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from scoring.prompts.model import PIECES, PLACEHOLDERS, PromptSet, placeholders_in
from scoring.prompts.published import Variant, published_variants, wrong_hash
from vdc.errors import InputError, Problem, unknown_name
from vdc.fileio import read_bytes, show_path
from vdc.settings import home

DEFAULT_PROMPTS: Final = "vdc-1"

OWN_SETS: Final[Mapping[str, str]] = {"vdc-1": "06af90f0565c8be464ef8ecc4764d67d5499b60b10be64863b4ddceb4a0292e7"}
"""Name of each set of this project -> hash of the whole set; a text is never changed under its name."""

MAX_FILE_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class PromptListing:
    """A line of ``vdc prompts list``.

    Args:
        name: What ``--prompts`` takes.
        kind: ``project``, ``published`` or ``file``.
        state: ``ready``; ``not imported`` for a published variant that is not on this disk; else what is wrong.
        sha256: Hash of the whole set; empty where it cannot be loaded.
    """

    name: str
    kind: str
    state: str
    sha256: str = ""


def load_prompts(name_or_path: str = DEFAULT_PROMPTS) -> PromptSet:
    """A prompt set by name, or from a file of the user's own.

    Args:
        name_or_path: ``vdc-1``; the name of a published variant that was imported; or a ``.toml`` or ``.json`` file
            with the four texts ``step1_system``, ``step1_user``, ``step2_system``, ``step2_user`` and, if it likes,
            ``name`` and ``step2_retry``.

    Returns:
        The set. A stored published set is verified against its hashes each time it is loaded; a variant with the
        same texts as an imported one needs no import of its own.

    Raises:
        InputError: The name is unknown, the variant is not imported, or the file is no prompt set.
    """
    if name_or_path in OWN_SETS:
        return project_set(name_or_path)
    variants = {variant.name: variant for variant in published_variants()}
    if name_or_path in variants:
        return load_published(variants[name_or_path])
    if name_or_path.endswith((".toml", ".json")) or Path(name_or_path).is_file():
        return _read_user_file(Path(name_or_path))
    raise InputError(unknown_name("prompt set", name_or_path, [*OWN_SETS, *variants, "a .toml or .json file"]))


def list_prompts() -> tuple[PromptListing, ...]:
    """Every set that has a name, and whether it can be used."""
    rows: list[PromptListing] = []
    for name in [*OWN_SETS, *(variant.name for variant in published_variants())]:
        kind = "project" if name in OWN_SETS else "published"
        try:
            rows.append(PromptListing(name, kind, "ready", load_prompts(name).sha256))
        except InputError as error:
            missing = kind == "published" and not stored_file(name).exists()
            rows.append(PromptListing(name, kind, "not imported" if missing else str(error)))
    return tuple(rows)


@cache
def project_set(name: str = DEFAULT_PROMPTS) -> PromptSet:
    """A set of this project by its name.

    Raises:
        InputError: Its file is not the one this version was released with.
    """
    table = tomllib.loads(files("scoring.prompts").joinpath(f"{name}.toml").read_text(encoding="utf-8"))
    prompts = PromptSet(name, {piece: table[piece] for piece in PIECES})
    if prompts.sha256 != OWN_SETS[name]:
        raise InputError(
            Problem(
                f"prompt set {name} with SHA-256 {prompts.sha256}",
                OWN_SETS[name],
                "install the package again; to change a text, copy the file, give it a new name and use its path",
            )
        )
    return prompts


def stored_file(name: str) -> Path:
    """Where an imported set lies in the user's folder."""
    return home() / "prompts" / f"{name}.json"


def load_published(variant: Variant) -> PromptSet:
    """An imported variant, verified.

    Raises:
        InputError: It is not imported, or its stored file no longer has the published texts.
    """
    problems: list[Problem] = []
    for stored in _stored_sets(variant.name):
        wrong = [
            (name, hashes)
            for name, piece in variant.pieces.items()
            if (hashes := wrong_hash(stored.pieces.get(name, ""), piece)) is not None
        ]
        if not wrong:
            place = {"repo": variant.repo, "commit": variant.commit, "file": variant.file}
            return replace(stored, name=variant.name, source={**place, "imported_as": stored.name})
        if stored.name == variant.name:
            problems += [
                Problem(f"{name} with SHA-256 {found}", expected, "vdc prompts import PATH again", stored.name)
                for name, (found, expected) in wrong
            ]
    if problems:
        raise InputError(problems)
    raise InputError(
        Problem(
            f"prompt set {variant.name!r}, which is not imported",
            f"the texts of {variant.file} in {variant.repo}, which this project does not ship",
            "vdc prompts import PATH_OF_YOUR_COPY",
        )
    )


def _stored_sets(first: str) -> list[PromptSet]:
    """Imported sets, the one of this name first; unreadable files of other names are no hindrance."""
    paths = sorted((home() / "prompts").glob("*.json"), key=lambda path: (path.stem != first, path.stem))
    found: list[PromptSet] = []
    for path in paths:
        try:
            table = json.loads(read_bytes(path, max_bytes=MAX_FILE_BYTES).data)
            pieces = {piece: str(table["pieces"][piece]) for piece in PIECES}
            found.append(PromptSet(path.stem, pieces, published=True, source=dict(table["source"])))
        except (ValueError, KeyError, TypeError, AttributeError, InputError) as error:
            if path.stem == first:
                problem = Problem(
                    f"a damaged file ({error})", "an imported prompt set", "vdc prompts import PATH again"
                )
                raise InputError(replace(problem, where=path.name)) from error
    return found


def _read_user_file(path: Path) -> PromptSet:
    where = show_path(path)
    file = read_bytes(path, max_bytes=MAX_FILE_BYTES)
    try:
        text = file.data.decode("utf-8-sig")
        table: Any = tomllib.loads(text) if path.suffix == ".toml" else json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(
            Problem(f"{type(error).__name__}: {error}", "a TOML or JSON prompt file", "correct the file", where)
        ) from error
    outer = table if isinstance(table, dict) else {}
    texts = outer.get("pieces", outer)
    given = {name: texts[name] for name in PIECES if name in texts} if isinstance(texts, dict) else {}
    own = project_set()
    pieces = {"step2_retry": own.pieces["step2_retry"], **given}
    problems = [_piece_problem(name, pieces.get(name), where) for name in PIECES]
    name = str(outer.get("name", path.stem))
    taken = name in OWN_SETS or name in [variant.name for variant in published_variants()]
    if taken and pieces != own.pieces:
        expected = "a name of its own (runs with different texts must not look alike)"
        problems.append(Problem(f"name {name!r}", expected, "change the name in the file", where))
    if any(problems):
        raise InputError([problem for problem in problems if problem is not None])
    return PromptSet(name, {piece: str(pieces[piece]) for piece in PIECES}, source={"file_sha256": file.sha256})


def _piece_problem(name: str, text: object, where: str) -> Problem | None:
    wanted = PLACEHOLDERS[name]
    if not isinstance(text, str):
        return Problem(f"{name}: {text!r}"[:80], "a text", f"write the text of {name}", where)
    given = placeholders_in(text)
    if set(given) != set(wanted):
        shown = ", ".join("{" + field + "}" for field in given) or "none"
        needed = ", ".join("{" + field + "}" for field in wanted) or "none"
        return Problem(f"{name} with the fields {shown}", needed, "correct the fields", where)
    return None
