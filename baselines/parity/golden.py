"""A golden folder: its manifest, its files, and the tolerances the manifest grants."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from baselines.common.shards import read_json
from vdc.errors import InputError, Problem

MANIFEST_NAMES = ("MANIFEST.json", "manifest.json")


@dataclass(frozen=True, slots=True)
class Tolerance:
    """Allowed difference: ``atol + rtol * |golden|``; both zero means exact.

    Args:
        atol: Absolute part.
        rtol: Relative part.
    """

    atol: float = 0.0
    rtol: float = 0.0

    def __str__(self) -> str:
        if not self.atol and not self.rtol:
            return "exact"
        return f"{self.atol:g} + {self.rtol:g}*|x|" if self.rtol else f"{self.atol:g}"


EXACT = Tolerance()


class GoldenFolder:
    """Files with known answers, described by a manifest.

    Args:
        folder: Folder that holds ``MANIFEST.json``.

    Raises:
        InputError: No such folder or no manifest with a list of files.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)
        self.manifest_name = next((name for name in MANIFEST_NAMES if (self.folder / name).is_file()), "")
        if not self.manifest_name:
            raise InputError(
                Problem(
                    "no MANIFEST.json" if self.folder.is_dir() else "no folder",
                    "a folder of golden files with their manifest",
                    "give the folder that holds MANIFEST.json",
                    str(self.folder),
                )
            )
        self.manifest = read_json(self.folder / self.manifest_name)
        self.files = self._file_table()
        self._loaded: dict[str, dict[str, Tensor]] = {}

    def _file_table(self) -> dict[str, dict[str, Any]]:
        """What the manifest says about each file; other formats of manifest override it."""
        files = self.manifest.get("files")
        if not isinstance(files, dict) or not all(isinstance(entry, dict) for entry in files.values()):
            raise InputError(
                Problem(
                    "a manifest without a table of files",
                    '"files": {"name": {...}, ...}',
                    "give a golden folder",
                    str(self.folder / self.manifest_name),
                )
            )
        return files

    def path(self, name: str) -> Path:
        """Where a file of the manifest lies.

        Raises:
            InputError: The name leads out of the folder, or there is no such file.
        """
        path = self.folder / name
        if not path.resolve().is_relative_to(self.folder.resolve()):
            raise InputError(
                Problem(f"file {name!r}", "a file below the folder", "correct the manifest", str(self.folder))
            )
        if not path.is_file():
            raise InputError(Problem("no file", "every file of the manifest", "fetch the folder again", str(path)))
        return path

    def tensors(self, name: str) -> dict[str, Tensor]:
        """Tensors of a safetensors file.

        Raises:
            InputError: Missing or broken.
        """
        if name not in self._loaded:
            try:
                self._loaded[name] = load_file(self.path(name))
            except SafetensorError as error:
                raise InputError(
                    Problem(
                        f"a broken file ({error})", "safetensors", "fetch the folder again", str(self.folder / name)
                    )
                ) from error
        return self._loaded[name]

    def json(self, name: str) -> Any:
        """Content of a JSON file of any kind.

        Raises:
            InputError: Missing or not JSON.
        """
        path = self.path(name)
        try:
            return json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise InputError(Problem(f"not JSON ({error})", "JSON", "fetch the folder again", str(path))) from error

    def sha256(self, name: str) -> str:
        """Hash of a file's bytes."""
        return hashlib.sha256(self.path(name).read_bytes()).hexdigest()

    def tolerance(self, name: str, tensor: str) -> Tolerance:
        """What the manifest allows for one tensor of one file.

        A key of the tolerance table other than ``atol`` and ``rtol`` names a kind of tensor (``labels``, ``size``) with
        its own value: a number or ``exact``. It holds where the tensor's last word or its beginning is that key. An
        entry may also hold ``atol`` and ``rtol`` itself.
        """
        entry = self.files[name]
        own = {key: entry[key] for key in ("atol", "rtol") if key in entry}
        granted = entry.get("tolerance", own or "exact")
        if not isinstance(granted, dict):
            return _parsed(granted)
        last = tensor.rpartition(".")[2]
        for key, value in granted.items():
            if key not in ("atol", "rtol", "note") and (last == key or last.startswith(f"{key}_")):
                return _parsed(value)
        return Tolerance(float(granted.get("atol", 0.0)), float(granted.get("rtol", 0.0)))

    @cached_property
    def unlisted(self) -> tuple[str, ...]:
        """Files that lie in the folder and not in the manifest; an entry ending in a slash names a whole folder."""
        whole = tuple(name for name in self.files if name.endswith("/"))
        names = (path.relative_to(self.folder).as_posix() for path in sorted(self.folder.rglob("*")) if path.is_file())
        known = {*self.files, self.manifest_name}
        return tuple(name for name in names if name not in known and not name.startswith(whole))


def _parsed(value: Any) -> Tolerance:
    return Tolerance(float(value)) if isinstance(value, (int, float)) else EXACT
