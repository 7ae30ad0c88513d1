"""JSON lists larger than memory: read item by item, written item by item."""

from __future__ import annotations

import hashlib
import json
import os
from codecs import getincrementaldecoder
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Final, NoReturn, TextIO

from vdc.errors import InputError, Problem
from vdc.fileio import show_path

CHUNK: Final = 1 << 20
MAX_ITEM: Final = 16 << 20
"""Characters of one item; a conversation has some thousand."""

_BLANK: Final = " \t\r\n"


def iter_json_list(path: str | os.PathLike[str]) -> Iterator[tuple[int, Any]]:
    """The items of a file that is one JSON list, with their places from 0; one item is in memory at a time.

    Raises:
        InputError: From the iterator: no such file, not UTF-8, or not one whole JSON list. Items before the fault have
            been yielded by then.
    """
    where = show_path(path)
    try:
        with Path(path).open("rb") as file:
            yield from _ListReader(file, where)
    except FileNotFoundError as error:
        raise InputError(Problem("no file", "a JSON list", "check the path", where)) from error
    except (IsADirectoryError, PermissionError) as error:
        found = f"a path that cannot be read ({error.strerror})"
        raise InputError(Problem(found, "a file", "check the path", where)) from error


class _ListReader:
    """Keeps as much text as the item under way needs, and a place in it."""

    def __init__(self, file: BinaryIO, where: str) -> None:
        self._file = file
        self._where = where
        self._decode = getincrementaldecoder("utf-8-sig")().decode
        self._text = ""
        self._at = 0
        self._ended = False
        self._parse = json.JSONDecoder(parse_constant=self._refuse_constant).raw_decode

    def __iter__(self) -> Iterator[tuple[int, Any]]:
        if self._take() != "[":
            self._refuse("something else at its start", "[ at the start")
        if self._look() == "]":
            self._take()
        else:
            yield from self._items()
        if self._look():
            self._refuse("more text behind the list", "one list")

    def _items(self) -> Iterator[tuple[int, Any]]:
        number = 0
        while True:
            self._look()
            yield number, self._item(number)
            mark = self._take()
            if mark == "]":
                return
            if mark != ",":
                self._refuse(f"{mark!r} behind item {number}", "a comma or ]")
            number += 1

    def _item(self, number: int) -> Any:
        while True:
            try:
                value, end = self._parse(self._text, self._at)
            except json.JSONDecodeError as error:
                if self._ended or len(self._text) - self._at > MAX_ITEM:
                    found = f"item {number} that is no JSON ({error.msg})"
                    self._refuse(found, f"JSON of up to {MAX_ITEM:,} characters")
            except RecursionError:
                self._refuse(f"item {number} that is nested too deep", "a conversation")
            else:
                # A number is whole only where something else follows: "-1." may go on to "-1.5".
                whole = not isinstance(value, int | float) or self._text[end : end + 1] in (",", "]", *_BLANK)
                if whole or self._ended:
                    self._at = end
                    return value
            self._read_more()

    def _look(self) -> str:
        """The next character that is no white space, which stays; empty at the end of the file."""
        while True:
            while self._at < len(self._text) and self._text[self._at] in _BLANK:
                self._at += 1
            if self._at < len(self._text) or self._ended:
                return self._text[self._at : self._at + 1]
            self._read_more()

    def _take(self) -> str:
        mark = self._look()
        self._at += 1
        return mark

    def _read_more(self) -> None:
        data = self._file.read(CHUNK)
        self._ended = not data
        try:
            self._text = self._text[self._at :] + self._decode(data, self._ended)
        except UnicodeDecodeError as error:
            self._refuse(f"bytes that are not UTF-8 ({error.reason})", "UTF-8")
        self._at = 0

    def _refuse_constant(self, name: str) -> NoReturn:
        self._refuse(f"{name}, which is no JSON", "numbers")

    def _refuse(self, found: str, expected: str) -> NoReturn:
        raise InputError(Problem(found, f"a JSON list: {expected}", "download it again, or correct it", self._where))


class JsonListWriter:
    """Writes a list, whole or not at all: the file appears when the ``with`` block ends without an error.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._part = path.with_name(f".{path.name}.{os.getpid()}.part")
        self._file: TextIO | None = None
        self._digest = hashlib.sha256()
        self.items = 0

    @property
    def sha256(self) -> str:
        """Of what was written."""
        return self._digest.hexdigest()

    def __enter__(self) -> JsonListWriter:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self._part.open("w", encoding="ascii", newline="\n")
        self._write("[")
        return self

    def add(self, item: Mapping[str, Any]) -> None:
        """One more item, on a line of its own."""
        self._write(("," if self.items else "") + "\n" + json.dumps(item, ensure_ascii=True, allow_nan=False))
        self.items += 1

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is None:
            return
        try:
            if kind is None:
                self._write("\n]\n")
                self._file.flush()
                os.fsync(self._file.fileno())
            self._file.close()
            if kind is None:
                self._part.replace(self._path)
        finally:
            self._part.unlink(missing_ok=True)

    def _write(self, text: str) -> None:
        if self._file is None:
            raise RuntimeError("the list is written inside a with block")
        self._file.write(text)
        self._digest.update(text.encode("ascii"))
