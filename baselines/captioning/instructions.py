"""What a captioner is asked: one instruction per section, fixed by a versioned file and a seed."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

from vdc.errors import InputError, Problem, unknown_name
from vdc.fileio import read_bytes
from vdc.sections import SECTIONS, Section

DEFAULT_SET: Final = "captions-1"
SHIPPED: Final = (DEFAULT_SET,)


@dataclass(frozen=True, slots=True)
class InstructionSet:
    """The wordings of one file.

    Args:
        name: As the file says.
        sha256: Hex digest of the file's bytes.
        wordings: Section -> its wordings, at least one.
    """

    name: str
    sha256: str
    wordings: Mapping[Section, tuple[str, ...]]

    def instruction(self, section: Section, seed: int = 0) -> str:
        """The wording for a section: number ``seed``, counted in a circle, the same for every video of a run."""
        choices = self.wordings[section]
        return choices[seed % len(choices)]


def load_instructions(name_or_file: str | Path = DEFAULT_SET) -> InstructionSet:
    """An instruction set that ships with the project, or a TOML file of the same form.

    Args:
        name_or_file: One of ``SHIPPED``, or a path that ends in ``.toml``.

    Raises:
        InputError: Unknown name, or a file that is not of this form.
    """
    text = str(name_or_file)
    if text.endswith(".toml"):
        return _parse(read_bytes(text).data, text)
    if text not in SHIPPED:
        raise InputError(unknown_name("instruction set", text, SHIPPED))
    return _parse(files("baselines.captioning").joinpath(f"{text}.toml").read_bytes(), text)


def _parse(data: bytes, where: str) -> InstructionSet:
    try:
        table: dict[str, Any] = tomllib.loads(data.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(
            Problem(f"a file that is not TOML ({error})", "an instruction set", "correct it", where)
        ) from error
    problems = [unknown_name("section", key, SECTIONS, where) for key in table if key not in (*SECTIONS, "name")]
    if not isinstance(table.get("name"), str):
        problems.append(Problem("no name", 'a line such as name = "mine-1"', "add it", where))
    for section in SECTIONS:
        texts = table.get(section)
        if (
            not isinstance(texts, list)
            or not texts
            or not all(isinstance(text, str) and text.strip() for text in texts)
        ):
            problems.append(
                Problem(
                    f"{section} = {texts!r}"[:80],
                    "a list of one or more instructions",
                    f'write {section} = ["..."]',
                    where,
                )
            )
    if problems:
        raise InputError(problems)
    wordings: dict[Section, tuple[str, ...]] = {section: tuple(table[section]) for section in SECTIONS}
    return InstructionSet(table["name"], hashlib.sha256(data).hexdigest(), wordings)
