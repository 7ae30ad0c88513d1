"""Conversations to ids and labels with a tokenizer that can be read: one id per byte."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("torch", reason="the baselines extra (torch) is not installed")
pytest.importorskip("transformers", reason="the baselines extra (transformers) is not installed")

from baselines.common.constants import IGNORED_LABEL, IMAGE_PLACEHOLDER
from baselines.llavolta.text import (
    Message,
    conversation_text,
    encode_caption,
    encode_conversation,
    prompt_format,
    read_messages,
)
from vdc.errors import InputError


def words(text: str, special: bool) -> list[int]:
    """A tokenizer with an id per word, a lone mark for a trailing space, and ids of special tokens."""
    pieces = text.replace("</s>", " </s> ").split()
    marks = [4] if text.endswith(" ") else []
    return [1] * special + [2 if piece == "</s>" else 5 + sum(piece.encode()) for piece in pieces] + marks


def record(*texts: str, first: str = "human") -> dict[str, Any]:
    sides = ["human", "gpt"] if first == "human" else ["gpt", "human"]
    return {"id": "r1", "conversations": [{"from": sides[n % 2], "value": text} for n, text in enumerate(texts)]}


def test_placeholder_moves_to_the_front_and_several_become_one() -> None:
    moved = read_messages(record("look <image> here <image>", "yes"), has_image=True)
    assert moved[0] == Message(True, "<image>\nlook  here")
    assert read_messages(record("an <image> tag", "yes"), has_image=False)[0].text == "an <image> tag"


def test_conversation_has_no_space_after_an_answer() -> None:
    text = conversation_text(read_messages(record("a?", "b.", "c?", "d."), has_image=False))
    assert text.endswith("polite answers to the user's questions. USER: a? ASSISTANT: b.</s>USER: c? ASSISTANT: d.</s>")


def test_answer_before_the_first_question_is_left_out() -> None:
    text = conversation_text(read_messages(record("hello", "a?", "b.", first="gpt"), has_image=False))
    assert "hello" not in text
    assert "USER: a? ASSISTANT: b.</s>" in text


def test_prompt_ends_where_the_answer_starts() -> None:
    assert prompt_format().prompt("why?", 1, system=True).endswith(" USER: <image>\nwhy? ASSISTANT:")


def test_answers_and_their_end_carry_labels() -> None:
    messages = read_messages(record("<image>\nhow many", "two dogs", "and cats", "none"), has_image=True)
    made = encode_conversation(messages, words, has_image=True, legacy=True, max_length=2048)
    supervised = [token for token in made.sample.labels if token != IGNORED_LABEL]
    two, dogs, none = words("two dogs none", False)
    assert not made.mismatch
    assert IMAGE_PLACEHOLDER in made.sample.input_ids
    assert supervised == [two, dogs, 2, none, 2]


def test_lengths_that_do_not_add_up_leave_a_sample_without_labels_and_say_so() -> None:
    messages = read_messages(record("a", "b", "c", "d"), has_image=False)
    made = encode_conversation(messages, words, has_image=False, legacy=False, max_length=2048)
    assert set(made.sample.labels) == {IGNORED_LABEL}
    assert "round by round" in made.mismatch


def test_text_only_samples_are_cut_here() -> None:
    messages = read_messages(record("a", "b"), has_image=False)
    made = encode_conversation(messages, words, has_image=False, legacy=True, max_length=6)
    assert len(made.sample.input_ids) == len(made.sample.labels) == 6
    assert not made.mismatch


def test_caption_supervises_everything_behind_the_picture() -> None:
    sample = encode_caption("a red car", words)
    assert sample.input_ids[:2] == (1, IMAGE_PLACEHOLDER)
    assert sample.labels == (IGNORED_LABEL, IGNORED_LABEL, *sample.input_ids[2:])


@pytest.mark.parametrize(
    "broken",
    [
        {"conversations": []},
        {"conversations": [{"from": "system", "value": "x"}]},
        {"conversations": [{"from": "human", "value": 3}]},
    ],
    ids=["empty", "unknown side", "no text"],
)
def test_broken_records_are_refused(broken: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        read_messages(broken, has_image=False)


def test_two_messages_of_one_side_are_refused() -> None:
    with pytest.raises(InputError, match="in a row"):
        conversation_text((Message(True, "a"), Message(True, "b")))
