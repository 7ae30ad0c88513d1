"""Bring a database to the schema of this release, and know whether it is there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, func, inspect, select

from vdc.errors import InputError, Problem

MIGRATIONS: Final = Path(__file__).parent / "migrations"
_LOCK: Final = 0x7664635F
"""Any number that no other program on the same database takes."""


def alembic_config(engine: Engine) -> Config:
    """Alembic's configuration for an engine; there is no ini file."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["engine"] = engine
    return config


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Run the migrations that are missing; two processes at once wait for each other.

    Raises:
        InputError: The database is of a release that this one does not know.
    """
    check_known(engine)
    with _alone(engine):
        command.upgrade(alembic_config(engine), revision)


def check_known(engine: Engine) -> None:
    """Refuse a database whose schema this release has never heard of.

    Raises:
        InputError: It was made by a newer one.
    """
    found = current_revision(engine)
    script = ScriptDirectory(str(MIGRATIONS))
    if found is not None and found not in {one.revision for one in script.walk_revisions()}:
        raise InputError(
            Problem(
                f"a database of schema {found}, which this release does not know",
                f"schema {head_revision()} or an older one",
                "install the release that wrote it, or restore a backup of this one into a new database",
            )
        )


@contextmanager
def _alone(engine: Engine) -> Iterator[None]:
    if engine.dialect.name != "postgresql":
        yield
        return
    # SQLite has one writer at a time anyway; here tables are made in a transaction that others do not see.
    with engine.connect() as connection:
        connection.execute(select(func.pg_advisory_lock(_LOCK)))
        try:
            yield
        finally:
            connection.execute(select(func.pg_advisory_unlock(_LOCK)))
            connection.rollback()


def current_revision(engine: Engine) -> str | None:
    """Where the database stands; None when it is empty."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def head_revision() -> str | None:
    """Where this release wants it."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return ScriptDirectory.from_config(config).get_current_head()


def is_current(engine: Engine) -> bool:
    """Whether the database has the schema of this release."""
    return inspect(engine).has_table("alembic_version") and current_revision(engine) == head_revision()
