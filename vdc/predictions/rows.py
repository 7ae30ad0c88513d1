"""What passes between a format's reader and the one place that checks captions: raw rows, not yet believed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final, Literal

from vdc.benchmark.video_ids import strip_extension
from vdc.errors import Problem
from vdc.fileio import MAX_BYTES
from vdc.sections import Section
from vdc.textio import FileBytes, TextFacts, excerpt, iter_json_lines, read_json

Unit = Literal["line", "entry", "row"]
"""How a format counts its captions: lines of text, entries of a JSON list, rows of a table."""


class Absent(Enum):
    """The type of :data:`ABSENT`; JSON's null is a value, a key that is not there is none."""

    ABSENT = "absent"


ABSENT: Final = Absent.ABSENT


@dataclass(frozen=True, slots=True)
class Row:
    """One caption as the file has it; every value may be of any type.

    Args:
        line: Line, entry or row, from 1.
        video_id: As written, with or without folder and extension; ``ABSENT`` when there is no such key.
        section: As written; ``ABSENT`` when the row does not say.
        caption: As written; ``ABSENT`` when there is no such key.
        keys: What the row has instead, for messages.
    """

    line: int
    video_id: object = ABSENT
    section: object = ABSENT
    caption: object = ABSENT
    keys: tuple[str, ...] = ()


@dataclass(slots=True)
class PredictionFile:
    """A file while it is being read: its content and what was met in it.

    Args:
        content: The bytes.
        lenient: Whether what can be tolerated is.
        section: The section the user says the file is about.
        max_bytes: Limit for what the file unpacks to.
        problems: Everything wrong so far.
        notes: Sentences about what was tolerated so far.
        facts: What decoding met.
    """

    content: FileBytes
    lenient: bool = False
    section: Section | None = None
    max_bytes: int = MAX_BYTES
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    facts: TextFacts = field(default_factory=TextFacts)
    _document: Any = ABSENT

    @property
    def path(self) -> str:
        """As given by the user."""
        return self.content.path

    def document(self) -> Any:
        """The file as one JSON value, parsed once; ``ABSENT``, and a problem, where it is none."""
        if self._document is ABSENT:
            before = len(self.problems)
            value = read_json(self.content, self.problems, lenient=self.lenient, facts=self.facts)
            # A byte order mark is a problem of its own and leaves the value readable.
            if value is not None or len(self.problems) == before:
                self._document = value
        return self._document

    def lines(self) -> Iterator[tuple[int, Any]]:
        """The file as JSON Lines."""
        return iter_json_lines(self.content, self.problems, lenient=self.lenient, facts=self.facts)

    def where(self, line: int, unit: Unit) -> str:
        """The place of a row, for messages."""
        return f"{self.path}:{line}" if unit == "line" else f"{self.path}:{unit} {line}"

    def reject(self, found: str, expected: str, do_next: str, where: str = "") -> None:
        """Note a problem; without ``where`` it concerns the whole file."""
        self.problems.append(Problem(found, expected, do_next, where or self.path))

    def reject_value(self, value: object, expected: str, line: int, unit: Unit) -> None:
        """Note that a row is of a wrong JSON type."""
        self.reject(describe(value), expected, "write the file again in one format", self.where(line, unit))


@dataclass(frozen=True, slots=True)
class Format:
    """One way in which captions are written down.

    Args:
        name: For ``--format`` and the run record.
        unit: How its captions are counted.
        id_key, caption_key: Where it keeps them, for messages.
        read: From a file to its rows; adds to the file's problems whatever is no row.
    """

    name: str
    unit: Unit
    id_key: str
    caption_key: str
    read: Callable[[PredictionFile], Iterator[Row]]


def clean_video_id(name: str) -> str:
    """The id in a file name or path: without folders, surrounding space and one video extension of any case."""
    return strip_extension(name.replace("\\", "/").rsplit("/", 1)[-1].strip())


def first_of(record: dict[str, Any], *keys: str) -> object:
    """The value of the first key the record has; ``ABSENT`` when it has none."""
    return next((record[key] for key in keys if key in record), ABSENT)


def first_text(value: object) -> object:
    """The first response inside nested lists of responses; ``ABSENT`` when a list on the way is empty."""
    while isinstance(value, list):
        value = value[0] if value else ABSENT
    return value


def describe(value: object) -> str:
    """A JSON value of a wrong type, as it may stand in a message."""
    kinds: dict[type, str] = {
        type(None): "null",
        bool: "a truth value",
        int: "a number",
        float: "a number",
        str: "a text",
        list: "a list",
        dict: "an object",
    }
    kind = kinds.get(type(value), type(value).__name__)
    if isinstance(value, dict):
        return f"{kind} with the keys {excerpt(list(value)[:8])}" if value else "an empty object"
    if isinstance(value, list):
        return f"{kind} of {len(value):,}"
    return kind if value is None else f"{kind} ({excerpt(value)})"
