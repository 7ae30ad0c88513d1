"""Everything a process of the board works with, opened together."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Engine, func, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

from leaderboard.db import migrate
from leaderboard.db.models import StoredObject
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

    store = ObjectStore(settings.files_url)
    engine = make_engine(settings.database_url)
    try:
        migrate.upgrade(engine)
        if not store.is_prepared and _stored_files(engine):
            raise InputError(
                Problem(
                    "a file store without the files that the database refers to",
                    "the folder or bucket that this board has used so far",
                    "check VDC_LEADERBOARD_FILES, and that its disk is there; after a loss restore a backup",
                )
            )
    except OperationalError as error:
        raise _unreachable(error, settings.database_url) from error
    finally:
        engine.dispose()
    create_tables(settings.queue_url)
    store.prepare()


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
        _check_schema(engine, chosen.database_url)
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


def _stored_files(engine: Engine) -> int:
    with engine.connect() as connection:
        return connection.scalar(select(func.count()).select_from(StoredObject)) or 0


def _check_schema(engine: Engine, url: str) -> None:
    try:
        current = migrate.is_current(engine)
        migrate.check_known(engine)
    except OperationalError as error:
        raise _unreachable(error, url) from error
    if not current:
        raise InputError(
            Problem(
                "a database without the tables of this release",
                f"schema {migrate.head_revision()}",
                "run vdc leaderboard init (it upgrades, too; back up first), or init --empty before a restore",
            )
        )


def _unreachable(error: OperationalError, url: str) -> RunFailed:
    parts = make_url(url)
    if parts.get_backend_name() == "sqlite":
        place, why = f"the file {parts.database}", str(error.orig)
    else:
        # The driver's text can hold the whole address with its password: only what the server said is shown.
        place = f"database {parts.database} at {parts.host or 'the local socket'}:{parts.port or 5432}"
        said = [line.partition("FATAL:")[2].strip() for line in str(error.orig).splitlines() if "FATAL:" in line]
        known = ("Connection refused", "timeout expired", "could not translate host name", "failed to resolve host")
        why = said[0] if said else next((text for text in known if text in str(error.orig)), type(error.orig).__name__)
    return RunFailed(
        f"found a database that cannot be reached ({place}: {why}); expected a running server or a writable file; "
        "do next: check VDC_LEADERBOARD_DATABASE"
    )
