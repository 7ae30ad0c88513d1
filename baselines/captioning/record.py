"""What the captions of a file were made with, beside the file; a file never mixes two ways of making them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from importlib import metadata
from pathlib import Path
from typing import Any, Final

from baselines.captioning.instructions import InstructionSet
from baselines.captioning.output import RECORD, beside
from baselines.captioning.types import ModelSettings
from vdc.errors import InputError, Problem
from vdc.fileio import file_sha256, write_atomic
from vdc.records import environment_facts, tool_facts
from vdc.sections import SECTIONS

SCHEMA_VERSION: Final = 1
_PACKAGES: Final = ("torch", "transformers", "tokenizers", "av", "pillow", "accelerate", "bitsandbytes")


def settings_facts(settings: ModelSettings, instructions: InstructionSet) -> dict[str, Any]:
    """What the user decided, as JSON values: a resumed run must have the same. A folder appears by its name alone."""
    chosen = {section: instructions.instruction(section, settings.seed) for section in SECTIONS}
    facts = asdict(settings) | {"model": model_name(settings.model)}
    words = {"name": instructions.name, "sha256": instructions.sha256, "seed": settings.seed, "texts": chosen}
    return {**facts, "instructions": words}


def model_name(model: str) -> str:
    """The model's name without the folders above it, because a record is made to be published."""
    return Path(model).resolve().name if Path(model).exists() else model


def check_settings(out: Path, settings: Mapping[str, Any], captions: int) -> dict[str, Any] | None:
    """Compare a new run's settings with those of the captions that are there.

    Args:
        out: The predictions file.
        settings: Of :func:`settings_facts`.
        captions: Captions in the file.

    Returns:
        The record there is; None where the file is new.

    Raises:
        InputError: The captions were made with other settings, or nothing says with which.
    """
    path = beside(out, RECORD)
    if not captions:
        return None
    again = "choose another --out, or delete the file with its companions"
    if not path.is_file():
        raise InputError(
            Problem(f"{captions:,} captions without {path.name}", "captions that this command wrote", again, str(out))
        )
    try:
        known: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        before = known["settings"]
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(Problem(f"no run record ({error})", "a run record", again, str(path))) from error
    _refuse_differences(before, settings, again, str(out))
    return known


def check_model(known: Mapping[str, Any] | None, model: Mapping[str, Any], out: Path) -> None:
    """The same for the facts of the loaded model: a folder or branch of one name can hold other weights now.

    Raises:
        InputError: The model is another one.
    """
    if known is None or not known.get("model"):
        return
    names = ("kind", "revision", "sha256", "architecture")
    before = {name: known["model"].get(name) for name in names}
    now = {name: model.get(name) for name in names}
    _refuse_differences(before, now, "choose another --out, or use the model the file was begun with", str(out))


def write_record(
    out: Path,
    *,
    settings: Mapping[str, Any],
    model: Mapping[str, Any],
    benchmark: str | None,
    counts: Mapping[str, int] | None = None,
) -> None:
    """Write the record.

    Args:
        out: The predictions file.
        settings: Of :func:`settings_facts`.
        model: What the engine says of its model.
        benchmark: Name of the benchmark, where one was given.
        counts: Captions and failures at the end; None at the start, when the record says that the run is not finished.
    """
    environment = environment_facts()
    environment["packages"] = environment["packages"] | {name: _version(name) for name in _PACKAGES}
    record: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "finished": counts is not None,
        "predictions": out.name,
        "predictions_sha256": file_sha256(out) if counts is not None else None,
        "settings": dict(settings),
        "model": dict(model),
        "benchmark": None if benchmark is None else model_name(benchmark),
        "counts": None if counts is None else dict(counts),
        "tool": tool_facts(),
        "environment": environment,
    }
    write_atomic(beside(out, RECORD), json.dumps(record, indent=2, ensure_ascii=False) + "\n")


def hash_folder(folder: Path) -> str:
    """SHA-256 over names and contents of a checkpoint's files, weights included, but not over the folder's name."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
    with ThreadPoolExecutor(max_workers=4) as pool:
        digests = list(pool.map(file_sha256, paths))
    lines = [f"{path.relative_to(folder).as_posix()}\n{digest}\n" for path, digest in zip(paths, digests, strict=True)]
    return hashlib.sha256("".join(lines).encode("utf-8", "surrogateescape")).hexdigest()


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _refuse_differences(before: Mapping[str, Any], now: Mapping[str, Any], do_next: str, where: str) -> None:
    problems = [
        Problem(
            f"captions made with {name} {_shown(before.get(name))}",
            f"the same as now, {_shown(now[name])}",
            do_next,
            where,
        )
        for name in now
        if before.get(name) != now[name]
    ]
    if problems:
        raise InputError(problems)


def _shown(value: Any) -> str:
    if isinstance(value, dict) and "name" in value:
        return f"{value['name']} ({str(value.get('sha256'))[:12]}, seed {value.get('seed')})"
    return str(value)
