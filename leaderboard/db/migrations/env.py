"""Alembic's entrance; the engine comes from ``leaderboard.db.migrate``."""

from __future__ import annotations

from typing import Literal

from alembic import context

from leaderboard.db.base import Base, UtcTime
from leaderboard.db.models import Model

# Importing one table imports all of them; the metadata is then whole.
target_metadata = Model.metadata
if target_metadata is not Base.metadata:
    raise RuntimeError("the tables are split over two metadata objects")


def _mine(name: str | None, kind: str, _parents: object) -> bool:
    # The queue keeps tables of its own in the schema dbos.
    return not (kind == "schema" and name == "dbos")


def _render(kind: str, item: object, _autogen: object) -> str | Literal[False]:
    # Migrations must not change when the project's own column type does.
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(item, UtcTime) else False


with context.config.attributes["engine"].connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=target_metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        compare_type=True,
        include_name=_mine,
        render_item=_render,
    )
    with context.begin_transaction():
        if connection.dialect.name == "postgresql":
            # A migration that cannot get its lock soon gives way to the running board instead of blocking it.
            connection.exec_driver_sql("set local lock_timeout = '5s'")
        context.run_migrations()
    connection.commit()
