"""What the try-out page does, without the page: an uploaded clip, and several models' answers, turn after turn."""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from baselines.app.model_lines import ModelLine
from baselines.captioning.clips import FEATURES_EXTENSION, IMAGE_EXTENSIONS, read_media
from baselines.captioning.types import ChatModel, Media, ModelSettings, Turn, View
from vdc.benchmark.video_ids import VIDEO_EXTENSIONS
from vdc.errors import InputError, VdcError

UPLOAD_TYPES: Final = tuple(
    ending.removeprefix(".") for ending in (*VIDEO_EXTENSIONS, *IMAGE_EXTENSIONS, FEATURES_EXTENSION)
)

OpenModel = Callable[[ModelSettings, str | None], ChatModel]
"""Loads a model, or finds it loaded already."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What one model said.

    Args:
        model: Its line.
        text: The answer; empty, or broken off, where there is a problem.
        problem: Why there is none, in words; empty where there is one.
        elapsed_s: Seconds it took, loading included where the model was not loaded yet.
    """

    model: str
    text: str
    problem: str
    elapsed_s: float


@dataclass(frozen=True, slots=True)
class Exchange:
    """One question and what every model said to it."""

    question: str
    answers: tuple[Answer, ...]


class Upload:
    """A file that a visitor gave; every model's view of it is read once.

    Args:
        content: The file.
        file_name: Its name; only the ending is used.
    """

    def __init__(self, content: bytes, file_name: str) -> None:
        self._content = content
        self._ending = Path(file_name).suffix.lower()
        self._read: dict[str, Media] = {}

    def media(self, view: View, key: str) -> Media:
        """What a model is shown of it.

        Args:
            view: How the model wants it to be read.
            key: Names the model with its settings.

        Raises:
            InputError: It cannot be read.
        """
        if key not in self._read:
            with tempfile.TemporaryDirectory(prefix="vdc-try-") as folder:
                path = Path(folder) / f"clip{self._ending}"
                path.write_bytes(self._content)
                try:
                    self._read[key] = read_media(path, view)
                except InputError as error:
                    # the folder of the upload means nothing to the reader
                    raise InputError([replace(problem, where="") for problem in error.problems]) from error
        return self._read[key]


def page_models(words: Sequence[str]) -> list[str]:
    """The lines in ``--model LINE --model LINE ...``."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--model", action="append", default=[])
    given, _ = parser.parse_known_args(list(words))
    return list(given.model)


def ask_model(
    line: ModelLine,
    upload: Upload,
    question: str,
    *,
    earlier: Sequence[Exchange] = (),
    open_model: OpenModel,
    show: Callable[[str], None] = lambda _: None,
) -> Answer:
    """One model's answer; a failure is an answer too, so that it does not stop the others.

    Args:
        line: The model.
        upload: What it is shown.
        question: What it is asked.
        earlier: What was said before; a model remembers its own answers.
        open_model: Loads a model, or finds it loaded already.
        show: Told the answer so far, whenever there is more of it.
    """
    started = time.monotonic()
    text = problem = ""
    try:
        model = open_model(line.settings, line.base_url)
        for piece in model.stream(upload.media(model.view, line.text), [*remembered(line, earlier), Turn(question)]):
            text += piece
            show(text)
    except (VdcError, RuntimeError, ValueError) as error:
        problem = str(error) or type(error).__name__
    return Answer(line.text, text.strip(), problem, time.monotonic() - started)


def remembered(line: ModelLine, earlier: Sequence[Exchange]) -> list[Turn]:
    """The turns that a model took part in; questions that it failed on are forgotten."""
    return [
        Turn(exchange.question, answer.text)
        for exchange in earlier
        for answer in exchange.answers
        if answer.model == line.text and not answer.problem
    ]
