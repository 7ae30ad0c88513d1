"""A whole board in one file, independent of the database it came from, and back."""

from __future__ import annotations

import io
import json
import logging
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any, Final

from sqlalchemy import Engine, Table, func, insert, select, text

from leaderboard.db import migrate
from leaderboard.db.base import Base, UtcTime, utc_now
from leaderboard.object_store import ObjectStore
from vdc.errors import InputError, Problem, RunFailed

logger = logging.getLogger(__name__)

FORMAT: Final = 1
_ROWS_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class BackupSummary:
    """What went into or came out of a backup.

    Args:
        rows: Table -> number of rows.
        files: Stored files.
    """

    rows: dict[str, int]
    files: int


def write_backup(engine: Engine, store: ObjectStore, path: Path) -> BackupSummary:
    """Write every table and every stored file into one tar file, as they are at one moment.

    The queue is not in it: jobs are made again from the submissions. Token hashes are: keep the file as safe as the
    database.

    Raises:
        InputError: The file exists already.
        RunFailed: A stored file is gone.
    """
    if path.exists():
        raise InputError(Problem("a file of this name", "a free name", "give another one", str(path)))
    counts: dict[str, int] = {}
    part = path.with_name(f".{path.name}.part")
    try:
        # For its owner alone: private submissions are in it.
        part.touch(mode=0o600)
        with tarfile.open(part, "w") as archive, tempfile.TemporaryDirectory() as scratch:
            with engine.connect().execution_options(isolation_level=_snapshot(engine)) as connection:
                for table in Base.metadata.sorted_tables:
                    lines = [
                        json.dumps({name: _plain(value) for name, value in row.items()})
                        for row in connection.execute(select(table)).mappings()
                    ]
                    counts[table.name] = len(lines)
                    _add(archive, f"tables/{table.name}.jsonl", "\n".join(lines).encode())
                hashes = list(connection.scalars(text("select sha256 from stored_object order by sha256")))
            for sha256 in hashes:
                file = Path(scratch) / sha256
                store.fetch(sha256, file)
                archive.add(file, arcname=f"files/{sha256}", recursive=False)
                file.unlink()
            manifest = {
                "format": FORMAT,
                "schema": migrate.current_revision(engine),
                "made": utc_now().isoformat(timespec="seconds"),
                "rows": counts,
                "files": len(hashes),
            }
            _add(archive, "manifest.json", json.dumps(manifest, indent=1).encode())
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return BackupSummary(counts, len(hashes))


def restore_backup(engine: Engine, store: ObjectStore, path: Path) -> BackupSummary:
    """Fill an empty board from a backup; all or nothing as far as the database goes.

    Raises:
        InputError: No backup, one of another schema, the board is not empty, or its file store is not prepared.
    """
    if not store.is_prepared:
        found, expected = "a file store that was never prepared", "the one of a new board"
        raise InputError(Problem(found, expected, "run vdc leaderboard init --empty, then repeat the command"))
    try:
        with tarfile.open(path, "r:") as archive:
            return _restore(engine, store, archive, path)
    except (tarfile.TarError, OSError, KeyError, ValueError) as error:
        found = f"no backup that can be read ({type(error).__name__})"
        do_next = "give a file that vdc leaderboard backup wrote"
        raise InputError(Problem(found, "a backup", do_next, str(path))) from error


def _restore(engine: Engine, store: ObjectStore, archive: tarfile.TarFile, path: Path) -> BackupSummary:
    manifest = json.loads(_read(archive, "manifest.json"))
    schema = migrate.current_revision(engine)
    if manifest.get("format") != FORMAT or manifest.get("schema") != schema:
        found = f"a backup of format {manifest.get('format')} and schema {manifest.get('schema')}"
        do_next = "restore it with the release that wrote it, then run vdc leaderboard init of this one"
        raise InputError(Problem(found, f"format {FORMAT} and schema {schema}", do_next, str(path)))
    tables = Base.metadata.sorted_tables
    with engine.begin() as connection:
        full = [table.name for table in tables if connection.scalar(select(func.count()).select_from(table))]
        if full:
            found = f"rows in {', '.join(full)}"
            raise InputError(
                Problem(
                    found,
                    "an empty board",
                    "restore into a new database (vdc leaderboard init --empty makes one), then switch over",
                )
            )
        # Files first: a row must never point at nothing. Members are taken by name and never unpacked by theirs.
        restored = 0
        with tempfile.TemporaryDirectory() as scratch:
            for sha256 in _hashes(archive):
                file = Path(scratch) / "object"
                file.write_bytes(_read(archive, f"files/{sha256}"))
                store.put(file, sha256)
                store.fetch(sha256, file)
                restored += 1
        counts = {table.name: _fill(connection, table, archive) for table in tables}
        if engine.dialect.name == "postgresql":
            _reset_sequences(connection)
        if restored != manifest["files"] or counts != manifest["rows"]:
            raise RunFailed("found a backup that lacks rows or files its manifest names; expected all of them")
    return BackupSummary(counts, restored)


def _fill(connection: Any, table: Table, archive: tarfile.TarFile) -> int:
    rows = [json.loads(line) for line in _read(archive, f"tables/{table.name}.jsonl").splitlines()]
    times = [column.name for column in table.columns if isinstance(column.type, UtcTime)]
    for row in rows:
        for name in times:
            row[name] = datetime.fromisoformat(row[name]) if row[name] else None
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        connection.execute(insert(table), [_typed(table, row) for row in rows[start : start + _ROWS_AT_ONCE]])
    return len(rows)


def _typed(table: Table, row: dict[str, Any]) -> dict[str, Any]:
    """Enums are stored by value in the backup and wanted as members by the columns."""
    typed = dict(row)
    for column in table.columns:
        members = getattr(column.type, "enum_class", None)
        if members is not None and typed[column.name] is not None:
            typed[column.name] = members(typed[column.name])
    return typed


def _reset_sequences(connection: Any) -> None:
    """Let PostgreSQL count on from the restored numbers."""
    for table in Base.metadata.sorted_tables:
        for column in table.primary_key.columns:
            if column.autoincrement is True:
                highest = connection.scalar(select(func.max(column)))
                if highest is not None:
                    connection.execute(
                        text("select setval(pg_get_serial_sequence(:table, :column), :highest)"),
                        {"table": table.name, "column": column.name, "highest": highest},
                    )


def _snapshot(engine: Engine) -> Any:
    # One moment for all tables: PostgreSQL needs to be told, SQLite's transactions are like that.
    return "REPEATABLE READ" if engine.dialect.name == "postgresql" else "SERIALIZABLE"


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return getattr(value, "value", value)


def _hashes(archive: tarfile.TarFile) -> Iterator[str]:
    for member in archive.getmembers():
        folder, _, name = member.name.partition("/")
        if folder == "files" and member.isreg():
            yield name


def _read(archive: tarfile.TarFile, name: str) -> bytes:
    file: IO[bytes] | None = archive.extractfile(name)
    if file is None:
        raise ValueError(f"{name} is no file")
    return file.read()


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    archive.addfile(entry, io.BytesIO(content))
