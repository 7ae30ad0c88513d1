"""A multipart body into temporary files: counted while it arrives, refused as soon as it is too much."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.types import Message

from leaderboard.failures import TooLarge
from leaderboard.intake import PREDICTIONS, RUN_RECORD, VERDICTS
from leaderboard.received import shown_name
from leaderboard.views import UploadedFile
from vdc.errors import InputError, Problem

FILE_FIELDS: Final = {"predictions": PREDICTIONS, "run_record": RUN_RECORD, "verdicts": VERDICTS}
"""Field of the form -> role of the file."""

TEXT_FIELDS: Final = (
    "model_name",
    "kind",
    "benchmark",
    "section",
    "private",
    "frames",
    "tokens_per_frame",
    "model_url",
    "note",
)
_CHUNK: Final = 1 << 20
_OVERHEAD_BYTES: Final = 1 << 16
"""What a body may have beyond its files: boundaries, heads, texts."""


@dataclass(frozen=True, slots=True)
class Form:
    """A submission's form.

    Args:
        texts: Field -> text, only known fields.
        files: Received files; they vanish with the block that received them.
    """

    texts: dict[str, str]
    files: tuple[UploadedFile, ...]


@asynccontextmanager
async def received_form(request: Request, max_bytes: int) -> AsyncIterator[Form]:
    """The form of a request, its files on disk for as long as the block lasts.

    Raises:
        TooLarge: The body has more than ``max_bytes``; found by its announced length, else while it arrives.
        InputError: A field is unknown, given twice, or of the wrong kind.
        HTTPException: The body is not multipart, or broken.
    """
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced) > max_bytes + _OVERHEAD_BYTES:
        raise _too_large(max_bytes)
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        raise HTTPException(400, "expected a body of the kind multipart/form-data")
    if "charset" in request.headers.get("content-type", "").lower():
        raise HTTPException(400, "expected a multipart body without a charset of its own: its parts are UTF-8")
    limited = Request(request.scope, _counting(request, max_bytes + _OVERHEAD_BYTES))
    with TemporaryDirectory(prefix="vdc-upload-") as scratch:
        async with limited.form(max_files=len(FILE_FIELDS), max_fields=len(TEXT_FIELDS), max_part_size=65_536) as form:
            texts: dict[str, str] = {}
            files: list[UploadedFile] = []
            problems: list[Problem] = []
            for name, value in form.multi_items():
                if isinstance(value, UploadFile) and name in FILE_FIELDS:
                    role = FILE_FIELDS[name]
                    if any(file.role == role for file in files):
                        problems.append(Problem(f"two files {name}", "one", "send one", name))
                        continue
                    files.append(await _store(value, role, Path(scratch)))
                elif isinstance(value, str) and name in TEXT_FIELDS and name not in texts:
                    texts[name] = value
                else:
                    known = ", ".join((*FILE_FIELDS, *TEXT_FIELDS))
                    shown = "".join(letter if letter.isprintable() else "?" for letter in name[:40])
                    problems.append(Problem(f"the field {shown!r}", f"each of {known} at most once", "leave it out"))
        if problems:
            raise InputError(problems)
        yield Form(texts, tuple(files))


async def _store(upload: UploadFile, role: str, folder: Path) -> UploadedFile:
    path = folder / role
    digest = hashlib.sha256()
    size = 0
    with path.open("wb") as file:
        while piece := await upload.read(_CHUNK):
            size += len(piece)
            digest.update(piece)
            await run_in_threadpool(file.write, piece)
    # The user's name for the file is kept for display; it never becomes a path.
    return UploadedFile(role, path, shown_name(upload.filename or role, role), digest.hexdigest(), size)


def _counting(request: Request, limit: int):  # type: ignore[no-untyped-def]  # an ASGI receive callable
    count = 0

    async def receive() -> Message:
        nonlocal count
        message = await request.receive()
        if message["type"] == "http.request":
            count += len(message.get("body", b""))
            if count > limit:
                raise _too_large(limit - _OVERHEAD_BYTES)
        return message

    return receive


def _too_large(max_bytes: int) -> TooLarge:
    return TooLarge(
        f"found a submission of more than {max_bytes:,} bytes; expected at most that; do next: pack the file with "
        "gzip, and check that it holds captions only"
    )
