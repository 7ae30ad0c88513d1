"""Everything a process of the board works with, opened together."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from leaderboard.db import migrate
from leaderboard.db.session import make_engine
from leaderboard.object_store import ObjectStore
from leaderboard.queue.interface import JobQueue
from leaderboard.settings import BoardSettings, read_settings
from leaderboard.submissions import SubmissionService
from vdc.errors import InputError, Problem, RunFailed


@dataclass(frozen=True, slots=True)
class Services:
    """An open board.

    Args:
        settings: Its settings.
        engine: Its database.
        store: Its files.
        queue: Its jobs.
        submissions: The service over all of them.
    """

    settings: BoardSettings
    engine: Engine
    store: ObjectStore
    queue: JobQueue
    submissions: SubmissionService


def init_board(settings: BoardSettings) -> None:
    """Create or upgrade the board's tables and the queue's; any number of times.

    Raises:
        RunFailed: A database cannot be reached.
    """
    from leaderboard.queue.dbos_queue import create_tables

    engine = make_engine(settings.database_url)
    try:
        migrate.upgrade(engine)
    except OperationalError as error:
        raise _unreachable(error) from error
    finally:
        engine.dispose()
    create_tables(settings.queue_url)
    ObjectStore(settings.files_url).prepare()


@contextmanager
def open_board(settings: BoardSettings | None = None, queue: JobQueue | None = None) -> Iterator[Services]:
    """An open board; closed at the end of the block.

    Args:
        settings: None reads the environment.
        queue: None opens the real one.

    Raises:
        InputError: The database has not the schema of this release.
        RunFailed: It cannot be reached.
    """
    chosen = settings or read_settings()
    engine = make_engine(chosen.database_url)
    opened = None
    try:
        _check_schema(engine)
        store = ObjectStore(chosen.files_url)
        if queue is None:
            from leaderboard.queue.dbos_queue import DbosQueue

            opened = DbosQueue(chosen.queue_url)
        used = queue if queue is not None else opened
        if used is None:
            raise RunFailed("found no queue")
        yield Services(chosen, engine, store, used, SubmissionService(engine, store, used, chosen))
    finally:
        if opened is not None:
            opened.close()
        engine.dispose()


def _check_schema(engine: Engine) -> None:
    try:
        current = migrate.is_current(engine)
    except OperationalError as error:
        raise _unreachable(error) from error
    if not current:
        raise InputError(
            Problem(
                "a database without the tables of this release",
                f"schema {migrate.head_revision()}",
                "run vdc leaderboard init (it upgrades, too; back up first)",
            )
        )


def _unreachable(error: OperationalError) -> RunFailed:
    # The driver's own text can hold the address with its password: only its first words are shown.
    return RunFailed(
        f"found a database that cannot be reached ({type(error.orig).__name__}); expected a running server or a "
        "writable file; do next: check VDC_LEADERBOARD_DATABASE"
    )
