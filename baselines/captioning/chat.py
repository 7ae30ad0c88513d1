"""A conversation about one clip or picture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from baselines.captioning.clips import read_media
from baselines.captioning.frame_choice import check_frames
from baselines.captioning.types import ChatModel, Media, ModelSettings, Turn
from vdc.errors import InputError, Problem


class Conversation:
    """Questions and answers about one clip; the model sees all that was said before.

    Args:
        model: Who answers.
        media: What it is shown.

    Attributes:
        turns: What was said.
    """

    def __init__(self, model: ChatModel, media: Media) -> None:
        self._model = model
        self._media = media
        self.turns: list[Turn] = []

    def ask(self, question: str) -> Iterator[str]:
        """The answer in pieces; it joins the history when it is complete.

        Raises:
            InputError: The question is blank.
        """
        if not question.strip():
            raise InputError(Problem("no question", "some words", "ask something"))
        pieces = []
        for piece in self._model.stream(self._media, [*self.turns, Turn(question)]):
            pieces.append(piece)
            yield piece
        self.turns.append(Turn(question, "".join(pieces).strip()))

    def forget(self) -> None:
        """Begin anew with the same clip."""
        self.turns.clear()


def open_chat_model(settings: ModelSettings, *, base_url: str | None = None, device: str | None = None) -> ChatModel:
    """A model to talk to: in this process, or on a server.

    Args:
        settings: Which, and how.
        base_url: An OpenAI-compatible server that takes images.
        device: As :func:`baselines.captioning.models.open_model`.

    Raises:
        InputError: No such model, or settings it cannot follow.
        MissingExtra: Packages for running models are not installed.
    """
    check_frames(settings)
    if base_url is None:
        from baselines.captioning.models import open_model

        return open_model(settings, device=device)
    from baselines.captioning.server import ServerChat
    from vdc.llm.endpoint import parse_endpoint

    refused = {"--token-kept-ratio": settings.token_kept_ratio, "--compressor": settings.compressor}
    problems = [
        Problem(f"{option} {value} with a server", "an option that servers know", "leave it out")
        for option, value in refused.items()
        if value is not None
    ]
    if problems:
        raise InputError(problems)
    return ServerChat(parse_endpoint(base_url), settings)


def answers(model: ChatModel, media: str | Path, questions: Sequence[str]) -> list[str]:
    """Ask several questions in one conversation.

    Args:
        model: Who answers.
        media: Video, image or feature file.
        questions: In order.

    Raises:
        InputError: The file cannot be read, or a question is blank.
    """
    conversation = Conversation(model, read_media(media, model.view))
    return ["".join(conversation.ask(question)).strip() for question in questions]
