"""Engines and sessions. A session is opened by its caller in a ``with`` and never shared."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.orm import Session

from vdc.errors import InputError, Problem

STATEMENT_TIMEOUT_MS: Final = 60_000
BUSY_TIMEOUT_MS: Final = 30_000
_CHECKPOINT_MS: Final = 2_000


def make_engine(url: str) -> Engine:
    """The engine for a database URL.

    Raises:
        InputError: The URL is none, or of a database this project is not tested on.
    """
    do_next = "set VDC_LEADERBOARD_DATABASE to sqlite:///FILE or postgresql+psycopg://USER@HOST/NAME"
    try:
        backend = make_url(url).get_backend_name()
    except ArgumentError as error:
        raise InputError(Problem("a database address that cannot be read", "a SQLAlchemy URL", do_next)) from error
    if backend == "sqlite":
        return _sqlite(url)
    if backend == "postgresql":
        return create_engine(
            url,
            pool_pre_ping=True,
            # What people handed in does not belong into log lines.
            hide_parameters=True,
            pool_size=10,
            max_overflow=10,
            connect_args={"options": f"-c statement_timeout={STATEMENT_TIMEOUT_MS}", "connect_timeout": 10},
        )
    raise InputError(Problem(f"a {backend} database", "SQLite or PostgreSQL", do_next))


def _sqlite(url: str) -> Engine:
    path = make_url(url).database
    if path and path != ":memory:":
        # A new folder is its owner's alone: private submissions lie in it.
        Path(path).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    engine = create_engine(url, connect_args={"timeout": BUSY_TIMEOUT_MS / 1000}, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def on_connect(connection: Any, _record: Any) -> None:
        # The driver must not open transactions of its own accord: see on_begin.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in (
            f"busy_timeout={BUSY_TIMEOUT_MS}",
            "journal_mode=WAL",
            "synchronous=NORMAL",
            "foreign_keys=ON",
            # Deleted rows are overwritten: what was withdrawn is not left readable in the file.
            "secure_delete=ON",
        ):
            cursor.execute(f"pragma {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def on_begin(connection: Connection) -> None:
        # Two transactions that read first and write later would fail with "database is locked"; those that only read
        # say so and take no lock.
        read_only = connection.get_execution_options().get("read_only", False)
        connection.exec_driver_sql("begin" if read_only else "begin immediate")

    return engine


@contextmanager
def reading(engine: Engine) -> Iterator[Session]:
    """A session for queries only."""
    with Session(engine.execution_options(read_only=True)) as session:
        yield session


@contextmanager
def writing(engine: Engine) -> Iterator[Session]:
    """A session in one transaction: committed at the end, undone by an exception."""
    with Session(engine, expire_on_commit=False) as session, session.begin():
        yield session


def overwrite_deleted(engine: Engine, *, patience_ms: int = _CHECKPOINT_MS) -> bool:
    """Leave nothing of deleted rows in the files of a SQLite database; on a server that is its own vacuum's work.

    Args:
        engine: The database.
        patience_ms: How long to wait for readers.

    Returns:
        Whether it was done; not where somebody kept reading for seconds.
    """
    if engine.dialect.name != "sqlite":
        return True
    # Rows are overwritten where they lay (secure_delete), but the write-ahead log still holds the pages of before.
    raw = engine.raw_connection()
    try:
        cursor = raw.cursor()
        cursor.execute(f"pragma busy_timeout={patience_ms}")
        busy, *_ = cursor.execute("pragma wal_checkpoint(truncate)").fetchone()
        cursor.execute(f"pragma busy_timeout={BUSY_TIMEOUT_MS}")
        cursor.close()
    finally:
        raw.close()
    return not busy
