"""LLaVA-style records to ids, labels and questions, as the three published stages were trained.

Only answers and their end mark carry a label. In later turns about a picture the mark of the picture is put in front of
the question or behind it, by a fair coin.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Literal

from baselines.common import conversations
from baselines.common.constants import IGNORED_LABEL
from baselines.common.conversations import Message, in_turn
from baselines.common.prompts import Encode, TextSample, encode_with_placeholders
from baselines.llama_vid.prompts import IMAGE_MARK, Template, load_template
from vdc.errors import InputError, Problem

Stage = Literal["plain_guided", "imgsp_v1", "vicuna_v1"]


@dataclass(frozen=True, slots=True)
class TrainingSample:
    """One sample, ready for collation.

    Args:
        text: Ids and labels.
        questions: What the query transformer reads: one per placeholder in order, so that each picture mark meets the
            question of its own turn.
        published_questions: The published list, one per user turn. It is the same unless text-only turns come before
            the first picture; there the published code pairs pictures with questions of other turns.
        miscounted: The published code counts another number of ids than there are and ignores the whole sample.
    """

    text: TextSample
    questions: tuple[str, ...]
    published_questions: tuple[str, ...]
    miscounted: bool


def read_messages(record: Sequence[Mapping[str, Any]]) -> tuple[Message, ...]:
    """The messages of a conversation, from the user's first.

    Raises:
        InputError: No list, a speaker that is neither ``human`` nor ``gpt``, or two messages of one speaker in a row.
    """
    return in_turn(conversations.read_messages(record))


def mark_first(messages: Sequence[Message]) -> list[Message]:
    """Every message that holds a mark, with one mark in front of it."""
    moved = []
    for message in messages:
        text = message.text
        if IMAGE_MARK in text:
            text = f"{IMAGE_MARK}\n{text.replace(IMAGE_MARK, '').strip()}".strip()
        moved.append(Message(message.human, text))
    return moved


def insert_film(messages: Sequence[Message], inputs: str) -> tuple[list[Message], str]:
    """Put a film's marks and subtitles where its single mark stands.

    Args:
        messages: The conversation.
        inputs: Marks, one per visual token, with subtitles between.

    Returns:
        The messages, and the question: the last turn that held the mark, without it.
    """
    question = ""
    filled = []
    for message in messages:
        text = message.text
        if IMAGE_MARK in text:
            question = text.replace(IMAGE_MARK, "")
            text = text.replace(IMAGE_MARK, inputs)
        filled.append(Message(message.human, text))
    return filled, question


def spread_marks(messages: Sequence[Message], coin: Random) -> list[Message]:
    """Give every later question a mark of its own, in front or behind by a fair coin.

    Args:
        messages: The conversation.
        coin: Drawn once per turn that gets a mark; 0 puts it in front.
    """
    seen = False
    spread = []
    for message in messages:
        text = message.text
        seen = seen or IMAGE_MARK in text
        if message.human and seen and IMAGE_MARK not in text:
            text = f"{IMAGE_MARK}\n{text}" if coin.randint(0, 1) == 0 else f"{text}\n{IMAGE_MARK}"
        spread.append(Message(message.human, text))
    return spread


def encode_sample(
    record: Sequence[Mapping[str, Any]],
    encode: Encode,
    *,
    stage: Stage = "imgsp_v1",
    film: str | None = None,
    coin: Random | None = None,
    ignore_miscounted: bool = False,
) -> TrainingSample:
    """One record to ids, labels and questions.

    Args:
        record: ``[{"from": "human" | "gpt", "value": text}, ...]``; ``<image>`` stands for the picture or video.
        encode: The language model's tokenizer.
        stage: ``plain_guided`` for the first stage, ``imgsp_v1`` for the others; ``vicuna_v1`` without coin.
        film: For a long video, what takes the place of ``<image>``: a mark per visual token and the subtitles.
        coin: Source of chance for ``imgsp_v1``.
        ignore_miscounted: Take all labels off samples where the published code does so.

    Raises:
        InputError: As :func:`read_messages`, or ``imgsp_v1`` without a coin where one is needed.
    """
    messages: Sequence[Message] = read_messages(record)
    if stage == "plain_guided":
        return _encode_plain(messages, encode)
    film_question: str | None = None
    if film is not None:
        messages, film_question = insert_film(messages, film)
    else:
        messages = mark_first(messages)
    published = tuple(_question(message.text) for message in messages if message.human)
    if stage == "imgsp_v1":
        messages = spread_marks(messages, coin or Random(0))
    questions = tuple(
        _question(message.text) for message in messages if message.human for _ in range(message.text.count(IMAGE_MARK))
    )
    if film_question is not None:
        published = questions = (film_question,)
    template = load_template(stage)
    text, miscounted = _encode_turns([message.text for message in messages], template, encode)
    if miscounted and ignore_miscounted:
        text = TextSample(text.input_ids, (IGNORED_LABEL,) * len(text.labels))
    return TrainingSample(text, questions or published, published, miscounted)


def _question(text: str) -> str:
    return text.replace(IMAGE_MARK, "").replace("\n", "")


def _encode_plain(messages: Sequence[Message], encode: Encode) -> TrainingSample:
    """A picture and its caption; the instruction is read by the query transformer alone."""
    if len(messages) != 2 or IMAGE_MARK not in messages[0].text:
        raise InputError(
            Problem(f"{len(messages)} messages", "a question with <image> and its answer", "use imgsp_v1 for others")
        )
    caption = load_template("plain_guided").render([messages[1].text])
    ids = encode_with_placeholders(f"{IMAGE_MARK}{caption}", encode)
    front = len(encode_with_placeholders(IMAGE_MARK, encode))
    labels = [IGNORED_LABEL] * front + ids[front:]
    question = (_question(messages[0].text),)
    return TrainingSample(TextSample(tuple(ids), tuple(labels)), question, question, False)


def _encode_turns(texts: Sequence[str], template: Template, encode: Encode) -> tuple[TextSample, bool]:
    """Labels from segments: an answer reaches from behind its role to behind its end mark.

    Every cut is at a boundary of pieces: behind a colon, or behind a special token. So the ids up to a cut are the ids
    of the text up to it.
    """
    ids: list[int] = []
    labels: list[int] = []
    whole = template.render(list(texts))
    done = 0

    def take(end: int, labelled: bool) -> None:
        nonlocal done
        made = _ids_up_to(whole, end, encode)
        labels.extend(made[len(ids) :] if labelled else [IGNORED_LABEL] * (len(made) - len(ids)))
        ids.extend(made[len(ids) :])
        done = end

    for number in range(1, len(texts), 2):
        answered = template.render(list(texts[: number + 1]))
        if not texts[number]:
            continue
        start = len(answered) - len(f" {texts[number]}{template.separators[-1]}")
        take(start, False)
        take(len(answered), True)
    if done < len(whole):
        take(len(whole), False)
    return TextSample(tuple(ids), tuple(labels)), _published_count(whole, template, encode) != len(ids)


def _ids_up_to(whole: str, end: int, encode: Encode) -> list[int]:
    return encode_with_placeholders(whole[:end], encode)


def _published_count(whole: str, template: Template, encode: Encode) -> int:
    """How many ids the published code believes there are: rounds counted one by one, each with its own first id."""
    count = 1
    for part in whole.split(template.separators[-1]):
        if not part or len(part.split(f"{template.answer_start} ")) != 2:
            break
        count += len(encode_with_placeholders(part, encode))
    return count
