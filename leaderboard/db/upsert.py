"""Rows that must be there once, whoever comes first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from leaderboard.db.base import Base
from leaderboard.db.models import BoardVersion, Model, StoredObject
from leaderboard.names import slug_of


def insert_or_ignore(session: Session, table: type[Base], values: Mapping[str, Any]) -> None:
    """Insert a row unless a unique constraint says that it is there; waits for a transaction that is inserting it."""
    if session.get_bind().dialect.name == "sqlite":
        session.execute(sqlite.insert(table).values(**values).on_conflict_do_nothing())
    else:
        session.execute(postgresql.insert(table).values(**values).on_conflict_do_nothing())


def model_named(session: Session, name: str) -> Model:
    """The model with this name, made where there is none; case and punctuation do not matter."""
    slug = slug_of(name)
    # Held until the end of the transaction: a withdrawal must not delete it as unused in the meantime.
    query = select(Model).where(Model.slug == slug).with_for_update(read=True, key_share=True)
    found = session.scalar(query)
    while found is None:
        insert_or_ignore(session, Model, {"name": name, "slug": slug})
        found = session.scalar(query)
    return found


def lock_object(session: Session, sha256: str, size_bytes: int | None = None) -> StoredObject | None:
    """The object's row, locked until the end of the transaction.

    Writing and deleting the object both happen under this lock, so that no file is deleted while another submission is
    about to refer to it.

    Args:
        session: In a transaction.
        sha256: The object.
        size_bytes: Make the row where there is none; None returns None then.
    """
    query = select(StoredObject).where(StoredObject.sha256 == sha256).with_for_update()
    found = session.scalar(query)
    while found is None and size_bytes is not None:
        insert_or_ignore(session, StoredObject, {"sha256": sha256, "bytes": size_bytes})
        found = session.scalar(query)
    return found


def bump_version(session: Session) -> None:
    """Tell readers that what the board shows has changed."""
    row = session.get(BoardVersion, 1, with_for_update=True)
    if row is None:
        insert_or_ignore(session, BoardVersion, {"id": 1, "version": 0})
        row = session.get_one(BoardVersion, 1, with_for_update=True)
    row.version += 1


def board_version(session: Session) -> int:
    """Counter that moves with every change of what the board shows."""
    return session.scalar(select(BoardVersion.version)) or 0
