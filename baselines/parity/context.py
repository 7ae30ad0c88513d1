"""What every check is given, whatever the model: the golden folder and the book; and which check a file gets."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeVar

from torch import Tensor

from baselines.parity.checker import Checker
from baselines.parity.golden import GoldenFolder

Value = TypeVar("Value")
ByName = tuple[tuple[re.Pattern[str], Value], ...]
"""Pattern of a whole file name -> a check, or a reason why there is none."""


@dataclass(eq=False)
class GoldenContext:
    """One run; a model's own context adds what is built from the golden weights.

    Args:
        golden: The folder.
        checker: Its book.
    """

    golden: GoldenFolder
    checker: Checker

    def input(self, file: str, name: str) -> Tensor:
        """A golden tensor that serves as input."""
        self.checker.used(file, name)
        return self.golden.tensors(file)[name]


def by_name(*entries: tuple[str, Value]) -> ByName[Value]:
    """A table from patterns of file names.

    Args:
        entries: Regular expression and value; the first that fits counts.
    """
    return tuple((re.compile(pattern), value) for pattern, value in entries)


def first_fit(table: ByName[Value], file: str) -> Value | None:
    """The value of the first pattern that a file name fits as a whole; None where none does."""
    return next((value for pattern, value in table if pattern.fullmatch(file)), None)
