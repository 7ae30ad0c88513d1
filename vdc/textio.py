"""Reading text and JSON nobody vouched for: UTF-8, JSON Lines, JSON documents.

Reading is bounded before it starts (kind and size of the file), while it unpacks (gzip bombs) and before it parses
(nesting). Everything wrong with the content is collected as problems with line numbers instead of raised one by one.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from vdc.errors import Problem
from vdc.fileio import MAX_BYTES, FileBytes, read_bytes, show_path, write_atomic

__all__ = [
    "MAX_PROBLEMS",
    "FileBytes",
    "TextFacts",
    "decode_text",
    "excerpt",
    "gave_up",
    "iter_json_lines",
    "read_bytes",
    "read_json",
    "show_path",
    "write_atomic",
]

MAX_DEPTH = 64
"""Deepest nesting of JSON arrays and objects; every known format stays below ten."""

MAX_CONTAINERS = 5_000_000
"""Most JSON arrays and objects in one document; an empty one takes 2 bytes in the file and 64 in memory."""

MAX_PROBLEMS = 10_000
"""Reading stops here: a file this broken is another kind of file."""

_BOM = b"\xef\xbb\xbf"
_REPLACEMENT = "\ufffd"
# The possessive quantifiers and the open end keep an unterminated string from being scanned again from every quote.
_STRUCTURE = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)|([\[{])|([\]}])', re.DOTALL)
_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")
_LONE_SURROGATE = re.compile(r"[\ud800-\udfff]")


@dataclass(slots=True)
class TextFacts:
    """What reading met and tolerated; filled while lines are read.

    Args:
        bom: The content starts with a byte order mark.
        crlf_lines: Lines that end in CR LF.
        replaced_surrogates: Lone surrogates replaced by U+FFFD, in characters.
    """

    bom: bool = False
    crlf_lines: int = 0
    replaced_surrogates: int = 0


Source = str | os.PathLike[str] | FileBytes


def iter_json_lines(
    source: Source,
    problems: list[Problem],
    *,
    lenient: bool = False,
    facts: TextFacts | None = None,
    max_bytes: int = MAX_BYTES,
) -> Iterator[tuple[int, Any]]:
    """The JSON values of a JSON Lines file with their line numbers, from 1. Blank lines are skipped.

    Args:
        source: A path, or content already read.
        problems: Receives one problem per line that is no clean JSON; such lines are not yielded.
        lenient: Accept a byte order mark and CR LF line ends.
        facts: Receives what was met.
        max_bytes: As in :func:`read_bytes`.

    Raises:
        InputError: The file cannot be read at all, see :func:`read_bytes`.
    """
    content = _content(source, max_bytes)
    facts = facts if facts is not None else TextFacts()
    data = _without_marks(content, problems, lenient, facts)
    parse = _parser(facts)
    start, number, size = 0, 0, len(data)
    while start < size:
        number += 1
        end = data.find(b"\n", start)
        stop = size if end < 0 else end
        raw = data[start:stop]
        start = stop + 1
        if not raw.strip():
            continue
        where = f"{content.path}:{number}"
        try:
            value, flaws = parse(raw.decode("utf-8"))
        except UnicodeDecodeError as error:
            flaws, value = [_no_utf8(raw, error)], None
        except json.JSONDecodeError as error:
            flaws, value = [_no_json(error, "one complete JSON value on the line", cut=end < 0)], None
        if not flaws:
            yield number, value
        problems.extend(_placed(flaw, where) for flaw in flaws)
        if len(problems) >= MAX_PROBLEMS:
            problems.append(gave_up(where))
            return


def read_json(
    source: Source,
    problems: list[Problem],
    *,
    lenient: bool = False,
    facts: TextFacts | None = None,
    max_bytes: int = MAX_BYTES,
) -> Any:
    """The value of a file that is one JSON document; None, and at least one problem, where it is no clean JSON.

    Args:
        source: A path, or content already read.
        problems: Receives what is wrong, with line numbers.
        lenient: Accept a byte order mark and CR LF line ends.
        facts: Receives what was met.
        max_bytes: As in :func:`read_bytes`.

    Raises:
        InputError: The file cannot be read at all, see :func:`read_bytes`.
    """
    content = _content(source, max_bytes)
    facts = facts if facts is not None else TextFacts()
    data = _without_marks(content, problems, lenient, facts)
    line = 0
    try:
        value, flaws = _parser(facts)(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        value, flaws = None, [_no_utf8(data, error)]
    except json.JSONDecodeError as error:
        line = error.lineno
        cut = not error.doc[error.pos :].strip() or error.msg.startswith("Unterminated")
        value, flaws = None, [_no_json(error, "one complete JSON document", cut=cut)]
    where = f"{content.path}:{line}" if line else content.path
    problems.extend(_placed(flaw, where) for flaw in flaws)
    return None if flaws else value


def decode_text(
    source: FileBytes, problems: list[Problem], *, lenient: bool = False, facts: TextFacts | None = None
) -> str | None:
    """The content as text without byte order mark; None, and a problem, where it is not UTF-8.

    Args:
        source: Content already read.
        problems: Receives what is wrong.
        lenient: Accept a byte order mark and CR LF line ends (which stay in the text).
        facts: Receives what was met.
    """
    data = _without_marks(source, problems, lenient, facts if facts is not None else TextFacts())
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        problems.append(_placed(_no_utf8(data, error), f"{source.path}:{line}"))
        return None


def excerpt(value: object, limit: int = 60) -> str:
    """A value as it may stand in a message: escaped and short."""
    text = repr(value[: limit + 1]) if isinstance(value, str | bytes) else repr(value)
    return text if len(text) <= limit else f"{text[:limit]}..."


def _content(source: Source, max_bytes: int) -> FileBytes:
    return source if isinstance(source, FileBytes) else read_bytes(source, max_bytes=max_bytes)


def _without_marks(content: FileBytes, problems: list[Problem], lenient: bool, facts: TextFacts) -> bytes:
    """The content without byte order mark; notes it and CR LF line ends, as problems unless lenient."""
    data = content.data
    if data.startswith(_BOM):
        facts.bom = True
        data = data[len(_BOM) :]
        if not lenient:
            problems.append(
                Problem(
                    "a UTF-8 byte order mark (ef bb bf) at the start",
                    "UTF-8 without byte order mark",
                    "save the file as plain UTF-8, or pass --lenient to accept it",
                    f"{content.path}:1",
                )
            )
    crlf = data.count(b"\r\n")
    if crlf:
        facts.crlf_lines = crlf
        if not lenient:
            first = data.count(b"\n", 0, data.find(b"\r\n")) + 1
            problems.append(
                Problem(
                    f"{crlf:,} line ends of the form CR LF, the first on line {first}",
                    "line ends of the form LF",
                    "convert the line ends (dos2unix), or pass --lenient to accept them",
                    f"{content.path}:{first}",
                )
            )
    return data


@dataclass(frozen=True, slots=True)
class _Flaw:
    """A problem before its place is known."""

    found: str
    expected: str
    do_next: str


def _placed(flaw: _Flaw, where: str) -> Problem:
    return Problem(flaw.found, flaw.expected, flaw.do_next, where)


def _parser(facts: TextFacts) -> Callable[[str], tuple[Any, list[_Flaw]]]:
    """A function from text to (value, what is wrong with it); raises only ``json.JSONDecodeError``."""
    flaws: list[_Flaw] = []

    def read_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        value = dict(pairs)
        if len(value) != len(pairs):
            keys = [key for key, _ in pairs]
            twice = sorted({key for key in value if keys.count(key) > 1}) if len(keys) <= 1000 else sorted(value)[:1]
            flaws.append(
                _Flaw(
                    f"the key {excerpt(twice[0])} more than once in one object",
                    "every key once",
                    "keep the value that is meant and remove the other",
                )
            )
        return value

    def read_constant(name: str) -> None:
        flaws.append(
            _Flaw(f"the number {name}", "a finite number or null", f"write null or a real number instead of {name}")
        )

    def read_float(digits: str) -> float:
        number = float(digits)
        if not math.isfinite(number):
            read_constant(digits if len(digits) < 30 else f"{digits[:30]}...")
        return number

    decode = json.JSONDecoder(
        object_pairs_hook=read_object, parse_constant=read_constant, parse_float=read_float
    ).decode

    def parse(text: str) -> tuple[Any, list[_Flaw]]:
        flaws.clear()
        # Checked first: the parser recurses once per level and would end the process on hostile input.
        too_much = _too_much_structure(text)
        if too_much:
            return None, [too_much]
        try:
            value = decode(text)
        except json.JSONDecodeError:
            raise
        except ValueError:
            return None, [_Flaw("an integer of thousands of digits", "numbers of sane length", "shorten the number")]
        if _SURROGATE_ESCAPE.search(text):
            value = _without_surrogates(value, facts)
        return value, list(flaws)

    return parse


def _too_much_structure(text: str) -> _Flaw | None:
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return None
    depth = containers = 0
    for token in _STRUCTURE.finditer(text):
        if token.lastindex == 1:
            depth += 1
            containers += 1
            if depth > MAX_DEPTH:
                return _Flaw(
                    f"JSON nested deeper than {MAX_DEPTH} levels",
                    f"at most {MAX_DEPTH} levels",
                    "check where the file comes from; no known format nests this deep",
                )
            if containers > MAX_CONTAINERS:
                return _Flaw(
                    f"more than {MAX_CONTAINERS:,} JSON arrays and objects",
                    f"at most {MAX_CONTAINERS:,} in one document",
                    "split the file, or check where it comes from",
                )
        elif token.lastindex == 2:
            depth -= 1
    return None


def _without_surrogates(value: Any, facts: TextFacts) -> Any:
    if isinstance(value, str):
        clean, count = _LONE_SURROGATE.subn(_REPLACEMENT, value)
        facts.replaced_surrogates += count
        return clean
    if isinstance(value, list):
        return [_without_surrogates(part, facts) for part in value]
    if isinstance(value, dict):
        return {_without_surrogates(key, facts): _without_surrogates(part, facts) for key, part in value.items()}
    return value


def _no_utf8(data: bytes, error: UnicodeDecodeError) -> _Flaw:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _Flaw("UTF-16 text", "UTF-8 text", "save the file as UTF-8")
    bad = data[error.start : error.start + 4].hex(" ")
    return _Flaw(f"bytes that are not UTF-8 ({bad})", "UTF-8 text", "save the file as UTF-8")


def _no_json(error: json.JSONDecodeError, expected: str, *, cut: bool) -> _Flaw:
    near = error.doc[max(0, error.pos - 20) : error.pos + 20]
    advice = (
        "the file looks cut short: write or download it again" if cut else "correct the text there, or write it again"
    )
    return _Flaw(f"no valid JSON: {error.msg} at column {error.colno}, near {excerpt(near)}", expected, advice)


def gave_up(where: str) -> Problem:
    """The last problem of a file that has ``MAX_PROBLEMS`` of them."""
    return Problem(
        f"{MAX_PROBLEMS:,} problems up to here",
        "a file of the expected kind",
        "correct the first problems and try again; the rest was not read",
        where,
    )
