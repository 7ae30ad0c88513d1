"""What a step leaves behind: ``kept.jsonl``, ``dropped.jsonl``, and its line in the ledger ``steps.json``.

Files appear whole or not at all, and nothing in them depends on when or where the build ran, so a build that was killed
and resumed ends with the same bytes as one that was not.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

from builders.benchmark.model import Dropped, Row, StepName
from vdc.errors import InputError, Problem
from vdc.fileio import show_path, write_atomic
from vdc.textio import iter_json_lines, read_json

LEDGER: Final = "steps.json"
LEDGER_VERSION: Final = 1

RowType = TypeVar("RowType", bound=Row)


@dataclass(frozen=True, slots=True)
class StepRecord:
    """What a finished step did.

    Args:
        fingerprint: Hash of everything that decided its result: settings, input manifests, version of the step.
        taken, kept: Rows in and out.
        filtered, failed: Reason -> count of what was dropped.
        again: The next run repeats the step, because something failed that may work then.
        notes: Further counts.
        files: Manifest -> SHA-256.
    """

    fingerprint: str
    taken: int
    kept: int
    filtered: dict[str, int]
    failed: dict[str, int]
    again: bool
    notes: dict[str, int] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)


def manifest_paths(folder: Path, step: StepName) -> tuple[Path, Path]:
    """The two manifests of a step: kept, dropped."""
    return folder / step / "kept.jsonl", folder / step / "dropped.jsonl"


def write_manifests(
    folder: Path,
    step: StepName,
    fingerprint: str,
    taken: int,
    rows: Sequence[Row],
    dropped: Sequence[Dropped],
    notes: Mapping[str, int] | None = None,
) -> StepRecord:
    """Write a step's manifests and then its line in the ledger; the ledger is what makes the step done.

    Raises:
        RunFailed: The folder cannot be written.
    """
    kept_path, dropped_path = manifest_paths(folder, step)
    files = {}
    for path, lines in ((kept_path, rows), (dropped_path, dropped)):
        content = "".join(dump(row.to_json()) + "\n" for row in lines).encode("utf-8", "replace")
        write_atomic(path, content)
        files[path.relative_to(folder).as_posix()] = hashlib.sha256(content).hexdigest()
    record = StepRecord(
        fingerprint=fingerprint,
        taken=taken,
        kept=len(rows),
        filtered=_counts(row.reason for row in dropped if row.kind == "filter"),
        failed=_counts(row.reason for row in dropped if row.kind == "failure"),
        again=any(row.again for row in dropped),
        notes={name: count for name, count in sorted((notes or {}).items()) if count},
        files=files,
    )
    write_ledger(folder, {**read_ledger(folder), step: record})
    return record


def read_rows(folder: Path, step: StepName, row_type: type[RowType]) -> list[RowType]:
    """The rows that a step kept.

    Raises:
        InputError: The manifest is missing or was changed into something else.
    """
    path = manifest_paths(folder, step)[0]
    problems: list[Problem] = []
    rows: list[RowType] = []
    for line, value in iter_json_lines(path, problems):
        try:
            rows.append(row_type.from_json(value))
        except (TypeError, ValueError, AttributeError) as error:
            where = f"{show_path(path)}:{line}"
            problems.append(Problem(f"another kind of line ({error})", "a row of this step", _redo(step), where))
    if problems:
        raise InputError(problems)
    return rows


def read_dropped(folder: Path, step: StepName) -> list[Dropped]:
    """What a step dropped, with the reasons."""
    return [Dropped.from_json(value) for _, value in iter_json_lines(manifest_paths(folder, step)[1], [])]


def read_ledger(folder: Path) -> dict[str, StepRecord]:
    """The finished steps of a build folder; none where there is no ledger yet.

    Raises:
        InputError: The ledger cannot be read, or another version wrote it.
    """
    path = folder / LEDGER
    if not path.is_file():
        return {}
    problems: list[Problem] = []
    table = read_json(path, problems)
    if problems:
        raise InputError(problems)
    try:
        if table["schema_version"] != LEDGER_VERSION:
            raise ValueError(f"schema_version {table['schema_version']}")
        return {name: StepRecord(**record) for name, record in table["steps"].items()}
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        do_next = "remove it to do every step again; replies of the model are in the store and cost nothing"
        raise InputError(
            Problem(f"another ledger ({error})", "a ledger of this version", do_next, str(path))
        ) from error


def write_ledger(folder: Path, records: Mapping[str, StepRecord]) -> None:
    """Write the ledger."""
    table = {"schema_version": LEDGER_VERSION, "steps": {name: asdict(record) for name, record in records.items()}}
    write_atomic(folder / LEDGER, json.dumps(table, indent=2, ensure_ascii=False) + "\n")


def is_done(folder: Path, step: StepName, fingerprint: str) -> bool:
    """Whether a step is finished with this fingerprint, nothing to try again, and its manifests are unchanged."""
    record = read_ledger(folder).get(step)
    if record is None or record.fingerprint != fingerprint or record.again:
        return False
    return all(file_hash(folder / name) == digest for name, digest in record.files.items())


def file_hash(path: Path) -> str | None:
    """SHA-256 of a file, None where there is none to read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


def fingerprint_of(*parts: Any) -> str:
    """Hash of JSON values, 32 hexadecimal digits."""
    return hashlib.sha256(dump(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def dump(value: Any) -> str:
    """One line of JSON, keys in the given order."""
    return json.dumps(value, ensure_ascii=False, separators=(", ", ": "))


def _counts(reasons: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(reasons).items()))


def _redo(step: StepName) -> str:
    return f"repeat the command with --redo {step}"
