"""The run record: what a number was made of, and a hash chain that shows whether its files are still the ones.

The record names no host, user or absolute path: it is meant to be published with the run.
"""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path, PureWindowsPath
from typing import Any, Final

from vdc._version import __version__
from vdc.errors import InputError, Problem
from vdc.fileio import file_sha256
from vdc.textio import excerpt, write_atomic

RECORD: Final = "run.json"
SCHEMA_VERSION: Final = 1

_MAX_NAME_BYTES: Final = 255
_DO_NEXT: Final = "give the folder that vdc score --out wrote"

_PACKAGES = ("aiohttp", "numpy", "pandas", "pyarrow", "scikit-learn", "scipy")


def tool_facts() -> dict[str, Any]:
    """Version of the toolkit and the commit of the checkout it runs from; the commit is None for an installed copy."""
    return {"name": "vdc-toolkit", "version": __version__, "git_commit": _git_commit(Path(__file__).parents[1])}


def environment_facts() -> dict[str, Any]:
    """Interpreter, operating system kind and versions of the packages that can change a number; nothing of the host."""
    versions: dict[str, str | None] = {}
    for package in _PACKAGES:
        try:
            versions[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            versions[package] = None
    return {"python": platform.python_version(), "system": platform.system(), "packages": versions}


def run_id(parts: Mapping[str, Any]) -> str:
    """Identity of a run: 16 hex digits over everything that decides its verdicts. Same inputs, same id.

    Args:
        parts: JSON values: predictions and benchmark hashes, judge, prompts, sampling, sections, limit.
    """
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def file_chain(folder: Path, names: Iterable[str]) -> list[dict[str, str]]:
    """Hash chain over files: each link covers the one before it, so no file can be changed, dropped or swapped alone.

    Args:
        folder: The run folder.
        names: Paths relative to it with forward slashes; chained in sorted order.

    Returns:
        One ``{"file", "sha256", "chain"}`` per file; ``chain`` is the SHA-256 over the previous chain value, the name
        and the file's hash.
    """
    links: list[dict[str, str]] = []
    previous = ""
    for name in sorted(names):
        digest = file_sha256(folder / name)
        previous = hashlib.sha256(f"{previous}\n{name}\n{digest}".encode()).hexdigest()
        links.append({"file": name, "sha256": digest, "chain": previous})
    return links


def changed_files(folder: Path, record: Mapping[str, Any]) -> list[str]:
    """Names of files that are gone or no longer what the record's chain says; empty when all is as recorded.

    A link that leads out of the folder counts as gone: only files inside it are read.

    Raises:
        InputError: The record's list of files is none.
    """
    recorded = _recorded_hashes(record, str(folder / RECORD))
    return sorted(name for name, digest in recorded.items() if _sha256_inside(folder, name) != digest)


def write_record(folder: Path, record: Mapping[str, Any], names: Iterable[str]) -> dict[str, Any]:
    """Write ``run.json`` last, with the chain over ``names``; returns what was written."""
    whole = {"schema_version": SCHEMA_VERSION, **record, "files": file_chain(folder, names)}
    write_atomic(folder / RECORD, json.dumps(whole, indent=2, ensure_ascii=False) + "\n")
    return whole


def read_record(folder: Path) -> dict[str, Any]:
    """Read ``run.json`` of a run folder.

    Raises:
        InputError: The folder is no run folder, or its record cannot be read.
    """
    path = folder / RECORD
    if not path.is_file():
        state = "a folder without run.json" if folder.is_dir() else "no such folder"
        raise InputError(Problem(state, "a run folder", _DO_NEXT, str(folder)))
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        # JSON may spell half a character; no database, file or page could hold it.
        json.dumps(record, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise _bad_record("text that is not Unicode (a lone surrogate)", str(path)) from error
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError, OSError) as error:
        raise _bad_record(f"run.json that is not JSON ({error})", str(path)) from error
    except ValueError as error:
        raise _bad_record("run.json with an integer of thousands of digits", str(path)) from error
    version = record.get("schema_version") if isinstance(record, dict) else None
    if version != SCHEMA_VERSION:
        shown = "of another type" if isinstance(version, list | dict) else excerpt(version)
        raise InputError(
            Problem(f"schema_version {shown}", f"{SCHEMA_VERSION}", "use the release that wrote it", str(path))
        )
    _recorded_hashes(record, str(path))
    return dict(record)


def _recorded_hashes(record: Mapping[str, Any], where: str) -> dict[str, str]:
    """Hash by name of the files that a record nobody vouched for lists; a record without a list has none."""
    links = record.get("files", [])
    if not isinstance(links, list):
        raise _bad_record("a list of files that is no list", where)
    hashes: dict[str, str] = {}
    for place, link in enumerate(links, 1):
        name, digest = (link.get("file"), link.get("sha256")) if isinstance(link, dict) else (None, None)
        if not isinstance(name, str) or not isinstance(digest, str):
            raise _bad_record(f"entry {place} of the list of files without its file and sha256", where)
        if not _is_plain_name(name):
            raise _bad_record(f"the file name {excerpt(name)}", where)
        hashes[name] = digest
    return hashes


def _is_plain_name(name: str) -> bool:
    """Whether a name with forward slashes can only mean a file below the folder it is joined to."""
    if len(name) > _MAX_NAME_BYTES or not name.isprintable() or "\\" in name or PureWindowsPath(name).drive:
        return False
    parts = name.split("/")
    return len(name.encode()) <= _MAX_NAME_BYTES and not any(part in ("", ".", "..") for part in parts)


def _sha256_inside(folder: Path, name: str) -> str | None:
    """Hash of a regular file in the folder; None when there is none, or a link leads out."""
    try:
        path = (folder / name).resolve()
        return file_sha256(path) if path.is_relative_to(folder.resolve()) and path.is_file() else None
    except (OSError, RuntimeError):  # pathlib raises the latter for links in a circle
        return None


def _bad_record(found: str, where: str) -> InputError:
    return InputError(Problem(found, "a run record as vdc score writes it", _DO_NEXT, where))


def _git_commit(root: Path) -> str | None:
    # Read by hand: starting git costs more than the whole help page, and the checkout may belong to another user.
    git = root / ".git"
    try:
        head = (git / "HEAD").read_text(encoding="utf-8").strip()
        if not head.startswith("ref: "):
            return head
        name = head.removeprefix("ref: ")
        if (git / name).is_file():
            return (git / name).read_text(encoding="utf-8").strip()
        packed = (git / "packed-refs").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    return next((line.split()[0] for line in packed if line.endswith(" " + name)), None)
