"""Which models the page asks: one per line, with options of ``vdc chat`` behind it where they matter."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn

from baselines.captioning.types import DTYPES, QUANTIZATIONS, ModelSettings
from vdc.errors import InputError, Problem

OPTIONS: Final[dict[str, dict[str, Any]]] = {
    "--base-url": {},
    "--frames": {"type": int},
    "--fps": {"type": float},
    "--token-kept-ratio": {"type": float},
    "--compressor": {},
    "--dtype": {"choices": DTYPES, "default": "auto"},
    "--quantize": {"choices": QUANTIZATIONS},
    "--revision": {},
}
"""Options that may follow a model's name, as :mod:`argparse` wants them; the same names as on the command line."""


@dataclass(frozen=True, slots=True)
class ModelLine:
    """A model to ask.

    Args:
        text: The line as written; tells two settings of one model apart.
        settings: Model and decoding.
        base_url: Server it is on; None runs it here.
    """

    text: str
    settings: ModelSettings
    base_url: str | None = None


def parse_lines(text: str, max_new_tokens: int) -> list[ModelLine]:
    """The models of a text field, each line once.

    Args:
        text: ``NAME [--option value ...]`` per line; a name with spaces stands in quotes.
        max_new_tokens: Longest answer, tokens.

    Raises:
        InputError: No model, or lines that cannot be read; all of them at once.
    """
    lines: list[ModelLine] = []
    problems: list[Problem] = []
    for line in dict.fromkeys(line.strip() for line in text.splitlines() if line.strip()):
        try:
            lines.append(_parse(line, max_new_tokens))
        except InputError as error:
            problems += error.problems
    if not lines and not problems:
        problems.append(Problem("no model", "a folder or Hub name per line", "name one"))
    if problems:
        raise InputError(problems)
    return lines


def write_lines(models: Sequence[str], options: Sequence[str]) -> list[str]:
    """Lines for models named on the command line.

    Args:
        models: Folders, Hub names, or whole lines.
        options: Options for all of them, for example ``["--base-url", "http://..."]``.
    """
    names = (shlex.quote(model) if Path(model).exists() else model for model in models)
    return [" ".join([name, *([shlex.join(options)] if options else [])]) for name in names]


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise InputError(Problem(message, f"NAME and options among {', '.join(OPTIONS)}", "correct the line"))


def _parse(line: str, max_new_tokens: int) -> ModelLine:
    parser = _Parser(add_help=False, allow_abbrev=False)
    parser.add_argument("model")
    for name, kind in OPTIONS.items():
        parser.add_argument(name, **kind)
    try:
        given = vars(parser.parse_args(shlex.split(line)))
    except (InputError, ValueError) as error:
        found = error.problems[0].found if isinstance(error, InputError) else str(error)
        raise InputError(
            Problem(
                f"{line!r} ({found})", f"NAME and options among {', '.join(OPTIONS)}", "correct the line of this model"
            )
        ) from error
    base_url = given.pop("base_url")
    return ModelLine(line, ModelSettings(**given, max_new_tokens=max_new_tokens), base_url)
