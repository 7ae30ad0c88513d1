"""Text as it is generated, from a model that runs in a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from baselines.captioning.types import Turn


def chat_messages(frames: int, turns: Sequence[Turn], pictures: Sequence[Any] | None = None) -> list[dict[str, Any]]:
    """A conversation in the form of transformers' chat templates; the pictures stand in the first turn.

    Args:
        frames: Number of pictures.
        turns: What was said, the last one without answer.
        pictures: The pictures themselves, for processors that take them out of the messages; None leaves marks alone.
    """
    messages: list[dict[str, Any]] = []
    for number, turn in enumerate(turns):
        parts: list[dict[str, Any]] = []
        if number == 0:
            parts += [{"type": "image"} | ({} if pictures is None else {"image": pictures[at]}) for at in range(frames)]
        messages.append({"role": "user", "content": [*parts, {"type": "text", "text": turn.question}]})
        if turn.answer is not None:
            messages.append({"role": "assistant", "content": [{"type": "text", "text": turn.answer}]})
    return messages


def stream_text(tokenizer: Any, generate: Callable[[Any], None]) -> Iterator[str]:
    """Pieces of text while ``generate(streamer)`` runs; what it raises is raised here, after the pieces before it.

    Args:
        tokenizer: Turns ids into text.
        generate: Blocks until all is generated; ends the streamer itself when it succeeds.
    """
    from transformers import TextIteratorStreamer

    streamer = TextIteratorStreamer(tokenizer, skip_prompt=True, skip_special_tokens=True)
    raised: list[BaseException] = []

    def run() -> None:
        try:
            generate(streamer)
        except BaseException as error:  # noqa: BLE001  (handed to the caller's thread, which raises it)
            raised.append(error)
            streamer.end()

    thread = threading.Thread(target=run, name="vdc-generate", daemon=True)
    thread.start()
    for piece in streamer:
        if piece:
            yield piece
    thread.join()
    if raised:
        raise raised[0]
