"""The folder of a run: claimed by one training, continued by the same, and recorded when it is finished.

start.json        what is trained, on what, with what: decides whether a later call is the same run
curve.jsonl       a line per step
checkpoint-N/     weights, optimiser, scheduler, chance; whole.json is written last
unusable.jsonl    records that were left out, and why
model/, adapter/  the result
run.json          the record, written last of all
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any, Final

from baselines.training.curve import CURVE, CurvePoint, mean_loss
from vdc.errors import InputError, Problem
from vdc.fileio import write_atomic
from vdc.records import RECORD, environment_facts, tool_facts, write_record

START: Final = "start.json"
UNUSABLE: Final = "unusable.jsonl"
LOCK: Final = ".lock"
_PACKAGES = ("torch", "transformers", "accelerate", "peft", "safetensors", "tokenizers")
_WEIGHTS = (".safetensors", ".bin", ".pt", ".pth")


def claim(out: Path, start: Mapping[str, Any]) -> bool:
    """Whether a folder may be used, and whether the run in it is finished; nothing is written.

    Args:
        out: The folder, there or not.
        start: What this run trains.

    Raises:
        InputError: The folder holds something else, or a run of something else.
    """
    if not out.exists():
        return False
    if not out.is_dir():
        raise InputError(Problem("a file", "a folder, or nothing yet", "give another --out", str(out)))
    if not (out / START).is_file():
        if any(out.iterdir()):
            raise InputError(
                Problem("a folder with other files", "a new or empty folder", "give another --out", str(out))
            )
        return False
    try:
        earlier = json.loads((out / START).read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(
            Problem(f"a broken {START} ({error})", "a run's folder", "give another --out", str(out))
        ) from error
    differs = [key for key in start if earlier.get(key) != start[key]]
    if differs:
        raise InputError(
            Problem(
                f"a run with another {', '.join(differs)}",
                "the run that this command continues",
                "give another --out, or the same command as before",
                str(out),
            )
        )
    return (out / RECORD).is_file()


@contextmanager
def alone(out: Path) -> Iterator[None]:
    """Keep other runs out of a folder; the lock goes with the process, however that ends.

    Raises:
        InputError: Another run holds it.
    """
    try:
        import fcntl
    except ImportError:  # Windows has no such lock; two runs in one folder are then the user's to avoid
        yield
        return
    with (out / LOCK).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            problem = Problem(
                "a run that is still going on", "one run per folder", "wait, or give another --out", str(out)
            )
            raise InputError(problem) from error
        yield


def begin(out: Path, start: Mapping[str, Any], unusable: Sequence[Problem]) -> None:
    """Write down what is trained, and what is left out."""
    out.mkdir(parents=True, exist_ok=True)
    lines = "".join(json.dumps({"where": one.where, "found": one.found}) + "\n" for one in unusable)
    write_atomic(out / UNUSABLE, lines)
    if not (out / START).is_file():
        write_atomic(out / START, json.dumps(start, indent=2) + "\n")


def finish(out: Path, facts: Mapping[str, Any], curve: Sequence[CurvePoint]) -> dict[str, Any]:
    """Write the record.

    Args:
        out: The folder.
        facts: What the run did.
        curve: Its steps.

    Returns:
        The record.
    """
    tenth = max(1, len(curve) // 10)
    environment = environment_facts()
    packages = environment["packages"] | {name: _version(name) for name in _PACKAGES}
    record = {
        "kind": "training",
        "tool": tool_facts(),
        "environment": environment | {"packages": packages},
        "start": json.loads((out / START).read_text(encoding="utf-8")),
        **facts,
        "steps": len(curve),
        "first_loss": mean_loss(curve[:tenth]),
        "last_loss": mean_loss(curve[-tenth:]),
    }
    return write_record(out, record, [CURVE, START, UNUSABLE])


def checkpoint_identity(folder: Path) -> str:
    """Hash that tells a model's folder from another: its configuration, and names and sizes of its weights.

    The weights themselves are not read: at 14 GB that would take longer than it is worth, and their sizes change with
    the model, though not with its values.
    """
    digest = hashlib.sha256((folder / "config.json").read_bytes())
    for file in sorted(folder.iterdir()):
        if file.suffix in _WEIGHTS:
            digest.update(f"{file.name}:{file.stat().st_size};".encode())
    return digest.hexdigest()


def copy_side_files(source: Path, target: Path) -> None:
    """Tokenizer, picture settings and whatever else lies beside a checkpoint's weights."""
    import shutil

    for entry in source.iterdir():
        if entry.is_dir():
            shutil.copytree(entry, target / entry.name, dirs_exist_ok=True)
        elif entry.suffix not in _WEIGHTS and entry.name != "config.json" and not entry.name.endswith(".index.json"):
            shutil.copyfile(entry, target / entry.name)


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
