"""How much a Parquet file unpacks to, by the heads of its pages: nothing is unpacked to find out.

A reader makes room for a page before it unpacks it, as much as the page's own head says. The footer's sums are only
claims, and a file of a few kilobytes can hold a page of two gigabytes.

Source: the Parquet format's ``parquet.thrift`` (PageHeader) and Thrift's compact protocol.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from os import SEEK_END
from pathlib import Path
from typing import Any, BinaryIO, Final

_HEAD_BYTES: Final = 1 << 16
"""Longest head of a page that is read; real ones have some dozen bytes, and statistics at most some thousand."""

_MAX_PAGES: Final = 20_000
_MAX_GROUPS: Final = 256
_MAX_CHUNKS: Final = 10_000
_FOOTER_BYTES: Final = 4 << 20
_MAX_DEPTH: Final = 8
_DICTIONARY: Final = 2
_TRUE, _FALSE, _BYTE, _I16, _I32, _I64, _DOUBLE, _BINARY = range(1, 9)
_LIST: Final = 9
_STRUCT: Final = 12


class BrokenPage(ValueError):
    """A head that is none, or a footer that no writer makes."""


@dataclass(frozen=True, slots=True)
class PageSizes:
    """What the pages of a file unpack to.

    Args:
        total: Bytes of all pages.
        dictionary: Bytes of the largest dictionary page: any row may repeat an entry of it.
    """

    total: int
    dictionary: int


def page_sizes(path: Path, most: int) -> PageSizes:
    """The sizes that the heads of the pages announce; stops early once they exceed ``most`` bytes together.

    Args:
        path: The file.
        most: The limit.

    Raises:
        BrokenPage: The footer or a head cannot be read, chunks share bytes or lie outside the file, or there are more
            row groups, chunks or pages than one file may have.
        OSError: The file cannot be opened.
    """
    total = dictionary = pages = 0
    with path.open("rb") as file:
        for start, end in _chunks(file):
            for kind, unpacked in _pages(file, start, end):
                pages += 1
                if pages > _MAX_PAGES:
                    raise BrokenPage(f"more than {_MAX_PAGES:,} pages")
                total += unpacked
                dictionary = max(dictionary, unpacked if kind == _DICTIONARY else 0)
                if total > most:
                    return PageSizes(total, dictionary)
    return PageSizes(total, dictionary)


def _chunks(file: BinaryIO) -> list[tuple[int, int]]:
    """Where each column chunk starts and ends, in the order of the file; none overlaps another.

    The footer is read here: pyarrow ends the process over some chunks' values where they are asked for.
    """
    size = file.seek(0, SEEK_END)
    file.seek(max(0, size - 8))
    tail = file.read(8)
    length = int.from_bytes(tail[:4], "little")
    if tail[4:] != b"PAR1" or length > min(_FOOTER_BYTES, size - 8):
        raise BrokenPage("a file without a footer of sane length")
    file.seek(size - 8 - length)
    groups = _Footer(file.read(length)).read_struct().get(4)
    if not isinstance(groups, list) or len(groups) > _MAX_GROUPS:
        raise BrokenPage(f"no list of at most {_MAX_GROUPS} row groups")
    places: list[tuple[int, int]] = []
    for group in groups:
        columns = group.get(1) if isinstance(group, dict) else None
        if not isinstance(columns, list) or len(places) + len(columns) > _MAX_CHUNKS:
            raise BrokenPage(f"no lists of at most {_MAX_CHUNKS:,} chunks together")
        places += [_chunk_place(column, size) for column in columns]
    places.sort()
    if any(following[0] < place[1] for place, following in pairwise(places)):
        raise BrokenPage("two chunks over the same bytes")
    return places


def _chunk_place(column: Any, size: int) -> tuple[int, int]:
    facts = column.get(3) if isinstance(column, dict) else None
    numbers: list[Any] = [facts.get(number) for number in (9, 7, 5)] if isinstance(facts, dict) else []
    if not numbers or not all(isinstance(number, int) for number in numbers):
        raise BrokenPage("a chunk without its offset and size")
    data, length, values = numbers
    dictionary = column[3].get(11, 0)
    # Where readers start, too: some writers leave the dictionary's offset at 0. Without rows there is no data page.
    start = min(data, dictionary) if dictionary and (data or values) else data or dictionary
    if not isinstance(start, int) or start <= 0:
        raise BrokenPage("a chunk without an offset")
    if length < 0 or start + length > size:
        raise BrokenPage("a chunk outside the file")
    return start, start + length


def _pages(file: BinaryIO, start: int, end: int) -> Iterator[tuple[int, int]]:
    """(kind, unpacked bytes) of each page of a column chunk; the pages fill it."""
    place = start
    while place < end:
        file.seek(place)
        head = _Head(file.read(min(_HEAD_BYTES, end - place)))
        facts = head.read_struct()
        numbers: list[Any] = [facts.get(number) for number in (1, 2, 3)]
        if not all(isinstance(number, int) and 0 <= number < 1 << 31 for number in numbers):
            raise BrokenPage("a page without its sizes")
        kind, unpacked, packed = numbers
        yield kind, unpacked
        place += head.place + packed
    if place > end:
        raise BrokenPage("a page that ends behind its chunk")


class _Head:
    """A reader of Thrift's compact protocol that keeps structs and the whole numbers of one width.

    It refuses what others could read in another way: a field given twice, or of a number that does not fit.
    """

    _number = _I32

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.place = 0

    def read_struct(self, depth: int = 0) -> dict[int, Any]:
        if depth > _MAX_DEPTH:
            raise BrokenPage("a head nested too deeply")
        values: dict[int, Any] = {}
        seen: set[int] = set()
        field = 0
        while kind_byte := self._byte():
            step, kind = kind_byte >> 4, kind_byte & 0x0F
            field = field + step if step else self._zigzag()
            if field in seen or not 0 < field < 1 << 15:
                raise BrokenPage("a field given twice, or of a number that does not fit")
            seen.add(field)
            value = self._value(kind, depth)
            if value is not None:
                values[field] = value
        return values

    def _value(self, kind: int, depth: int) -> Any:
        if kind == self._number:
            return self._zigzag()
        if kind == _STRUCT:
            return self.read_struct(depth + 1)
        self._skip(kind)
        return None

    def _skip(self, kind: int) -> None:
        if kind in (_TRUE, _FALSE):
            return
        if kind == _BYTE:
            self._move(1)
        elif kind in (_I16, _I32, _I64):
            self._varint()
        elif kind == _DOUBLE:
            self._move(8)
        elif kind == _BINARY:
            self._move(self._varint())
        else:
            # Lists, sets and maps stand in no head of a page, sets and maps in no footer.
            raise BrokenPage("a head of an unknown form")

    def _byte(self) -> int:
        if self.place >= len(self._data):
            raise BrokenPage("a head that does not end")
        self.place += 1
        return self._data[self.place - 1]

    def _move(self, count: int) -> None:
        self.place += count
        if self.place > len(self._data):
            raise BrokenPage("a head that does not end")

    def _varint(self) -> int:
        value = 0
        for shift in range(0, 70, 7):
            byte = self._byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
        raise BrokenPage("a number that does not end")

    def _zigzag(self) -> int:
        value = self._varint()
        return (value >> 1) ^ -(value & 1)


class _Footer(_Head):
    """The same for a footer: it has lists, and its offsets and sizes are wider."""

    _number = _I64

    def _value(self, kind: int, depth: int) -> Any:
        if kind != _LIST:
            return super()._value(kind, depth)
        if depth > _MAX_DEPTH:
            raise BrokenPage("a footer nested too deeply")
        head = self._byte()
        count, element = head >> 4, head & 0x0F
        if count == 15:
            count = self._varint()
        # A truth value takes a byte of its own in a list.
        element = _BYTE if element in (_TRUE, _FALSE) else element
        # Every element takes at least a byte, so what is left of the footer bounds the list.
        if count > len(self._data) - self.place:
            raise BrokenPage("a list that does not end")
        return [self._value(element, depth + 1) for _ in range(count)]
