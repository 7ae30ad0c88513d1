"""Files from a form of the pages: put into a folder under their roles, which their names tell."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Final

from leaderboard.db.models import SubmissionKind
from leaderboard.failures import TooLarge
from leaderboard.intake import PREDICTIONS, RUN_RECORD, VERDICTS
from leaderboard.views import UploadedFile
from vdc.errors import InputError, Problem
from vdc.fileio import file_sha256

_RUN_FILES: Final = (RUN_RECORD, VERDICTS)
_REPORT_FILES: Final = frozenset({"report.json", "report.md", "clean.json"})
_SHOWN_LENGTH: Final = 200


@dataclass(frozen=True, slots=True)
class GivenFile:
    """A file as a form hands it over.

    Args:
        name: What the user calls it, perhaps with folders.
        content: Open for reading, at its start.
        bytes: Its size.
    """

    name: str
    content: BinaryIO
    bytes: int


@dataclass(frozen=True, slots=True)
class Received:
    """Files ready to be submitted.

    Args:
        kind: What they are together.
        files: In a folder of the caller's, under their roles.
        left_out: Names of files of a run folder that nobody needs.
    """

    kind: SubmissionKind
    files: tuple[UploadedFile, ...]
    left_out: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """Tells this set of files from every other."""
        parts = sorted(f"{file.role} {file.sha256}" for file in self.files)
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def shown_name(name: str, role: str) -> str:
    """A user's name for a file, for display only: no folders, no signs that mean something to a page or a shell."""
    last = name.replace("\\", "/").rpartition("/")[2]
    return re.sub(r"[^\w.+ ()-]", "_", last)[:_SHOWN_LENGTH] or role


def receive(given: Sequence[GivenFile], folder: Path, max_bytes: int) -> Received:
    """Copy files into a folder under their roles: ``run.json`` and ``verdicts.parquet`` make a run, others captions.

    Args:
        given: What the user chose.
        folder: Empty; no name of the user's becomes a path in it.
        max_bytes: Limit for all of them together.

    Raises:
        TooLarge: They have more.
        InputError: None, or a set that is neither captions nor a run.
    """
    total = sum(file.bytes for file in given)
    if total > max_bytes:
        raise TooLarge(
            f"found {total:,} bytes; expected at most {max_bytes:,}; do next: pack the file with gzip, and check that "
            "it holds captions only"
        )
    roles, left_out = _roles(given)
    kind = SubmissionKind.RUN if VERDICTS in roles else SubmissionKind.PREDICTIONS
    return Received(kind, tuple(_keep(file, role, folder) for role, file in roles.items()), left_out)


def _roles(given: Sequence[GivenFile]) -> tuple[dict[str, GivenFile], tuple[str, ...]]:
    names = {PurePosixPath(file.name.replace("\\", "/")).name for file in given}
    is_run = bool(names & set(_RUN_FILES))
    roles: dict[str, GivenFile] = {}
    left_out: list[str] = []
    problems: list[Problem] = []
    for file in given:
        name = PurePosixPath(file.name.replace("\\", "/")).name
        if is_run and (name in _REPORT_FILES or name.endswith(".png")):
            left_out.append(shown_name(name, "file"))
            continue
        role = name if name in _RUN_FILES else PREDICTIONS
        if role in roles:
            found = f"two files for {role}: {shown_name(roles[role].name, role)} and {shown_name(name, role)}"
            problems.append(Problem(found, "one", "put all captions into one file, or send one submission for each"))
        roles.setdefault(role, file)
    if is_run and not set(_RUN_FILES) <= roles.keys():
        missing = ", ".join(name for name in _RUN_FILES if name not in roles)
        problems.append(Problem(f"a run without {missing}", " and ".join(_RUN_FILES), "add it from the run folder"))
    if not given:
        problems.append(Problem("no file", "a file of captions, or the files of a run folder", "choose one"))
    if problems:
        raise InputError(problems)
    return roles, tuple(left_out)


def _keep(file: GivenFile, role: str, folder: Path) -> UploadedFile:
    path = folder / role
    with path.open("wb") as target:
        shutil.copyfileobj(file.content, target, 1 << 20)
    return UploadedFile(role, path, shown_name(file.name, role), file_sha256(path), path.stat().st_size)
