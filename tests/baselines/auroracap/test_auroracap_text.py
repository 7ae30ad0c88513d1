"""Training records to ids and labels."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("transformers", reason="the baselines extra (transformers) is not installed")

from baselines.auroracap.text import Turn, encode_turns, record_turns
from baselines.common.constants import IGNORED_LABEL, IMAGE_PLACEHOLDER
from vdc.errors import InputError


def letters(text: str, special_tokens: bool) -> list[int]:
    return [1] * special_tokens + [ord(letter) for letter in text]


def record(*messages: tuple[str, Any]) -> dict[str, Any]:
    return {"id": "r7", "conversations": [{"from": speaker, "value": value} for speaker, value in messages]}


@pytest.mark.parametrize(
    ("messages", "turns"),
    [
        pytest.param([("human", "a"), ("gpt", "b")], [("a", "b")], id="plain"),
        pytest.param([("gpt", "x"), ("human", "a"), ("gpt", "b"), ("human", "y")], [("a", "b")], id="loose-ends"),
        pytest.param([("human", "a "), ("human", " b"), ("gpt", "c")], [("a  b", "c")], id="questions-in-a-row"),
        pytest.param(
            [("human", " see <image> it "), ("gpt", "b")], [("<image>\nsee  it", "b")], id="mark-to-the-front"
        ),
        pytest.param([("human", "<image><image>two"), ("gpt", "b")], [("<image> <image>\ntwo", "b")], id="two-marks"),
    ],
)
def test_records_become_turns(messages: list[tuple[str, str]], turns: list[tuple[str, str]]) -> None:
    assert [(turn.user, turn.answer) for turn in record_turns(record(*messages))] == turns


def test_only_answers_and_their_end_carry_labels_and_every_turn_starts_anew() -> None:
    sample = encode_turns((Turn("<image>\nq", "A"), Turn("r", "B")), letters, eos_id=2)
    prompt = [1, *map(ord, "USER: "), IMAGE_PLACEHOLDER, *map(ord, "\nq ASSISTANT:")]
    second = [1, *map(ord, "USER: r ASSISTANT:")]
    newline = [ord("\n")]
    assert list(sample.input_ids) == [*prompt, ord("A"), 2, *newline, *second, ord("B"), 2, *newline]
    supervised = [label for label in sample.labels if label != IGNORED_LABEL]
    assert supervised == [ord("A"), 2, ord("B"), 2]
    assert all(label in (IGNORED_LABEL, token) for token, label in zip(sample.input_ids, sample.labels, strict=True))


def test_truncation_cuts_ids_and_labels_alike() -> None:
    sample = encode_turns((Turn("q", "A"),), letters, eos_id=2).truncated(5)
    assert len(sample.input_ids) == len(sample.labels) == 5


def test_two_images_in_a_turn_are_refused_only_where_asked() -> None:
    turns = (Turn("<image> <image>\nq", "A"),)
    assert encode_turns(turns, letters, eos_id=2).input_ids.count(IMAGE_PLACEHOLDER) == 2
    with pytest.raises(InputError, match="2 placeholders in turn 0"):
        encode_turns(turns, letters, eos_id=2, max_images_per_turn=1)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        pytest.param({"id": "r7"}, "no conversations", id="none"),
        pytest.param(record(), "no conversations", id="empty"),
        pytest.param(record(("system", "x")), "record r7, message 0", id="speaker"),
        pytest.param(record(("human", 5)), "with int", id="not-text"),
    ],
)
def test_broken_records_are_named(bad: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        record_turns(bad)
