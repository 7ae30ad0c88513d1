"""Files as bytes: reading bounded before and while it happens, writing that nobody can see half-done."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import time
import zlib
from dataclasses import dataclass
from pathlib import Path

from vdc.errors import InputError, Problem, RunFailed

MAX_BYTES = 1 << 30
"""Largest file read, and largest content unpacked from one, in bytes."""

MAX_RATIO = 100
"""Largest unpacked size in multiples of the packed one, for content above ``RATIO_FREE_BYTES``."""

RATIO_FREE_BYTES = 64 << 20
"""Content up to this size in bytes may have any ratio: a short honest file can repeat itself a lot."""

_GZIP_MAGIC = b"\x1f\x8b"
_MAX_GZIP_MEMBERS = 65_536
_CHUNK_BYTES = 16_384
_PIECE_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class FileBytes:
    """The content of one file.

    Args:
        path: As given by the user, for messages.
        data: The content, unpacked where the file was gzip.
        sha256: Hex digest of the bytes as they lie on disk.
        gzipped: Whether the file was gzip.
    """

    path: str
    data: bytes
    sha256: str
    gzipped: bool = False


def read_bytes(path: str | os.PathLike[str], *, max_bytes: int = MAX_BYTES) -> FileBytes:
    """The content of a regular file, unpacked if it is gzip (by its first bytes; the name does not decide).

    Args:
        path: The file.
        max_bytes: Limit for the file and for its unpacked content.

    Raises:
        InputError: Missing, unreadable, not a regular file, larger than the limit, or gzip that is broken, cut short,
            or unpacks to far more than it should. A file over the limit is refused before anything is read.
    """
    shown = show_path(path)
    raw = _read_regular(path, shown, max_bytes)
    digest = hashlib.sha256(raw).hexdigest()
    if raw.startswith(_GZIP_MAGIC):
        return FileBytes(shown, _gunzip(raw, shown, max_bytes), digest, gzipped=True)
    if shown.lower().endswith(".gz") and raw:
        raise _refuse(
            shown,
            f"a file named .gz whose first bytes are {raw[:4].hex(' ')}",
            "gzip data, which starts with 1f 8b",
            "rename the file if it is not packed, otherwise pack or download it again",
        )
    return FileBytes(shown, raw, digest)


def file_sha256(path: Path) -> str:
    """SHA-256 of a file in hexadecimal, read in pieces."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_PIECE_BYTES):
            digest.update(piece)
    return digest.hexdigest()


def write_atomic(path: str | os.PathLike[str], content: bytes | str) -> None:
    """Write a whole file or nothing: a reader, or a crash, sees the old content or the new, never a part.

    Args:
        path: The file; folders above it are made.
        content: Text is written as UTF-8 without newline translation; lone surrogates become "?".

    Raises:
        RunFailed: The folder or the file cannot be written.
    """
    target = Path(path)
    data = content if isinstance(content, bytes) else content.encode("utf-8", "replace")
    part = target.with_name(f".{target.name}.{os.getpid()}.{time.monotonic_ns()}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            with part.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise RunFailed(
            f"{show_path(path)}: found that it cannot be written ({error.strerror or error}); expected a writable "
            "place with room; do next: choose another place or free this one"
        ) from error


def show_path(path: str | os.PathLike[str]) -> str:
    """The path as text that any terminal can print."""
    return "".join(letter if letter.isprintable() else "?" for letter in os.fspath(path))


def _refuse(where: str, found: str, expected: str, do_next: str) -> InputError:
    return InputError(Problem(found, expected, do_next, where))


def _read_regular(path: str | os.PathLike[str], shown: str, max_bytes: int) -> bytes:
    try:
        status = Path(path).stat()
        if stat.S_ISREG(status.st_mode):
            # A pipe put in the file's place since then must not block the open.
            descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
            with os.fdopen(descriptor, "rb") as file:
                status = os.fstat(descriptor)
                if stat.S_ISREG(status.st_mode) and status.st_size <= max_bytes:
                    raw = file.read(max_bytes + 1)
                    if len(raw) <= max_bytes:
                        return raw
    except (OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno == errno.ENOENT:
            raise _refuse(shown, "no such file", "an existing file", "check the path and its spelling") from error
        reason = error.strerror if isinstance(error, OSError) else error
        raise _refuse(
            shown, f"a path that cannot be opened ({reason})", "a readable file", "check the path and its permissions"
        ) from error
    if not stat.S_ISREG(status.st_mode):
        kind = "a directory" if stat.S_ISDIR(status.st_mode) else "a device, pipe or socket"
        raise _refuse(shown, kind, "a regular file", "give the path of one file")
    raise _refuse(
        shown,
        f"a file of {max(status.st_size, max_bytes + 1):,} bytes",
        f"at most {max_bytes:,} bytes",
        "check that this is the right file; a whole set of captions is a few megabytes",
    )


def _gunzip(raw: bytes, shown: str, max_bytes: int) -> bytes:
    """Unpack all members of a gzip file piece by piece, so that no bomb is ever held in memory."""
    limit = min(max_bytes, max(RATIO_FREE_BYTES, MAX_RATIO * len(raw)))
    pieces: list[bytes] = []
    position = unpacked = 0
    for _ in range(_MAX_GZIP_MEMBERS):
        member = zlib.decompressobj(wbits=31)
        while not member.eof:
            chunk = raw[position : position + _CHUNK_BYTES]
            if not chunk:
                raise _refuse(
                    shown,
                    f"gzip data cut short after {unpacked:,} unpacked bytes",
                    "gzip data with its end marker",
                    "download or pack the file again",
                )
            try:
                piece = member.decompress(chunk, _PIECE_BYTES)
            except zlib.error as error:
                raise _refuse(
                    shown, f"broken gzip data ({error})", "intact gzip data", "download or pack the file again"
                ) from error
            # At the end of a member both may hold the same bytes.
            position += len(chunk) - len(member.unused_data if member.eof else member.unconsumed_tail)
            unpacked += len(piece)
            pieces.append(piece)
            if unpacked > limit:
                raise _refuse(
                    shown,
                    f"gzip data of {len(raw):,} bytes that unpack to more than {limit:,}",
                    f"at most {max_bytes:,} bytes and {MAX_RATIO} times the packed size",
                    "check where the file comes from; unpack it yourself if you trust it",
                )
        while raw[position : position + 1] == b"\0":
            position += 1
        if position == len(raw):
            return b"".join(pieces)
    raise _refuse(
        shown, f"more than {_MAX_GZIP_MEMBERS:,} gzip members", "one member", "unpack the file and pack it again"
    )
