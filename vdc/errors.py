"""Every failure a user can meet, under one base class.

A message has three parts: what was found (with its value and place), what was expected, what to do next.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

SHOWN_PROBLEMS = 20
"""How many problems one message lists; the rest are counted."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with an input.

    Args:
        found: What is there, with the value.
        expected: What should be there.
        do_next: What the user can do about it.
        where: File, line or id, for example ``predictions.jsonl:12``; empty when it concerns the whole input.
    """

    found: str
    expected: str
    do_next: str
    where: str = ""

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        return f"{place}found {self.found}; expected {self.expected}; do next: {self.do_next}"


class VdcError(Exception):
    """Base of every expected failure; the command line prints it without a traceback."""

    exit_code = 1


class RunFailed(VdcError):
    """The run could not be finished, though nothing was wrong with what the user gave."""


class RunIncomplete(RunFailed):
    """Some calls still fail after all retries; the same command resumes the run."""


class InputError(VdcError):
    """A file, name or option that cannot be used as it is.

    Args:
        problems: Everything that is wrong, not only the first thing.
        summary: A line above the list; counts the problems when not given.
    """

    exit_code = 2

    def __init__(self, problems: Iterable[Problem] | Problem, summary: str = "") -> None:
        self.problems: Sequence[Problem] = (problems,) if isinstance(problems, Problem) else tuple(problems)
        self.summary = summary
        super().__init__(self._message())

    def _message(self) -> str:
        count = len(self.problems)
        if count == 1 and not self.summary:
            return str(self.problems[0])
        lines = [self.summary or f"{count} problems"]
        lines += [f"  {problem}" for problem in self.problems[:SHOWN_PROBLEMS]]
        if count > SHOWN_PROBLEMS:
            lines.append(f"  ... and {count - SHOWN_PROBLEMS} more (vdc validate FILE --json lists all)")
        return "\n".join(lines)


class MissingExtra(VdcError):
    """An optional package is not installed.

    Args:
        feature: What the user asked for.
        extra: Name of the extra of ``vdc-toolkit`` that brings it.
    """

    exit_code = 2

    def __init__(self, feature: str, extra: str) -> None:
        super().__init__(
            f"found no packages for {feature}; expected the extra {extra!r}; "
            f"do next: pip install 'vdc-toolkit[{extra}]'"
        )


def unknown_name(kind: str, name: object, valid: Iterable[str], where: str = "") -> Problem:
    """Problem for a name outside a closed set: lists the valid names and the closest one.

    Args:
        kind: What is being named, for example ``section``.
        name: What was given.
        valid: The allowed names, in the order to show them.
        where: As in :class:`Problem`.
    """
    names = list(valid)
    close = get_close_matches(str(name), names, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"use one of the valid {kind} names"
    return Problem(found=f"{kind} {name!r}", expected=f"one of {', '.join(names)}", do_next=hint, where=where)
