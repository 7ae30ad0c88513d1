"""Rows of an xlsx file nobody vouched for."""

from __future__ import annotations

import copy
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from io import BytesIO

from vdc.fileio import MAX_RATIO, RATIO_FREE_BYTES
from vdc.predictions.rows import PredictionFile

MAX_ROWS = 200_000
MAX_COLUMNS = 200
_MAX_PARTS = 10_000
_PIECE_BYTES = 1 << 20
_KEPT_BYTES = 16
"""More than the longest match: what is split over two pieces is found, too."""

_DO_NEXT = "check where the file comes from"
# Also finds it in UTF-16, where every other byte is zero.
_DOCUMENT_TYPE = re.compile(rb"<\0?!\0?D\0?O\0?C\0?T", re.IGNORECASE)

_BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    SyntaxError,  # the base of XML's ParseError
    RuntimeError,  # an encrypted part, an unknown compression
    EOFError,
    OSError,
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    ArithmeticError,
    AssertionError,
)
"""What zipfile and openpyxl are known to raise on a damaged workbook; they have no common base."""


def read_rows(file: PredictionFile) -> Iterator[tuple[int, list[object]]]:
    """The rows of the first sheet that have any value, with their numbers from 1, values as stored.

    A damaged, oversized or hostile workbook becomes a problem of the file, and the rows end there.
    """
    if not _is_safe(file):
        return
    from openpyxl import load_workbook

    try:
        # Formulas stay text: a caption that starts with an equals sign is stored as one.
        workbook = load_workbook(BytesIO(file.content.data), read_only=True, data_only=False, keep_links=False)
        sheet = workbook.worksheets[0]
        rows = sheet.iter_rows(max_row=MAX_ROWS + 1, max_col=MAX_COLUMNS, values_only=True)
        for number, values in enumerate(rows, 1):
            if number > MAX_ROWS:
                file.reject(
                    f"more than {MAX_ROWS:,} rows", f"at most {MAX_ROWS:,}", "check that this is the right file"
                )
                return
            if any(value is not None for value in values):
                yield number, list(values)
    except _BROKEN as error:
        _reject_broken(file, error)


def _is_safe(file: PredictionFile) -> bool:
    """Whether the archive may be given to the workbook reader: bounded when unpacked, and free of XML entities."""
    data = file.content.data
    limit = min(file.max_bytes, max(RATIO_FREE_BYTES, MAX_RATIO * len(data)))
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            parts = archive.infolist()
            if len(parts) > _MAX_PARTS:
                file.reject(f"an archive of {len(parts):,} parts", f"at most {_MAX_PARTS:,}", _DO_NEXT)
                return False
            if sum(part.file_size for part in parts) > limit:
                _reject_size(file, limit)
                return False
            if "[Content_Types].xml" not in archive.namelist():
                file.reject("a zip archive that is no workbook", "an xlsx file", "unpack it and give the file inside")
                return False
            unpacked = 0
            for part in parts:
                # These two are all a workbook may use, and the only ones that are unpacked in bounded pieces.
                if part.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                    file.reject(
                        f"a part packed by method {part.compress_type}", "a workbook packed by deflate", _DO_NEXT
                    )
                    return False
                kept = b""
                for piece in _pieces(archive, part, limit):
                    unpacked += len(piece)
                    if unpacked > limit:
                        _reject_size(file, limit)
                        return False
                    kept += piece
                    if _DOCUMENT_TYPE.search(kept):
                        file.reject(
                            f"a document type declaration in {part.filename!r}",
                            "a workbook without one, as every spreadsheet program writes it",
                            _DO_NEXT,
                        )
                        return False
                    kept = kept[-_KEPT_BYTES:]
    except _BROKEN as error:
        _reject_broken(file, error)
        return False
    return True


def _pieces(archive: zipfile.ZipFile, part: zipfile.ZipInfo, limit: int) -> Iterator[bytes]:
    """What a part really unpacks to, whatever size the directory says: others unpack all of it before they cut it."""
    whole = copy.copy(part)
    whole.file_size = limit + 2 * _PIECE_BYTES
    with archive.open(whole) as content:
        while piece := content.read(_PIECE_BYTES):
            yield piece


def _reject_size(file: PredictionFile, limit: int) -> None:
    file.reject(
        f"xlsx data of {len(file.content.data):,} bytes that unpack to more than {limit:,}",
        f"at most {file.max_bytes:,} bytes and {MAX_RATIO} times the packed size",
        "check where the file comes from; unpack it yourself if you trust it",
    )


def _reject_broken(file: PredictionFile, error: BaseException) -> None:
    file.reject(
        f"a damaged xlsx file ({type(error).__name__}: {str(error)[:80]})",
        "a workbook that opens",
        "download or save the file again, or save it as tsv",
    )
