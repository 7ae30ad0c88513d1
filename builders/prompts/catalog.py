"""The one place the builders' prompt sets are loaded from: the project's own by name, or a file of the user's."""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, Literal

from vdc.errors import InputError, Problem, unknown_name
from vdc.fileio import read_bytes, show_path

Purpose = Literal["captions", "questions"]

PIECES: Final[Mapping[Purpose, Mapping[str, frozenset[str]]]] = {
    "captions": {
        "system": frozenset(),
        **{section: frozenset({"duration"}) for section in ("short", "background", "main_object", "camera")},
        "detailed": frozenset({"duration", "short", "background", "main_object", "camera"}),
    },
    "questions": {
        "system": frozenset(),
        "first": frozenset({"caption", "subject", "count", "words", "categories"}),
        "more": frozenset({"caption", "subject", "count", "words", "categories", "existing", "refused"}),
    },
}
"""Purpose -> texts of a set -> the fields each is filled with."""

OWN_SETS: Final[Mapping[str, tuple[Purpose, str]]] = {
    "captions-1": ("captions", "ca666a134dac5a446a53619b4fd6d722b93a6578dad13c73312c717fc6db49c4"),
    "questions-1": ("questions", "efe0777bc8c3635ab188a935446c364bd97ca2cc99af2d797175f5f34aa6a81d"),
}
"""Name of each set of this project -> purpose and hash; a text is never changed under its name."""

MAX_FILE_BYTES: Final = 1 << 20

_FIELD: Final = re.compile(r"\{([a-z_]+)\}")
_TAGS: Final = ("caption", "existing", "refused", "short", "background", "main_object", "camera")
_OWN_TAG: Final = re.compile(rf"<(?=\s*/?\s*(?:{'|'.join(_TAGS)})\b)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class PromptTexts:
    """The texts of one purpose.

    Args:
        name: Of the set.
        purpose: What it is for.
        pieces: Name of a text -> the text, with fields in braces; every other brace is a brace.
    """

    name: str
    purpose: Purpose
    pieces: Mapping[str, str]

    @property
    def sha256(self) -> str:
        """Hash of all texts, not of the name."""
        whole = {piece: self.pieces[piece] for piece in PIECES[self.purpose]}
        return hashlib.sha256(json.dumps(whole, sort_keys=True, ensure_ascii=False).encode()).hexdigest()

    def fill(self, piece: str, **values: str) -> str:
        """A text with its fields filled in, in one pass: a field's name inside a value stays what it is.

        Values come from models; a tag of these prompts inside one loses its bracket, so that none closes its own
        quotation.
        """
        safe = {name: _OWN_TAG.sub("‹", text) for name, text in values.items()}
        known = PIECES[self.purpose][piece]
        return _FIELD.sub(lambda match: safe[match[1]] if match[1] in known else match[0], self.pieces[piece])


def load_texts(purpose: Purpose, name_or_path: str) -> PromptTexts:
    """A prompt set by name, or from a TOML file of the user's own with the same texts.

    Raises:
        InputError: No such set for this purpose, or a file without the texts or with other fields; lists all problems.
    """
    if name_or_path in OWN_SETS and OWN_SETS[name_or_path][0] == purpose:
        return own_texts(name_or_path)
    path = Path(name_or_path)
    if path.suffix != ".toml":
        own = [name for name, (use, _) in OWN_SETS.items() if use == purpose]
        raise InputError(unknown_name("prompt set", name_or_path, [*own, "a .toml file"]))
    where = show_path(path)
    try:
        table: Any = tomllib.loads(read_bytes(path, max_bytes=MAX_FILE_BYTES).data.decode("utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(Problem(f"no valid TOML ({error})", "a prompt set", "correct it there", where)) from error
    name = table.get("name", path.stem)
    problems = [problem for piece in PIECES[purpose] for problem in _faults(piece, table.get(piece), purpose, where)]
    if name in OWN_SETS:
        problems.append(Problem(f"the name {name!r}", "a name of its own", "change name in the file", where))
    if problems:
        raise InputError(problems)
    return PromptTexts(str(name), purpose, {piece: table[piece] for piece in PIECES[purpose]})


@cache
def own_texts(name: str) -> PromptTexts:
    """A set of this project.

    Raises:
        InputError: Its file is not the one this version was released with.
    """
    purpose, digest = OWN_SETS[name]
    table = tomllib.loads(files("builders.prompts").joinpath(f"{name}.toml").read_text(encoding="utf-8"))
    texts = PromptTexts(name, purpose, {piece: table[piece] for piece in PIECES[purpose]})
    if texts.sha256 != digest:
        raise InputError(
            Problem(
                f"prompt set {name} with SHA-256 {texts.sha256}",
                digest,
                "install the package again; to change a text, copy the file, give it a new name and use its path",
            )
        )
    return texts


def _faults(piece: str, text: object, purpose: Purpose, where: str) -> list[Problem]:
    if not isinstance(text, str) or not text.strip():
        return [Problem(f"{piece}: {text!r}"[:80], "a text", f"write the text of {piece}", where)]
    wanted = PIECES[purpose][piece]
    missing = sorted(wanted - set(_FIELD.findall(text)))
    if missing:
        shown = ", ".join("{" + field + "}" for field in missing)
        return [Problem(f"{piece} without {shown}", "every field of the text", "add them", where)]
    return []
