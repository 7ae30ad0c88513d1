"""Prompt text with placeholders, and its token ids.

A placeholder is written ``<image>`` in text and becomes one id that no tokenizer knows. Text between placeholders is
tokenised piece by piece, because that is what the released weights have seen: each piece may get its own prefix space.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from baselines.common.constants import IGNORED_LABEL, IMAGE_PLACEHOLDER

IMAGE_MARK, VIDEO_MARK = "<image>", "<video>"
"""How a picture and a video are written in the text of a prompt."""

Encode = Callable[[str, bool], list[int]]
"""Text to ids; the flag asks for the special tokens at the start (bos), never for eos."""


def plain_encode(tokenizer: Any) -> Encode:
    """A tokenizer of transformers as the shared prompt code wants it."""

    def encode(text: str, special_tokens: bool) -> list[int]:
        ids: list[int] = tokenizer(text, add_special_tokens=special_tokens)["input_ids"]
        return ids

    return encode


@dataclass(frozen=True, slots=True)
class PromptFormat:
    """The strings around a question that released weights were trained with. One data file per model holds them.

    Args:
        placeholder: How a picture is written in text.
        placeholder_separator: Between placeholders of one turn.
        after_placeholders: Between the last placeholder and the question.
        user_turn: One user turn up to where the answer starts; ``{text}`` is the user's text.
        answer_separator: After an answer and its eos, without loss.
        before_answer: In front of an answer.
        system: System sentence that goes in front; empty: none.
        system_separator: Between the system sentence and the first turn.
        always_system: The weights were trained with the system sentence; otherwise only some evaluations put it there.
    """

    placeholder: str
    placeholder_separator: str
    after_placeholders: str
    user_turn: str
    answer_separator: str
    before_answer: str = ""
    system: str = ""
    system_separator: str = " "
    always_system: bool = False

    def question(self, text: str, pictures: int) -> str:
        """The user's text: placeholders in front of the question."""
        if pictures == 0:
            return text
        marks = self.placeholder_separator.join([self.placeholder] * pictures)
        return f"{marks}{self.after_placeholders}{text}"

    def prompt(self, text: str, pictures: int, *, system: bool | None = None) -> str:
        """The whole prompt for one question about ``pictures`` pictures (a video is one per frame).

        Args:
            text: The question. Placeholders in it are taken out, so that text from outside cannot claim a picture.
            pictures: Number of pictures; 0 for text alone.
            system: Put the system sentence in front; None does as the weights were trained.
        """
        turn = self.turn(self.question(without_marks(text, self.placeholder), pictures))
        wanted = self.always_system if system is None else system
        return f"{self.system}{self.system_separator}{turn}" if wanted and self.system else turn

    def turn(self, user_text: str) -> str:
        """One user turn up to where the answer starts."""
        return self.user_turn.replace("{text}", user_text)


def without_marks(text: str, *marks: str) -> str:
    """Text from outside with every mark taken out, also one that appears only when another is gone."""
    while any(mark in text for mark in marks):
        for mark in marks:
            text = text.replace(mark, "")
    return text


@cache
def load_format(package: str, name: str = "format.json") -> PromptFormat:
    """The format strings of a model from its data file.

    Args:
        package: Package that holds the file, for example ``baselines.auroracap``.
        name: File name.
    """
    table: dict[str, Any] = json.loads(files(package).joinpath(name).read_text(encoding="utf-8"))
    return PromptFormat(**table["prompt"])


def encode_with_placeholders(
    text: str,
    encode: Encode,
    *,
    placeholder: str = "<image>",
    placeholder_id: int = IMAGE_PLACEHOLDER,
    special_tokens: bool = True,
) -> list[int]:
    """Ids of a text, one ``placeholder_id`` per placeholder; only the first piece gets special tokens.

    Args:
        text: Text with any number of placeholders.
        encode: The tokenizer.
        placeholder: What stands for a picture in the text.
        placeholder_id: What stands for it in the ids.
        special_tokens: Whether the first piece gets bos.
    """
    ids: list[int] = []
    for number, piece in enumerate(text.split(placeholder)):
        if number:
            ids.append(placeholder_id)
        # An empty later piece must not be encoded: some tokenizers answer it with a lone space mark.
        if number == 0 or piece:
            ids.extend(encode(piece, special_tokens and number == 0))
    return ids


@dataclass(frozen=True, slots=True)
class TextSample:
    """One tokenised sample.

    Args:
        input_ids: Placeholders included.
        labels: Same length, ``IGNORED_LABEL`` where there is no loss.
    """

    input_ids: tuple[int, ...]
    labels: tuple[int, ...]

    def truncated(self, max_length: int) -> TextSample:
        """The first ``max_length`` ids."""
        return TextSample(self.input_ids[:max_length], self.labels[:max_length])


@dataclass(frozen=True, slots=True)
class TextBatch:
    """Samples padded on the right to the longest.

    Args:
        input_ids: Rows of equal length, ``pad_id`` at the end.
        labels: Same shape, ``IGNORED_LABEL`` at the end.
        attention_mask: Same shape, True on real ids (by length: a genuine id equal to ``pad_id`` stays real).
        position_ids: Same shape, 0 to length - 1 in every row.
    """

    input_ids: list[list[int]]
    labels: list[list[int]]
    attention_mask: list[list[bool]]
    position_ids: list[list[int]]


def collate_text(samples: Sequence[TextSample], pad_id: int = 0) -> TextBatch:
    """Pad samples on the right."""
    longest = max(len(sample.input_ids) for sample in samples)
    gaps = [longest - len(sample.input_ids) for sample in samples]
    return TextBatch(
        [[*sample.input_ids, *[pad_id] * gap] for sample, gap in zip(samples, gaps, strict=True)],
        [[*sample.labels, *[IGNORED_LABEL] * gap] for sample, gap in zip(samples, gaps, strict=True)],
        [[True] * (longest - gap) + [False] * gap for gap in gaps],
        [list(range(longest)) for _ in samples],
    )
