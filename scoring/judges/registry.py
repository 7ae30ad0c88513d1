"""The judges by name. An outside package adds its own through the entry-point group ``vdc.judges``."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Final

from scoring.types import Judge
from vdc.errors import InputError, unknown_name

ENTRY_POINTS: Final = "vdc.judges"


def _lexical() -> Judge:
    from scoring.judges.lexical import LexicalJudge

    return LexicalJudge()


OFFLINE: Final[dict[str, Callable[[], Judge]]] = {"lexical": _lexical}
"""Judges that need nothing but their name."""

BUILT_IN: Final = ("lexical", "openai", "recorded")


def judge_names() -> tuple[str, ...]:
    """Every judge that ``--judge`` takes here: built in, then those that installed packages bring."""
    return (*BUILT_IN, *sorted(point.name for point in entry_points(group=ENTRY_POINTS)))


def offline_judge(name: str) -> Judge:
    """A judge that needs no settings: built in, or an entry point that is a callable without arguments.

    Raises:
        InputError: No judge has this name; lists those there are.
    """
    if name in OFFLINE:
        return OFFLINE[name]()
    for point in entry_points(group=ENTRY_POINTS, name=name):
        judge = point.load()()
        if not isinstance(judge, Judge):
            raise TypeError(f"entry point {name!r} of {ENTRY_POINTS} gave {type(judge).__name__}, which is no Judge")
        return judge
    raise InputError(unknown_name("judge", name, judge_names()))
