"""The language of the synthetic benchmark: for each section, ways to state its facts and ways to ask for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from builders.synthetic.wording import background, camera, main_object, short
from vdc.sections import Section

Statements = tuple[tuple[str, ...], ...]

STATEMENTS: Final[Mapping[Section, Statements]] = {
    "short": short.STATEMENTS,
    "background": background.STATEMENTS,
    "main_object": main_object.STATEMENTS,
    "camera": camera.STATEMENTS,
    # The main object first: later sentences refer to it as "it".
    "detailed": main_object.STATEMENTS + background.STATEMENTS + camera.STATEMENTS,
}
"""Section -> its sentences in order; each sentence is a tuple of frames that can state the same facts."""

QUESTIONS: Final[Mapping[Section, Mapping[str, tuple[str, str, str]]]] = {
    "short": short.QUESTIONS,
    "background": background.QUESTIONS,
    "main_object": main_object.QUESTIONS,
    "camera": camera.QUESTIONS,
    "detailed": {**main_object.QUESTIONS, **background.QUESTIONS, **camera.QUESTIONS},
}
"""Section -> fact key -> ways to ask for it."""
