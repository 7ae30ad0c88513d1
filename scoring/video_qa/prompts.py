"""The project's own wording of the judge's questions: one versioned file, hashed into every record."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

from scoring.prompts.model import MATCH_SCHEMA, Rendered, sha256
from scoring.video_qa.rows import QaRow
from scoring.video_qa.tasks import TASKS, Task
from vdc.errors import InputError, Problem

NAME: Final = "video-qa-1"
SHA256: Final = "b1166d9815c8dbf513f564cb9a76d6682fae775a6e70b9f41584774e109e9445"
"""Of the whole set; a text is never changed under its name."""

PIECES: Final = (*(f"{name}_system" for name in TASKS), "one_user", "two_user", "match_retry", "score_retry")

SCORE_SCHEMA: Final[Mapping[str, Any]] = {
    "type": "object",
    "properties": {"score": {"type": "integer", "minimum": 0, "maximum": 5}},
    "required": ["score"],
    "additionalProperties": False,
}
"""JSON schema of a reply to a task without yes or no."""

_PLACEHOLDER = re.compile(r"\{(question|question_2|gold|answer|answer_2)\}")
_TAG = re.compile(r"<(?=\s*/?\s*(?:question|gold|answer)\b)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class QaPrompts:
    """The texts.

    Args:
        name: Of the set.
        pieces: Piece -> text.
    """

    name: str
    pieces: Mapping[str, str]

    @property
    def sha256(self) -> str:
        """Hash over all pieces and both schemas."""
        whole = {
            "pieces": {piece: self.pieces[piece] for piece in PIECES},
            "schemas": [MATCH_SCHEMA, SCORE_SCHEMA],
        }
        return sha256(json.dumps(whole, sort_keys=True, ensure_ascii=False, separators=(",", ":")))

    def facts(self) -> dict[str, Any]:
        """For the run record."""
        return {"name": self.name, "sha256": self.sha256, "published": False}

    def schema(self, task: Task) -> Mapping[str, Any]:
        """What a reply must look like."""
        return MATCH_SCHEMA if task.has_match else SCORE_SCHEMA

    def render(self, task: Task, row: QaRow, answers: tuple[str, ...], *, again: bool = False) -> Rendered:
        """The two messages of a call.

        Args:
            task: What is weighed.
            row: Questions and gold.
            answers: The model's, made harmless.
            again: The stricter second request; it repeats the first and never the reply, which is untrusted.
        """
        values = {
            "question": row.questions[0],
            "question_2": row.questions[-1],
            "gold": row.gold,
            "answer": answers[0],
            "answer_2": answers[-1],
        }
        # Second line of defence behind neutralise(): nothing quoted can close its own tag.
        values = {name: _TAG.sub("‹", text) for name, text in values.items()}
        template = self.pieces["two_user" if len(row.questions) > 1 else "one_user"]
        # One pass, so "{gold}" in an answer stays the text it is.
        user = _PLACEHOLDER.sub(lambda found: values[found[1]], template)
        if again:
            user += self.pieces["match_retry" if task.has_match else "score_retry"]
        return Rendered(self.pieces[f"{task.name}_system"], user)


@cache
def load_qa_prompts() -> QaPrompts:
    """The set of this release.

    Raises:
        InputError: Its file is not the one this version was released with.
    """
    table = tomllib.loads(files("scoring.video_qa").joinpath(f"{NAME}.toml").read_text(encoding="utf-8"))
    prompts = QaPrompts(NAME, {piece: table[piece] for piece in PIECES})
    if prompts.sha256 != SHA256:
        found = f"prompt set {NAME} with SHA-256 {prompts.sha256}"
        raise InputError(Problem(found, SHA256, "install the package again"))
    return prompts
