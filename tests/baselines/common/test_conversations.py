"""Training records before a model's own rules."""

from __future__ import annotations

from typing import Any

import pytest

from baselines.common.conversations import Message, in_turn, read_messages, record_messages
from vdc.errors import InputError

HELLO, ASK, ANSWER = Message(False, "Hello."), Message(True, "Who?"), Message(False, "A cat.")


def test_messages_are_read_in_order() -> None:
    entries = [{"from": "human", "value": "Who?"}, {"from": "gpt", "value": "A cat."}]
    assert record_messages({"id": 1, "conversations": entries}) == (ASK, ANSWER)


def test_a_conversation_starts_with_the_user() -> None:
    assert in_turn([HELLO, ASK, ANSWER]) == (ASK, ANSWER)
    assert in_turn([]) == ()


def test_every_broken_message_is_named_with_its_record() -> None:
    entries: Any = [{"from": "system", "value": "x"}, {"from": "human", "value": 3}, "text"]
    with pytest.raises(InputError) as caught:
        record_messages({"id": "r7", "conversations": entries})
    places = [problem.where for problem in caught.value.problems]
    assert places == [f"record r7, message {number}" for number in range(3)]


@pytest.mark.parametrize("record", [{}, {"conversations": []}, {"conversations": 3}], ids=["none", "empty", "number"])
def test_a_record_without_conversation_is_refused(record: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="no conversations"):
        record_messages(record)


def test_text_is_no_list_of_messages() -> None:
    with pytest.raises(InputError, match="a list of messages"):
        read_messages("Who?")  # type: ignore[arg-type]


def test_two_messages_of_one_speaker_are_refused() -> None:
    with pytest.raises(InputError, match="turn 1"):
        in_turn([ASK, ASK])
