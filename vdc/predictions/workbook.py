"""Rows of an xlsx file nobody vouched for."""

from __future__ import annotations

import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from io import BytesIO

from vdc.fileio import MAX_BYTES, MAX_RATIO, RATIO_FREE_BYTES
from vdc.predictions.rows import PredictionFile

MAX_ROWS = 200_000
MAX_COLUMNS = 200
_MAX_PARTS = 10_000
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
    limit = min(MAX_BYTES, max(RATIO_FREE_BYTES, MAX_RATIO * len(data)))
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            parts = archive.infolist()
            # The sizes come from the directory; the reader stops there even when a part holds more.
            size = sum(part.file_size for part in parts)
            if size > limit or len(parts) > _MAX_PARTS:
                file.reject(
                    f"an archive of {len(data):,} bytes with {len(parts):,} parts that unpack to {size:,}",
                    f"a workbook of at most {limit:,} bytes unpacked",
                    "check where the file comes from",
                )
                return False
            if "[Content_Types].xml" not in archive.namelist():
                file.reject("a zip archive that is no workbook", "an xlsx file", "unpack it and give the file inside")
                return False
            for part in parts:
                if _DOCUMENT_TYPE.search(archive.read(part)):
                    file.reject(
                        f"a document type declaration in {part.filename!r}",
                        "a workbook without one, as every spreadsheet program writes it",
                        "check where the file comes from",
                    )
                    return False
    except _BROKEN as error:
        _reject_broken(file, error)
        return False
    return True


def _reject_broken(file: PredictionFile, error: BaseException) -> None:
    file.reject(
        f"a damaged xlsx file ({type(error).__name__}: {str(error)[:80]})",
        "a workbook that opens",
        "download or save the file again, or save it as tsv",
    )
