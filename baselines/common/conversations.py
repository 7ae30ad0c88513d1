"""Conversations of training records in LLaVA's format, checked whole before a model's own rules apply."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vdc.errors import InputError, Problem


@dataclass(frozen=True, slots=True)
class Message:
    """One side of an exchange.

    Args:
        human: The user speaks; else the model.
        text: What is said.
    """

    human: bool
    text: str


def record_messages(record: Mapping[str, Any]) -> tuple[Message, ...]:
    """The messages of a record.

    Args:
        record: ``{"id": ..., "conversations": [{"from": "human" | "gpt", "value": text}, ...]}``.

    Raises:
        InputError: No conversation, or as :func:`read_messages`.
    """
    name = f"record {record.get('id', '?')}"
    entries = record.get("conversations")
    if not isinstance(entries, Sequence) or not entries:
        raise InputError(Problem("no conversations", "a list of messages", "correct the record", name))
    return read_messages(entries, where=f"{name}, ")


def read_messages(entries: Sequence[Mapping[str, Any]], *, where: str = "") -> tuple[Message, ...]:
    """The messages of a conversation.

    Args:
        entries: ``[{"from": "human" | "gpt", "value": text}, ...]``.
        where: In front of a message's number in errors.

    Raises:
        InputError: No list; or every message whose speaker is neither, or that is no text.
    """
    if not isinstance(entries, Sequence) or isinstance(entries, str):
        raise InputError(Problem(f"a {type(entries).__name__}", "a list of messages", "correct the record"))
    problems: list[Problem] = []
    messages: list[Message] = []
    for number, entry in enumerate(entries):
        given = entry if isinstance(entry, Mapping) else {}
        speaker, value = given.get("from"), given.get("value")
        if speaker in ("human", "gpt") and isinstance(value, str):
            messages.append(Message(speaker == "human", value))
            continue
        found = f"a message from {speaker!r} with {type(value).__name__}"
        problems.append(Problem(found, "text from human or gpt", "correct the record", f"{where}message {number}"))
    if problems:
        raise InputError(problems)
    return tuple(messages)


def in_turn(messages: Sequence[Message]) -> tuple[Message, ...]:
    """The conversation from the user's first message on; one of the model's before it is left out, as published.

    Raises:
        InputError: Two messages of one speaker in a row; every such place.
    """
    spoken = tuple(messages[1:] if messages and not messages[0].human else messages)
    problems = [
        Problem("two messages of one speaker in a row", "human and gpt in turns", "join them", f"turn {number}")
        for number, message in enumerate(spoken)
        if message.human != (number % 2 == 0)
    ]
    if problems:
        raise InputError(problems)
    return spoken
