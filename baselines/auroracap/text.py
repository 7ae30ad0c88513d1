"""LLaVA-style training records to token ids and labels, as the released weights were trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from baselines.common.constants import IGNORED_LABEL
from baselines.common.conversations import record_messages
from baselines.common.prompts import Encode, PromptFormat, TextSample, encode_with_placeholders, load_format
from vdc.errors import InputError, Problem


@dataclass(frozen=True, slots=True)
class Turn:
    """One exchange.

    Args:
        user: What the user says, placeholders in front.
        answer: What the model should say.
    """

    user: str
    answer: str


def prompt_format() -> PromptFormat:
    """The strings around questions and answers."""
    return load_format("baselines.auroracap")


def record_turns(record: Mapping[str, Any]) -> tuple[Turn, ...]:
    """The exchanges of a record.

    Answers before the first question and questions after the last answer are left out, questions in a row are joined
    without anything between, and placeholders move to the front of the message they stand in.

    Args:
        record: ``{"conversations": [{"from": "human" | "gpt", "value": text}, ...]}``.

    Raises:
        InputError: No conversation, or a speaker that is neither.

    Source: the published mapping of LLaVA data. Several placeholders in one message are kept, which it cannot do.
    """
    style = prompt_format()
    turns: list[Turn] = []
    said = ""
    started = False
    for message in record_messages(record):
        if message.human:
            started = True
            said += _placeholders_first(message.text, style)
        elif started:
            turns.append(Turn(said, message.text))
            said = ""
    return tuple(turns)


def encode_turns(
    turns: Sequence[Turn], encode: Encode, *, eos_id: int, max_images_per_turn: int | None = None
) -> TextSample:
    """Ids and labels: only answers and their eos carry a label; every turn starts with bos.

    Args:
        turns: The exchanges.
        encode: The tokenizer.
        eos_id: Id after each answer.
        max_images_per_turn: The published encoder allows 1; None allows any number, which training on video needs.

    Raises:
        InputError: More placeholders in a turn than allowed.
    """
    style = prompt_format()
    ids: list[int] = []
    labels: list[int] = []
    for number, turn in enumerate(turns):
        pictures = turn.user.count(style.placeholder)
        if max_images_per_turn is not None and pictures > max_images_per_turn:
            raise InputError(
                Problem(
                    f"{pictures} placeholders in turn {number}",
                    f"at most {max_images_per_turn}",
                    "allow more images per turn",
                )
            )
        prompt = encode_with_placeholders(style.turn(turn.user), encode, placeholder=style.placeholder)
        answer = [*encode(turn.answer, False), eos_id]
        separator = encode(style.answer_separator, False)
        ids += [*prompt, *answer, *separator]
        labels += [*[IGNORED_LABEL] * len(prompt), *answer, *[IGNORED_LABEL] * len(separator)]
    return TextSample(tuple(ids), tuple(labels))


def _placeholders_first(text: str, style: PromptFormat) -> str:
    pictures = text.count(style.placeholder)
    if not pictures:
        return text
    return style.question(text.replace(style.placeholder, "").strip(), pictures)
