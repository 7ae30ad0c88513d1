"""Submitted files and verdicts under the hash of their content: in a folder, or any bucket that fsspec can reach."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from vdc.errors import InputError, Problem, RunFailed
from vdc.fileio import file_sha256

_MARK: Final = "vdc-board.txt"
_DIGEST = re.compile(r"[0-9a-f]{64}")


class ObjectStore:
    """Objects by content hash. The name of an object never comes from a user.

    Args:
        url: Folder, or an fsspec URL such as ``s3://bucket/board``.

    Raises:
        InputError: fsspec does not know the kind of place, or its package is not installed.
    """

    def __init__(self, url: str) -> None:
        import fsspec  # type: ignore[import-untyped]

        try:
            filesystem, root = fsspec.core.url_to_fs(url)
        except (ValueError, ImportError) as error:
            raise InputError(
                Problem(
                    f"a file store that cannot be used ({error})",
                    "a folder or an fsspec URL whose package is installed",
                    "correct VDC_LEADERBOARD_FILES, or install the package",
                )
            ) from error
        self._files: Any = filesystem
        self._root = str(root).rstrip("/")

    def put(self, path: Path, sha256: str) -> None:
        """Store a file under its hash; a file that is there already is left alone.

        Raises:
            OSError: The place cannot be written, or is not this board's: see :meth:`check_writable`.
        """
        target = self._place(sha256)
        if self.has(sha256):
            return
        self._check_mark()
        self._files.makedirs(target.rpartition("/")[0], exist_ok=True)
        # Written beside and moved: a reader, or a crash, never meets half an object under its hash.
        part = f"{target}.{uuid.uuid4().hex}.part"
        self._files.put_file(str(path), part)
        self._files.mv(part, target)

    def has(self, sha256: str) -> bool:
        """Whether the object is there."""
        return bool(self._files.exists(self._place(sha256)))

    def fetch(self, sha256: str, path: Path) -> None:
        """Copy an object to a file and check that it is what its name says.

        Raises:
            RunFailed: It is gone, or its content has changed.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._files.get_file(self._place(sha256), str(path))
        except FileNotFoundError as error:
            raise RunFailed(
                f"found no stored file {sha256[:12]}; expected it in the file store; do next: restore a backup"
            ) from error
        if file_sha256(path) != sha256:
            raise RunFailed(
                f"found stored file {sha256[:12]} with other content; expected what was stored; "
                "do next: restore a backup"
            )

    def delete(self, sha256: str) -> None:
        """Delete an object; one that is gone already is no error."""
        try:
            self._files.rm_file(self._place(sha256))
        except FileNotFoundError:
            return

    def every(self) -> Iterator[str]:
        """Hashes of all objects."""
        if not self._files.exists(self._root):
            return
        for path in self._files.find(self._root):
            name = str(path).rpartition("/")[2]
            if _DIGEST.fullmatch(name):
                yield name

    def prepare(self) -> None:
        """Make the place of a new board; any number of times.

        Raises:
            OSError: It cannot be written.
        """
        self._files.makedirs(self._root, exist_ok=True)
        self._files.pipe_file(f"{self._root}/{_MARK}", b"The files of a board of VDC, each under its SHA-256.\n")
        self.check_writable()

    def check_writable(self) -> None:
        """Write and delete a small file where :meth:`prepare` has been.

        Raises:
            OSError: The place is gone, is another (a disk that is not mounted leaves an empty folder), or cannot be
                written.
        """
        self._check_mark()
        probe = f"{self._root}/probe-{uuid.uuid4().hex}"
        self._files.pipe_file(probe, b"vdc")
        self._files.rm_file(probe)

    @property
    def is_prepared(self) -> bool:
        """Whether :meth:`prepare` has been here."""
        return bool(self._files.exists(f"{self._root}/{_MARK}"))

    def _check_mark(self) -> None:
        if not self.is_prepared:
            raise FileNotFoundError(f"{_MARK} is not in the file store")

    def _place(self, sha256: str) -> str:
        if not _DIGEST.fullmatch(sha256):
            raise ValueError("an object is named by a SHA-256 in lower case")
        return f"{self._root}/{sha256[:2]}/{sha256}"
