"""What is known about the published judge prompts: where their texts stand in the source and what they hash to.

The texts themselves belong to their authors and are not part of this project.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from scoring.prompts.model import sha256


@dataclass(frozen=True, slots=True)
class Locator:
    """Where a text stands in a Python file.

    Args:
        kind: ``call`` (argument of the call of ``name`` inside ``function``), ``message`` (content of message number
            ``index`` of the list ``messages`` inside ``function``), ``local`` (variable ``name`` inside
            ``function``), ``constant`` (module variable ``name``) or ``template`` (the same, filled by str.format).
        function: Name of the function, empty for module variables.
        name: See ``kind``.
        index: See ``kind``.
    """

    kind: str
    function: str = ""
    name: str = ""
    index: int = 0

    def __str__(self) -> str:
        inside = f" in {self.function}()" if self.function else ""
        return f"message {self.index}{inside}" if self.kind == "message" else f"{self.name}{inside}"


@dataclass(frozen=True, slots=True)
class PublishedPiece:
    """One text of a variant.

    Args:
        locator: Where it stands.
        fields: Source expression of each replacement field -> our placeholder.
        sha256: Of the text with our placeholders, white space stripped at both ends.
        sha256_rendered: Of the message with ``CAPTION``, ``QUESTION``, ``ANSWER``, ``RESPONSE`` filled in, not
            stripped: the exact bytes a judge was sent.
    """

    locator: Locator
    fields: Mapping[str, str]
    sha256: str
    sha256_rendered: str


@dataclass(frozen=True, slots=True)
class Variant:
    """A published set of judge prompts.

    Args:
        name: Its name here and in ``--prompts``.
        repo: GitHub repository.
        commit: Revision the hashes were taken at; later ones often have the same texts.
        file: Path in the repository.
        pieces: Piece name -> what is known of it.
    """

    name: str
    repo: str
    commit: str
    file: str
    pieces: Mapping[str, PublishedPiece]


@cache
def published_variants() -> tuple[Variant, ...]:
    """The seven known variants, oldest family first."""
    text = files("scoring.prompts").joinpath("published_hashes.json").read_text(encoding="utf-8")
    return read_variants(json.loads(text))


def read_variants(table: Mapping[str, Any]) -> tuple[Variant, ...]:
    """Variants of a hash table in the form of ``published_hashes.json``."""
    return tuple(
        Variant(
            name=row["variant"],
            repo=row["repo"],
            commit=row["commit"],
            file=row["file"],
            pieces={
                name: PublishedPiece(
                    Locator(**piece["locator"]), piece["fields"], piece["sha256"], piece["sha256_rendered"]
                )
                for name, piece in row["pieces"].items()
            },
        )
        for row in table["variants"]
    )


def canonical_hash(text: str) -> str:
    """Hash of a text as the table has it: line ends LF, white space stripped at both ends."""
    return sha256(text.replace("\r\n", "\n").strip())


def rendered_hash(text: str) -> str:
    """Hash of the message that a text becomes with every placeholder filled by its name in capitals."""
    for name in ("caption", "question", "answer", "response"):
        text = text.replace("{" + name + "}", name.upper())
    return sha256(text)


def wrong_hash(text: str, piece: PublishedPiece) -> tuple[str, str] | None:
    """What a text hashes to and what it should, or None where both hashes of a published piece hold."""
    if (found := canonical_hash(text)) != piece.sha256:
        return found, piece.sha256
    if (found := rendered_hash(text)) != piece.sha256_rendered:
        return found, piece.sha256_rendered
    return None
