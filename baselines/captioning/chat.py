"""A conversation about one clip or picture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from baselines.captioning.clips import check_frames, read_media
from baselines.captioning.types import ChatModel, Frames, ModelSettings, Turn
from vdc.errors import InputError, Problem


class Conversation:
    """Questions and answers about one clip; the model sees all that was said before.

    Args:
        model: Who answers.
        frames: The clip's pictures.

    Attributes:
        turns: What was said.
    """

    def __init__(self, model: ChatModel, frames: Frames) -> None:
        self._model = model
        self._frames = frames
        self.turns: list[Turn] = []

    def ask(self, question: str) -> Iterator[str]:
        """The answer in pieces; it joins the history when it is complete.

        Raises:
            InputError: The question is blank.
        """
        if not question.strip():
            raise InputError(Problem("no question", "some words", "ask something"))
        pieces = []
        for piece in self._model.stream(self._frames, [*self.turns, Turn(question)]):
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
    if base_url is None:
        from baselines.captioning.models import open_model

        return open_model(settings, device=device)
    from baselines.captioning.server import ServerChat
    from vdc.llm.endpoint import parse_endpoint

    if settings.token_kept_ratio is not None:
        raise InputError(
            Problem(
                f"--token-kept-ratio {settings.token_kept_ratio} with a server",
                "an option that servers know",
                "leave it out",
            )
        )
    return ServerChat(parse_endpoint(base_url), settings)


def answers(model: ChatModel, media: str | Path, questions: Sequence[str], frames: int = 8) -> list[str]:
    """Ask several questions in one conversation.

    Args:
        model: Who answers.
        media: Video or image file.
        questions: In order.
        frames: Frames taken from a video.

    Raises:
        InputError: The file cannot be read, or a question is blank.
    """
    check_frames(frames)
    conversation = Conversation(model, read_media(media, frames))
    return ["".join(conversation.ask(question)).strip() for question in questions]
