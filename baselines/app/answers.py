"""What the try-out page does, without the page: models by name, an uploaded clip, and answers side by side."""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from baselines.captioning.chat import answers
from baselines.captioning.clips import IMAGE_EXTENSIONS
from baselines.captioning.types import ChatModel, ModelSettings
from vdc.benchmark.video_ids import VIDEO_EXTENSIONS
from vdc.errors import InputError, Problem, VdcError

UPLOAD_TYPES: Final = tuple(ending.removeprefix(".") for ending in (*VIDEO_EXTENSIONS, *IMAGE_EXTENSIONS))

OpenModel = Callable[[ModelSettings, str | None], ChatModel]


@dataclass(frozen=True, slots=True)
class PageStart:
    """What the page is started with.

    Args:
        models: Names to offer.
        base_url: Server they are on; None runs them in this process.
    """

    models: tuple[str, ...] = ()
    base_url: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What one model said.

    Args:
        model: Its name.
        text: The answer; empty where there is none.
        problem: Why there is none, in words; empty where there is one.
        elapsed_s: Seconds it took, loading included where the model was not loaded yet.
    """

    model: str
    text: str
    problem: str
    elapsed_s: float


def page_arguments(words: Sequence[str]) -> PageStart:
    """Read ``--model NAME ... --base-url URL``."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--model", action="append", default=[])
    parser.add_argument("--base-url")
    given, _ = parser.parse_known_args(list(words))
    return PageStart(tuple(given.model), given.base_url)


def model_names(text: str) -> list[str]:
    """Names from a text field, one per line, each once."""
    return list(dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()))


def ask_models(
    names: Sequence[str],
    media: bytes,
    file_name: str,
    question: str,
    *,
    frames: int,
    token_kept_ratio: float | None,
    max_new_tokens: int,
    base_url: str | None,
    open_model: OpenModel,
) -> list[Answer]:
    """The answer of each model to one question about an uploaded file; one that fails does not stop the others.

    Args:
        names: Models.
        media: Contents of the file.
        file_name: Its name; only the ending is used.
        question: The question.
        frames: Frames taken from a video.
        token_kept_ratio: As :class:`ModelSettings`.
        max_new_tokens: Longest answer, tokens.
        base_url: Server; None runs models in this process.
        open_model: Loads a model, or finds it loaded already.

    Raises:
        InputError: No model is named.
    """
    if not names:
        raise InputError(Problem("no model", "a folder or Hub name per line", "name one"))
    given: list[Answer] = []
    with tempfile.TemporaryDirectory(prefix="vdc-try-") as folder:
        path = Path(folder) / f"clip{Path(file_name).suffix.lower()}"
        path.write_bytes(media)
        for name in names:
            started = time.monotonic()
            text = problem = ""
            try:
                settings = ModelSettings(
                    model=name, frames=frames, token_kept_ratio=token_kept_ratio, max_new_tokens=max_new_tokens
                )
                text = answers(open_model(settings, base_url), path, [question], frames)[0]
            except (VdcError, RuntimeError, ValueError) as error:
                # the folder of the upload means nothing to the reader
                problem = str(error).replace(f"{path}: ", "") or type(error).__name__
            given.append(Answer(name, text, problem, time.monotonic() - started))
    return given
