"""How much a Parquet file unpacks to, by the heads of its pages: nothing is unpacked to find out.

A reader makes room for a page before it unpacks it, as much as the page's own head says. The footer's sums are only
claims, and a file of a few kilobytes can hold a page of two gigabytes.

Source: the Parquet format's ``parquet.thrift`` (PageHeader) and Thrift's compact protocol.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

_HEAD_BYTES: Final = 1 << 16
"""Longest head of a page that is read; real ones have some dozen bytes, and statistics at most some thousand."""

_MAX_PAGES: Final = 100_000
_MAX_DEPTH: Final = 8
_DICTIONARY: Final = 2
_TRUE, _FALSE, _BYTE, _I16, _I32, _I64, _DOUBLE, _BINARY = range(1, 9)
_STRUCT: Final = 12


class BrokenPage(ValueError):
    """A head that is none."""


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
        path: A file whose footer can be read.
        most: The limit.

    Raises:
        BrokenPage: A head cannot be read, or lies outside the file.
        pyarrow.ArrowException: The footer cannot be read.
    """
    import pyarrow.parquet as pq

    facts = pq.read_metadata(path)
    total = dictionary = 0
    with path.open("rb") as file:
        for group in range(facts.num_row_groups):
            for column in range(facts.num_columns):
                chunk = facts.row_group(group).column(column)
                # Where readers start, too: some writers leave the dictionary's offset at 0.
                start = min(offset for offset in (chunk.dictionary_page_offset, chunk.data_page_offset) if offset)
                for kind, unpacked in _pages(file, start, chunk.total_compressed_size):
                    total += unpacked
                    dictionary = max(dictionary, unpacked if kind == _DICTIONARY else 0)
                    if total > most:
                        return PageSizes(total, dictionary)
    return PageSizes(total, dictionary)


def _pages(file: BinaryIO, start: int, length: int) -> Iterator[tuple[int, int]]:
    """(kind, unpacked bytes) of each page of a column chunk."""
    place, end = start, start + length
    for _ in range(_MAX_PAGES):
        if place >= end:
            return
        file.seek(place)
        head = _Head(file.read(_HEAD_BYTES))
        numbers = head.read_struct()
        kind, unpacked, packed = (numbers.get(number, -1) for number in (1, 2, 3))
        if min(kind, unpacked, packed) < 0:
            raise BrokenPage("a page without its sizes")
        yield kind, unpacked
        place += head.place + packed
    raise BrokenPage("too many pages")


class _Head:
    """A reader of Thrift's compact protocol that keeps the whole numbers of the outermost struct."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.place = 0

    def read_struct(self, depth: int = 0) -> dict[int, int]:
        if depth > _MAX_DEPTH:
            raise BrokenPage("a head nested too deeply")
        numbers: dict[int, int] = {}
        field = 0
        while kind_byte := self._byte():
            step, kind = kind_byte >> 4, kind_byte & 0x0F
            field = field + step if step else self._zigzag()
            if kind in (_I16, _I32, _I64):
                numbers[field] = self._zigzag()
            else:
                self._skip(kind, depth)
        return numbers

    def _skip(self, kind: int, depth: int) -> None:
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
        elif kind == _STRUCT:
            self.read_struct(depth + 1)
        else:
            # Lists, sets and maps stand in no head of a page.
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
