"""Unpacking tar and zip files that nobody vouched for: nothing outside the folder, nothing but videos."""

from __future__ import annotations

import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Final

from builders.benchmark.model import Dropped
from builders.media.reading import VIDEO_ENDINGS
from vdc.fileio import show_path

MAX_MEMBERS: Final = 200_000
MAX_RATIO: Final = 200
"""Largest unpacked size in multiples of the archive's; videos hardly shrink, so more than this is a bomb."""

RATIO_FREE_BYTES: Final = 64 << 20
_CHUNK: Final = 1 << 20
_BROKEN: Final = (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, ValueError)


@dataclass(frozen=True, slots=True)
class Unpacked:
    """What came out of an archive.

    Args:
        files: Member name -> file.
        dropped: Members that were left out, and what is wrong with the archive.
    """

    files: dict[str, Path]
    dropped: tuple[Dropped, ...]


@dataclass(frozen=True, slots=True)
class _Member:
    name: str
    size: int
    kind: str
    open: Callable[[], IO[bytes] | None]


class _TooLarge(Exception):
    pass


def unpack_videos(archive: Path, target: Path, label: str, max_bytes: int) -> Unpacked:
    """Unpack the videos of an archive.

    Links, devices, and names that are absolute or climb upward are refused one by one; the rest goes on. Everything is
    written by this function itself, under names without meaning to a file system.

    Args:
        archive: A tar file (plain, gzip, bzip2, xz) or a zip file, by its content.
        target: Folder for the files; made if needed.
        label: What to call the archive in reasons.
        max_bytes: Most bytes unpacked in all; also at most ``MAX_RATIO`` times the size of the archive.

    Raises:
        OSError: The target cannot be written.
    """
    files: dict[str, Path] = {}
    dropped: list[Dropped] = []
    room = min(max_bytes, max(RATIO_FREE_BYTES, MAX_RATIO * archive.stat().st_size))
    target.mkdir(parents=True, exist_ok=True)
    try:
        for number, member in enumerate(_members(archive)):
            if number >= MAX_MEMBERS:
                raise _TooLarge(f"more than {MAX_MEMBERS:,} members")
            problem = _refusal(member, files, label)
            if problem is not None:
                dropped.append(problem)
                continue
            path = target / f"{number:06d}{PurePosixPath(member.name).suffix.lower()}"
            try:
                written = _write(member, path, room)
            except _BROKEN as error:
                if isinstance(error, OSError) and error.errno is not None:
                    raise
                path.unlink(missing_ok=True)
                found = f"a member that does not unpack ({error})"
                dropped.append(_failure(f"{label}:{member.name}", "damaged_member", found, "get the archive again"))
                continue
            room -= written
            files[member.name] = path
    except _TooLarge as error:
        dropped.append(_failure(label, "archive_too_large", str(error), "check it, and raise max_bytes if it is right"))
    except _BROKEN as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        found = f"an archive that breaks off or is none ({error}); {len(files)} videos came out before"
        dropped.append(_failure(label, "damaged_archive", found, "get the archive again"))
    return Unpacked(files, tuple(dropped))


def _refusal(member: _Member, files: dict[str, Path], label: str) -> Dropped | None:
    shown = show_path(member.name)[:200]
    key = f"{label}:{shown}"
    name = PurePosixPath(member.name.replace("\\", "/"))
    drive = len(member.name) > 1 and member.name[1] == ":"
    if name.is_absolute() or ".." in name.parts or drive or "\0" in member.name:
        found = f"the member name {shown!r}, which leads out of the folder"
        return _failure(key, "unsafe_member", found, "make the archive again with plain relative names")
    if member.kind == "folder":
        return Dropped(key, "folder_entry", "filter", "a folder")
    if member.kind != "file":
        return _failure(key, "unsafe_member", f"a {member.kind}", "pack the file itself")
    if name.suffix.lower() not in VIDEO_ENDINGS:
        return Dropped(key, "other_file", "filter", f"a file ending in {name.suffix!r}")
    if member.name in files:
        return _failure(key, "repeated_member", "a second member of this name", "make the archive again")
    return None


def _members(archive: Path) -> Iterator[_Member]:
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as packed:
            for entry in packed.infolist():
                mode = entry.external_attr >> 16
                kind = "folder" if entry.is_dir() else "link" if stat.S_ISLNK(mode) else "file"
                yield _Member(entry.orig_filename, entry.file_size, kind, lambda e=entry: packed.open(e))  # type: ignore[misc]
        return
    # member by member: a hostile index is not read as a whole
    with tarfile.open(archive, "r:*") as tar:
        for info in tar:
            kind = "file" if info.isreg() else "folder" if info.isdir() else "link or device"
            yield _Member(info.name, info.size, kind, lambda i=info: tar.extractfile(i))  # type: ignore[misc]


def _write(member: _Member, path: Path, room: int) -> int:
    if member.size > room:
        raise _TooLarge(f"members of more bytes than the {room:,} that are left of the limit")
    source = member.open()
    if source is None:
        raise ValueError("no content")
    part = path.with_suffix(".part")
    written = 0
    try:
        with closing(source), part.open("wb") as file:
            while chunk := source.read(_CHUNK):
                written += len(chunk)
                # the size in the index may be a lie
                if written > room:
                    raise _TooLarge(f"content that unpacks to more than the {room:,} bytes that are left of the limit")
                file.write(chunk)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return written


def _failure(key: str, reason: str, found: str, do_next: str) -> Dropped:
    return Dropped(key, reason, "failure", found, do_next)
