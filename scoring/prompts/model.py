"""A prompt set: four texts and a stricter second request, their hashes, and how they are filled in."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, NamedTuple

from scoring.hostile.tokens import DELIMITERS

PIECES: Final = ("step1_system", "step1_user", "step2_system", "step2_user", "step2_retry")

PLACEHOLDERS: Final[Mapping[str, tuple[str, ...]]] = {
    "step1_system": (),
    "step1_user": ("caption", "question"),
    "step2_system": (),
    "step2_user": ("question", "answer", "response"),
    "step2_retry": (),
}
"""What each piece is filled with: ``answer`` is the gold, ``response`` the judge's answer of step 1."""

MATCH_SCHEMA: Final[Mapping[str, Any]] = {
    "type": "object",
    "properties": {
        "pred": {"type": "string", "enum": ["yes", "no"]},
        "score": {"type": "integer", "minimum": 0, "maximum": 5},
    },
    "required": ["pred", "score"],
    "additionalProperties": False,
}
"""JSON schema of a verdict, for servers that can hold a reply to one."""

_PLACEHOLDER = re.compile(r"\{(caption|question|answer|response)\}")
_OWN_TAG = re.compile(rf"<(?=\s*/?\s*(?:{'|'.join(DELIMITERS)})\b)", re.IGNORECASE)


class Rendered(NamedTuple):
    """The two messages of one call."""

    system: str
    user: str


@dataclass(frozen=True, slots=True)
class PromptSet:
    """The texts of one protocol of judging.

    Args:
        name: ``vdc-1``, the name of a published variant, or the name in a user's own file.
        pieces: Piece name -> text, with placeholders in braces; every other brace is a brace.
        published: The wording of a published scorer, verified against its hashes. White space at the ends is part of
            a message then, and captions are not delimited.
        source: For a published set: ``repo``, ``commit`` and ``file`` it is the wording of, and the variant it was
            ``imported_as`` where that is another one with the same texts. For a user's file: ``file_sha256``.
    """

    name: str
    pieces: Mapping[str, str]
    published: bool = False
    source: Mapping[str, str] = field(default_factory=dict)

    @property
    def hashes(self) -> dict[str, str]:
        """Piece -> SHA-256 of its text, for the run record."""
        return {piece: sha256(self.pieces[piece]) for piece in PIECES}

    @property
    def sha256(self) -> str:
        """Hash of the whole set: all pieces and the schema, not the name."""
        whole = {"pieces": {piece: self.pieces[piece] for piece in PIECES}, "match_schema": MATCH_SCHEMA}
        return sha256(json.dumps(whole, sort_keys=True, ensure_ascii=False, separators=(",", ":")))

    @property
    def match_schema(self) -> Mapping[str, Any]:
        """JSON schema a verdict must follow."""
        return MATCH_SCHEMA

    def render_answer(self, caption: str, question: str) -> Rendered:
        """Messages of step 1: answer a question from a caption.

        Args:
            caption: The predicted caption, neutralised and cut.
            question: The benchmark's question.
        """
        return self._render("step1", {"caption": caption, "question": question})

    def render_match(self, question: str, gold: str, answer: str) -> Rendered:
        """Messages of step 2: compare an answer with the gold.

        Args:
            question: The benchmark's question.
            gold: Its ground-truth answer.
            answer: What step 1 answered, neutralised: it may repeat what a caption ordered.
        """
        return self._render("step2", {"question": question, "answer": gold, "response": answer})

    def render_retry(self, question: str, gold: str, answer: str) -> Rendered:
        """The stricter second request of step 2, made once where the first reply was no verdict.

        It repeats the first request and never the reply, which is as untrusted as the caption.
        """
        first = self.render_match(question, gold, answer)
        return Rendered(first.system, first.user + self.pieces["step2_retry"])

    def _render(self, step: str, values: Mapping[str, str]) -> Rendered:
        if not self.published:
            # Second line of defence behind neutralise(): even text that skipped it cannot close a delimiter.
            values = {name: _OWN_TAG.sub("‹", text) if "<" in text else text for name, text in values.items()}
        # Filled in one pass over the template, so "{question}" in a caption stays the text it is.
        template = _split(self.pieces[f"{step}_user"])
        user = "".join(values[part] if at % 2 else part for at, part in enumerate(template))
        return Rendered(self.pieces[f"{step}_system"], user)


def sha256(text: str) -> str:
    """Hex digest over the UTF-8 bytes, nothing stripped."""
    return hashlib.sha256(text.encode()).hexdigest()


def placeholders_in(text: str) -> tuple[str, ...]:
    """Names of the placeholders of a piece, in order."""
    return tuple(_PLACEHOLDER.findall(text))


@lru_cache(maxsize=64)
def _split(template: str) -> tuple[str, ...]:
    """Text, name, text, name, ..., text."""
    return tuple(_PLACEHOLDER.split(template))
