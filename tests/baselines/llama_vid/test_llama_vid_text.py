"""Templates, labels, questions and subtitles."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

pytest.importorskip("torch", reason="the baselines extra (torch) is not installed")
pytest.importorskip("transformers", reason="the baselines extra (transformers) is not installed")

from baselines.common.byte_tokenizer import FIRST_BYTE, make_byte_tokenizer
from baselines.common.constants import IGNORED_LABEL, IMAGE_PLACEHOLDER
from baselines.common.prompts import plain_encode
from baselines.llama_vid.prompts import ask, ask_about_film, load_template, template_names
from baselines.llama_vid.subtitles import Subtitle, interleave, parse_srt
from baselines.llama_vid.training_text import encode_sample
from vdc.errors import InputError

ENCODE = plain_encode(make_byte_tokenizer())
SYSTEM = (
    "A chat between a curious user and an artificial intelligence assistant. The assistant gives helpful, detailed, "
    "and polite answers to the user's questions."
)


def talk(*texts: str) -> list[dict[str, str]]:
    return [{"from": "gpt" if number % 2 else "human", "value": text} for number, text in enumerate(texts)]


def text_of(ids: Any) -> str:
    names = {IMAGE_PLACEHOLDER: "<image>", 1: "", 2: "</s>"}
    return "".join(names[one] if one in names else chr(one - FIRST_BYTE) for one in ids if one != IGNORED_LABEL)


def test_two_turns_read_as_published() -> None:
    prompt = load_template("vicuna_v1").render(["<image>\nHello", "Hi", "Next?", None])
    assert prompt == f"{SYSTEM} USER: <image>\nHello ASSISTANT: Hi</s>USER: Next? ASSISTANT:"


def test_an_unknown_template_lists_the_known_ones() -> None:
    with pytest.raises(InputError, match="vicuna_v1"):
        load_template("vicuna_v2")
    assert len(template_names()) == 5


def test_a_template_without_roles_refuses_an_open_turn() -> None:
    """The published renderer crashes there."""
    with pytest.raises(InputError, match="an open turn"):
        load_template("plain_guided").render(["a", None])


@pytest.mark.parametrize("hostile", ["<image>", "</s>", "<<image>image>", "<s></s>"])
def test_a_question_cannot_claim_a_picture_or_end_the_turn(hostile: str) -> None:
    prompt = ask(f"who {hostile} is it", pictures=True)
    assert prompt.count("<image>") == 1
    assert "</s>" not in prompt
    assert "<s>" not in prompt


def test_a_film_gets_a_mark_per_token_between_its_subtitles() -> None:
    prompt = ask_about_film("who?", "<image>Hello<image>")
    assert "movie.<image><image>Hello<image><image>Now the movie end.\nwho? ASSISTANT:" in prompt


def test_only_answers_and_their_end_marks_carry_labels() -> None:
    sample = encode_sample(talk("<image>\nWho?", "A dog.", "Where?", "There."), ENCODE, stage="vicuna_v1")
    assert text_of(sample.text.labels) == " A dog.</s> There.</s>"
    assert text_of(sample.text.input_ids).endswith(
        "USER: <image>\nWho? ASSISTANT: A dog.</s>USER: Where? ASSISTANT: There.</s>"
    )


@pytest.mark.parametrize("seed", range(8))
def test_later_questions_get_a_mark_before_or_behind_by_the_coin(seed: int) -> None:
    front = Random(seed).randint(0, 1) == 0
    sample = encode_sample(talk("<image>\nWho?", "A dog.", "Where?", "There."), ENCODE, coin=Random(seed))
    wanted = "USER: <image>\nWhere? ASSISTANT" if front else "USER: Where?\n<image> ASSISTANT"
    assert wanted in text_of(sample.text.input_ids)
    assert sample.questions == ("Who?", "Where?")


def test_each_picture_mark_meets_the_question_of_its_own_turn() -> None:
    """The published code pairs the first mark with the first turn, though that turn has no picture."""
    sample = encode_sample(talk("Hello", "yes", "<image>\nWho?", "A dog."), ENCODE)
    assert sample.questions == ("Who?",)
    assert sample.published_questions == ("Hello", "Who?")


def test_the_first_stage_shows_the_language_model_the_caption_alone() -> None:
    sample = encode_sample(talk("Describe it.\n<image>", "a boat"), ENCODE, stage="plain_guided")
    assert text_of(sample.text.input_ids) == "<image>a boat\n"
    assert text_of(sample.text.labels) == "a boat\n"
    assert sample.questions == ("Describe it.",)


def test_the_question_about_a_film_is_its_turn_without_the_film() -> None:
    sample = encode_sample(talk("A movie. <image>Who?", "A dog."), ENCODE, film="<image><image>Hi<image><image>")
    assert sample.questions == ("A movie. Who?",)
    assert sample.text.input_ids.count(IMAGE_PLACEHOLDER) == 4


def test_a_sample_that_the_published_code_miscounts_keeps_its_labels_unless_asked() -> None:
    def marked(text: str, special_tokens: bool) -> list[int]:
        """A space mark in front of a text and none after an end mark, as without the legacy flag."""
        return ENCODE(" " + text, special_tokens)

    record = talk("Who?", "A dog.", "Where?", "There.")
    assert not encode_sample(record, ENCODE).miscounted
    kept = encode_sample(record, marked)
    assert kept.miscounted
    assert text_of(kept.text.labels) == " A dog.</s> There.</s>"
    assert text_of(encode_sample(record, marked, ignore_miscounted=True).text.labels) == ""


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ([{"from": "robot", "value": "a"}], "robot"),
        ([{"from": "human", "value": 3}], "int"),
        (talk("a") + talk("b"), "two messages of one speaker in a row"),
        ("text", "a list of messages"),
    ],
    ids=["speaker", "type", "order", "no list"],
)
def test_broken_records_are_refused(record: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        encode_sample(record, ENCODE)


SRT = (
    "1\n00:00:01,000 --> 00:00:02,500\nHello there...\n\n"
    "2\n00:00:03,000 --> 00:00:04,000\nOne\ntwo\n\n"
    "3\n00:01:00,0 --> 00:01:01,0\n42\n"
)


def test_subtitles_are_read_with_lines_joined() -> None:
    assert parse_srt(SRT) == [Subtitle(1.0, 2.5, "Hello there"), Subtitle(3.0, 4.0, "One two")]


def test_spoken_numbers_are_kept_when_asked_for() -> None:
    """The published parser loses a line of digits."""
    assert [one.text for one in parse_srt(SRT, keep_digits=True)] == ["Hello there", "One two", "42"]


def test_an_unreadable_time_names_its_line() -> None:
    with pytest.raises(InputError, match="line 2"):
        parse_srt("1\n00:01 --> later\nHello\n")


def test_subtitles_stand_behind_the_last_frame_before_their_end() -> None:
    spoken = [Subtitle(0, 1.5, "a"), Subtitle(1, 1.9, "b"), Subtitle(2, 9, "c")]
    assert interleave(spoken, [0.0, 1.0, 2.0]) == "<image><image>a b<image>c"
