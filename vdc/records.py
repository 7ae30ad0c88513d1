"""The run record: what a number was made of, and a hash chain that shows whether its files are still the ones.

The record names no host, user or absolute path: it is meant to be published with the run.
"""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any, Final

from vdc._version import __version__
from vdc.errors import InputError, Problem
from vdc.textio import write_atomic

RECORD: Final = "run.json"
SCHEMA_VERSION: Final = 1

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
        digest = hashlib.sha256((folder / name).read_bytes()).hexdigest()
        previous = hashlib.sha256(f"{previous}\n{name}\n{digest}".encode()).hexdigest()
        links.append({"file": name, "sha256": digest, "chain": previous})
    return links


def changed_files(folder: Path, record: Mapping[str, Any]) -> list[str]:
    """Names of files that are gone or no longer what the record's chain says; empty when all is as recorded."""
    recorded = {link["file"]: link for link in record.get("files", [])}
    present = [name for name in recorded if (folder / name).is_file()]
    gone = [name for name in recorded if name not in present]
    now = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in present}
    return sorted(gone + [name for name in present if now[name] != recorded[name]["sha256"]])


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
    do_next = "give the folder that vdc score --out wrote"
    if not path.is_file():
        state = "a folder without run.json" if folder.is_dir() else "no such folder"
        raise InputError(Problem(state, "a run folder", do_next, str(folder)))
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(Problem(f"run.json that is not JSON ({error})", "a run record", do_next, str(path))) from error
    version = record.get("schema_version") if isinstance(record, dict) else None
    if version != SCHEMA_VERSION:
        raise InputError(
            Problem(f"schema_version {version!r}", f"{SCHEMA_VERSION}", "use the release that wrote it", str(path))
        )
    return dict(record)


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
