"""The reply store's file: how it is opened, checked and brought to today's schema."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from vdc.errors import InputError, Problem

APPLICATION_ID: Final = 0x56444352
"""Marks the file as a reply store (``VDCR``), so that another program's database is never written to."""

BUSY_TIMEOUT_S: Final = 30.0
_WAL_ATTEMPTS: Final = 100


def _create_replies(connection: sqlite3.Connection) -> None:
    connection.execute(
        "CREATE TABLE origins (id INTEGER PRIMARY KEY, model TEXT NOT NULL, revision TEXT NOT NULL, "
        "sampling TEXT NOT NULL, server_model TEXT NOT NULL, UNIQUE (model, revision, sampling, server_model))"
    )
    connection.execute(
        "CREATE TABLE replies (id INTEGER PRIMARY KEY, key BLOB NOT NULL UNIQUE, "
        "origin INTEGER NOT NULL REFERENCES origins (id), scope TEXT NOT NULL, text TEXT NOT NULL, "
        "finish_reason TEXT, input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL, "
        "latency_s REAL NOT NULL, created REAL NOT NULL)"
    )


def _create_capabilities(connection: sqlite3.Connection) -> None:
    connection.execute(
        "CREATE TABLE capabilities (server TEXT PRIMARY KEY, value TEXT NOT NULL, updated REAL NOT NULL)"
    )


MIGRATIONS: Final[tuple[tuple[int, Callable[[sqlite3.Connection], None]], ...]] = (
    (1, _create_replies),
    (2, _create_capabilities),
)
"""Numbered steps from an empty file to today's schema; a released step is never edited, only followed by another."""


def open_store_file(path: Path) -> sqlite3.Connection:
    """A connection to a reply store that is known to be ours, current and writable; made when absent.

    Args:
        path: The file; its folder is made too.

    Returns:
        A connection in autocommit mode that several threads may use in turn.

    Raises:
        InputError: The file is corrupt, another program's, of a newer version, or cannot be written.
    """
    connection: sqlite3.Connection | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
        _prepare(connection, path)
    except BaseException as error:
        if connection is not None:
            connection.close()
        if isinstance(error, (sqlite3.Error, OSError)):
            raise InputError(unusable_store(path, str(error))) from error
        raise
    return connection


def unusable_store(path: Path, found: str) -> Problem:
    """The problem to report for a file that cannot serve as the reply store."""
    return Problem(
        found=found,
        expected="a reply store of this program, in a folder that can be written",
        do_next="move the file away (a new one is made) or set VDC_HOME to another folder",
        where=str(path),
    )


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    tables = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    if tables and connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
        raise InputError(unusable_store(path, "another program's database"))
    newest = MIGRATIONS[-1][0]
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version > newest:
        raise InputError(unusable_store(path, f"schema version {version}, but this release knows up to {newest}"))
    _use_write_ahead_log(connection)
    # replies of a power cut may be lost, never the file: what is lost is asked again
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("PRAGMA wal_autocheckpoint = 4000")
    if version < newest:
        _migrate(connection)
    # an UPDATE that changes nothing still needs the right to write, and says so now instead of in mid-run
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("UPDATE capabilities SET updated = updated WHERE 0")
    connection.execute("COMMIT")


def _use_write_ahead_log(connection: sqlite3.Connection) -> None:
    # two processes that open a new file together: one is told "locked" without SQLite's own waiting
    for attempt in range(_WAL_ATTEMPTS):
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or attempt == _WAL_ATTEMPTS - 1:
                raise
            time.sleep(0.02)
        else:
            return


def _migrate(connection: sqlite3.Connection) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        # read again under the lock: another process may have migrated meanwhile
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        for number, step in MIGRATIONS:
            if number > version:
                step(connection)
                connection.execute(f"PRAGMA user_version = {number:d}")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID:d}")
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
