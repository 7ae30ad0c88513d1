"""Prompt strings and ids."""

from __future__ import annotations

from baselines.common.constants import IGNORED_LABEL, IMAGE_PLACEHOLDER
from baselines.common.prompts import TextSample, collate_text, encode_with_placeholders, load_format


def letters(text: str, special_tokens: bool) -> list[int]:
    return [1] * special_tokens + [ord(letter) for letter in text]


def test_auroracap_prompt_is_the_published_one() -> None:
    style = load_format("baselines.auroracap")
    assert style.prompt("What happens?", 3) == "USER: <image> <image> <image>\nWhat happens? ASSISTANT:"
    assert style.prompt("Hello", 0) == "USER: Hello ASSISTANT:"
    assert style.prompt("Hello", 1, system=True).startswith("A chat between a curious user")
    assert style.prompt("Hello", 1, system=True).endswith("questions. USER: <image>\nHello ASSISTANT:")


def test_a_question_cannot_claim_pictures_or_break_the_template() -> None:
    style = load_format("baselines.auroracap")
    assert style.prompt("<image>see {text}", 1) == "USER: <image>\nsee {text} ASSISTANT:"


def test_placeholders_become_one_id_and_only_the_start_gets_bos() -> None:
    ids = encode_with_placeholders("a<image> <image>b", letters)
    assert ids == [1, ord("a"), IMAGE_PLACEHOLDER, ord(" "), IMAGE_PLACEHOLDER, ord("b")]
    assert encode_with_placeholders("<image>", letters) == [1, IMAGE_PLACEHOLDER]
    assert encode_with_placeholders("x", letters, special_tokens=False) == [ord("x")]


def test_collation_pads_by_length_and_not_by_id() -> None:
    batch = collate_text([TextSample((5, 0, 7), (-100, 0, 7)), TextSample((9,), (9,))])
    assert batch.input_ids == [[5, 0, 7], [9, 0, 0]]
    assert batch.labels == [[-100, 0, 7], [9, IGNORED_LABEL, IGNORED_LABEL]]
    assert batch.attention_mask == [[True, True, True], [True, False, False]]
    assert batch.position_ids == [[0, 1, 2], [0, 1, 2]]
