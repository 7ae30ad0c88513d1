"""Conversations as the released weights have read them: the published templates, from a data file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from baselines.common.prompts import IMAGE_MARK as IMAGE_MARK
from baselines.common.prompts import without_marks
from vdc.errors import InputError, Problem, unknown_name

DEFAULT_TEMPLATE = "vicuna_v1"
"""Of the published evaluators."""

_TAKEN_OUT = (IMAGE_MARK, "</s>", "<s>")
"""What would claim a picture or end a turn, were it left in a question from outside."""


@dataclass(frozen=True, slots=True)
class Template:
    """How turns become one text.

    Args:
        name: Published name.
        system: Sentence in front; empty: none.
        roles: Names of user and model; empty where turns are not marked.
        separators: After every message; with two, the first follows system and user, the second the model.
    """

    name: str
    system: str
    roles: tuple[str, ...]
    separators: tuple[str, ...]

    def render(self, messages: Sequence[str | None]) -> str:
        """The whole text.

        Args:
            messages: User and model in turns, the user first. None or an empty text leaves a turn open.

        Raises:
            InputError: An open turn in a template without roles, which has no way to show one.
        """
        if not self.roles:
            if any(message is None for message in messages):
                raise InputError(
                    Problem(f"an open turn for {self.name}", "messages alone", f"render it with {DEFAULT_TEMPLATE}")
                )
            return "".join(f"{message}{self.separators[0]}" for message in messages)
        text = self.system + self.separators[0]
        single = len(self.separators) == 1
        for number, message in enumerate(messages):
            role = self.roles[number % 2]
            separator = self.separators[0] if single else self.separators[number % 2]
            text += f"{role}: {message}{separator}" if message else f"{role}:"
        return text

    @property
    def answer_start(self) -> str:
        """What stands right before an answer, without the space that belongs to it."""
        return f" {self.roles[1]}:"


@cache
def _table() -> dict[str, Any]:
    table: dict[str, Any] = json.loads(files("baselines.llama_vid").joinpath("format.json").read_text(encoding="utf-8"))
    return table


def template_names() -> tuple[str, ...]:
    """Published templates."""
    return tuple(_table()["templates"])


def load_template(name: str = DEFAULT_TEMPLATE) -> Template:
    """The template of that name.

    Raises:
        InputError: Unknown name.
    """
    templates = _table()["templates"]
    if name not in templates:
        raise InputError(unknown_name("conversation template", name, templates))
    entry = templates[name]
    return Template(name, entry["system"], tuple(entry["roles"]), tuple(entry["separators"]))


def ask(question: str, *, pictures: bool, template: str = DEFAULT_TEMPLATE) -> str:
    """The prompt for one question.

    Args:
        question: The question; marks in it are taken out.
        pictures: A picture or video belongs to it (one mark stands for all of it).
        template: Published name.
    """
    text = without_marks(question, *_TAKEN_OUT)
    return load_template(template).render([f"{IMAGE_MARK}\n{text}" if pictures else text, None])


def ask_about_film(question: str, inputs: str, *, tokens_per_frame: int = 2, template: str = DEFAULT_TEMPLATE) -> str:
    """The prompt for one question about a long video with subtitles.

    Args:
        question: The question; marks in it are taken out.
        inputs: One mark per frame with the subtitles between them, as a feature file holds it.
        tokens_per_frame: Marks that each of those becomes.
        template: Published name.
    """
    movie = _table()["movie"]
    marks = inputs.replace(IMAGE_MARK, IMAGE_MARK * tokens_per_frame)
    text = f"{movie['before']}{marks}{movie['after']}{movie['separator']}{without_marks(question, *_TAKEN_OUT)}"
    return load_template(template).render([text, None])
