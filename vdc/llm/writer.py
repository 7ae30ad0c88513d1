"""Commits of replies on the event loop, several in one transaction."""

from __future__ import annotations

import asyncio

from vdc.errors import InputError, RunFailed
from vdc.llm.store import ReplyEntry, ReplyStore


class CoalescedWriter:
    """Commits replies that arrive in the same turn of the event loop in one transaction.

    Args:
        store: Where they go.
    """

    def __init__(self, store: ReplyStore) -> None:
        self._store = store
        self._pending: list[tuple[ReplyEntry, asyncio.Future[None]]] = []

    def write(self, entry: ReplyEntry) -> asyncio.Future[None]:
        """A future that is done once the reply is committed."""
        loop = asyncio.get_running_loop()
        committed: asyncio.Future[None] = loop.create_future()
        if not self._pending:
            loop.call_soon(self.flush)
        self._pending.append((entry, committed))
        return committed

    def flush(self) -> None:
        """Commits what is pending; a failure goes to those who wait for it."""
        pending, self._pending = self._pending, []
        if not pending:
            return
        try:
            self._store.put_many([entry for entry, _ in pending])
        except (RunFailed, InputError) as error:
            for _, committed in pending:
                if not committed.done():
                    committed.set_exception(type(error)(*error.args) if isinstance(error, RunFailed) else error)
            return
        for _, committed in pending:
            if not committed.done():
                committed.set_result(None)
