"""Conversations to token ids and labels, as the released weights were trained.

v1     system USER: question ASSISTANT: answer</s>USER: ...      loss on answers and their </s>
plain  <image>caption newline                                    loss on caption and newline
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from baselines.common.constants import IGNORED_LABEL
from baselines.common.conversations import Message as Message
from baselines.common.conversations import in_turn, record_messages
from baselines.common.prompts import Encode, PromptFormat, TextSample, encode_with_placeholders, load_format

Version = Literal["v1", "plain"]

EOS_TEXT = "</s>"


@dataclass(frozen=True, slots=True)
class EncodedConversation:
    """A training sample.

    Args:
        sample: Ids and labels.
        mismatch: Why the sample has no labels: lengths counted round by round do not add up to the whole. Empty
            otherwise.
    """

    sample: TextSample
    mismatch: str = ""


def prompt_format() -> PromptFormat:
    """The strings around questions and answers."""
    return load_format("baselines.llavolta")


def read_messages(record: Mapping[str, Any], *, has_image: bool) -> tuple[Message, ...]:
    """The messages of a record; in those with pictures the placeholder moves to the front.

    Several placeholders in one message become one, as in the published training.

    Args:
        record: ``{"conversations": [{"from": "human" | "gpt", "value": text}, ...]}``.
        has_image: Whether the record shows a picture; without one, a placeholder is plain text.

    Raises:
        InputError: No conversation, or a speaker that is neither.
    """
    return tuple(
        Message(message.human, _placeholder_first(message.text) if has_image else message.text)
        for message in record_messages(record)
    )


def conversation_text(messages: Sequence[Message]) -> str:
    """The whole conversation in the v1 form; a first message that is not the user's is left out.

    Raises:
        InputError: Two messages in a row from the same side.
    """
    style = prompt_format()
    text = style.system + style.system_separator
    for message in in_turn(messages):
        text += style.turn(message.text) if message.human else f"{style.before_answer}{message.text}{EOS_TEXT}"
    return text


def encode_conversation(
    messages: Sequence[Message],
    encode: Encode,
    *,
    has_image: bool,
    legacy: bool,
    max_length: int,
    pad_id: int = 0,
) -> EncodedConversation:
    """Ids and labels of a conversation in the v1 form.

    Args:
        messages: As :func:`read_messages` gives them.
        encode: The tokenizer.
        has_image: Whether placeholders stand for pictures. Text-only samples are cut to ``max_length`` here, others by
            the collation.
        legacy: The tokenizer's setting; without it a round behind ``</s>`` has one token less than the same text alone.
        max_length: Longest sample.
        pad_id: Id that does not count as text.

    Source: LLaVA's v1 preparation of tuning data. Lengths are counted over re-tokenised pieces, so that labels are the
    ones the released weights saw; where pieces do not add up, the sample has no labels, and says so.
    """

    def tokens(text: str) -> list[int]:
        return encode_with_placeholders(text, encode) if has_image else encode(text, True)

    text = conversation_text(messages)
    ids = tokens(text) if has_image else tokens(text)[:max_length]
    labels = list(ids)
    real = sum(token != pad_id for token in ids)
    style = prompt_format()
    marker = style.user_turn.rpartition("{text}")[2] + style.before_answer  # " ASSISTANT: "
    place = 1
    _ignore(labels, 0, place)
    for number, spoken in enumerate(text.split(EOS_TEXT)):
        if spoken.count(marker) != 1:
            break
        question, _, _ = spoken.partition(marker)
        shorter = int(number > 0 and not legacy)
        _ignore(labels, place, place + len(tokens(question + marker)) - 2 - shorter)
        place += len(tokens(spoken)) - shorter
    _ignore(labels, place, len(labels))
    mismatch = ""
    if place < max_length and place != real:
        _ignore(labels, 0, len(labels))
        mismatch = f"{place} tokens counted round by round, {real} in the whole"
    return EncodedConversation(TextSample(tuple(ids), tuple(labels)), mismatch)


def encode_caption(caption: str, encode: Encode) -> TextSample:
    """Ids and labels of a picture with its caption, in the plain form of the first training phase.

    Args:
        caption: The caption.
        encode: The tokenizer.
    """
    placeholder = prompt_format().placeholder
    ids = encode_with_placeholders(f"{placeholder}{caption}\n", encode)
    labels = list(ids)
    _ignore(labels, 0, len(encode_with_placeholders(placeholder, encode)))
    return TextSample(tuple(ids), tuple(labels))


def _ignore(labels: list[int], start: int, end: int) -> None:
    for index in range(max(start, 0), min(end, len(labels))):
        labels[index] = IGNORED_LABEL


def _placeholder_first(text: str) -> str:
    style = prompt_format()
    if style.placeholder not in text:
        return text
    return style.question(text.replace(style.placeholder, "").strip(), 1)
