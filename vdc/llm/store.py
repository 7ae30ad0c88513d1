"""The reply store: one SQLite file that is the cache of all calls and the checkpoint of every run.

Several processes may share the file. A reply is either committed or absent; there is no state in between to repair.
"""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from vdc.errors import InputError, Problem, RunFailed, VdcError
from vdc.llm.store_file import open_store_file, unusable_store
from vdc.llm.types import ChatRequest, Reply, Sampling, replace_surrogates

_CHUNK: Final = 500

_SELECT: Final = "SELECT key, text, finish_reason, input_tokens, output_tokens, latency_s FROM replies"
_SELECT_ONE: Final = f"{_SELECT} WHERE key = ?"
_INSERT: Final = (
    "INSERT INTO replies (key, origin, scope, text, finish_reason, input_tokens, output_tokens, latency_s, created) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (key) DO NOTHING"
)
_DELETE: Final = (
    "DELETE FROM replies WHERE (:model IS NULL OR origin IN (SELECT id FROM origins WHERE model = :model)) "
    "AND (:before IS NULL OR created < :before)"
)


@dataclass(frozen=True, slots=True)
class ReplyEntry:
    """A reply on its way into the store.

    Args:
        reply: What came back; ``ok`` only.
        model, revision, sampling, scope: From the request.
        server_model: Model name in the server's reply.
    """

    reply: Reply
    model: str
    revision: str | None
    sampling: Sampling | None
    scope: str
    server_model: str = ""

    @classmethod
    def of(cls, request: ChatRequest, reply: Reply, server_model: str = "") -> ReplyEntry:
        """The entry for a request and its reply."""
        return cls(reply, request.model, request.revision, request.sampling, request.scope, server_model)


@dataclass(frozen=True, slots=True)
class ModelCount:
    """Replies of one model name.

    Args:
        model: As asked for.
        replies: Count.
        text_bytes: UTF-8 bytes of their texts.
        input_tokens, output_tokens: Sums, as the servers counted.
    """

    model: str
    replies: int
    text_bytes: int
    input_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True)
class StoreInfo:
    """What the store holds.

    Args:
        path: The file.
        replies: Count of replies.
        file_bytes: Size on disk, write-ahead log included.
        models: Most replies first.
        oldest, newest: Times of the first and last reply (UTC), None in an empty store.
    """

    path: str
    replies: int
    file_bytes: int
    models: tuple[ModelCount, ...]
    oldest: datetime | None
    newest: datetime | None


def default_store_path() -> Path:
    """``replies.sqlite`` in the user's folder (see ``vdc.settings.home``)."""
    from vdc.settings import home

    return home() / "replies.sqlite"


class ReplyStore:
    """Replies by request key. Safe to use from several threads and, on one file, from several processes.

    Args:
        path: The file; made with its folder when absent. None is :func:`default_store_path`.

    Raises:
        InputError: The file is corrupt, another program's, of a newer version, or cannot be written.
    """

    def __init__(self, path: Path | str | None = None) -> None:
        self.path = Path(path) if path is not None else default_store_path()
        self._lock = threading.RLock()
        self._origins: dict[tuple[str, str | None, Sampling | None, str], int] = {}
        self._connection = open_store_file(self.path)

    def __enter__(self) -> ReplyStore:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the file; further use is an error."""
        with self._lock:
            self._connection.close()

    def get(self, key: str) -> Reply | None:
        """The stored reply, or None."""
        # once per call of a run: spelled out because a context manager would double the cost
        with self._lock:
            try:
                row = self._connection.execute(_SELECT_ONE, (bytes.fromhex(key),)).fetchone()
            except sqlite3.DatabaseError as error:
                raise self._translate(error) from error
        return None if row is None else _reply(row)

    def get_many(self, keys: Iterable[str]) -> dict[str, Reply]:
        """Those of the keys that are stored, with their replies."""
        found: dict[str, Reply] = {}
        wanted = [bytes.fromhex(key) for key in keys]
        with self._reading():
            for start in range(0, len(wanted), _CHUNK):
                chunk = wanted[start : start + _CHUNK]
                marks = ",".join("?" * len(chunk))
                for row in self._connection.execute(f"{_SELECT} WHERE key IN ({marks})", chunk):
                    reply = _reply(row)
                    found[reply.key] = reply
        return found

    def put(self, request: ChatRequest, reply: Reply, server_model: str = "") -> None:
        """Commits one reply; see :meth:`put_many`."""
        self.put_many([ReplyEntry.of(request, reply, server_model)])

    def put_many(self, entries: Sequence[ReplyEntry]) -> None:
        """Commits replies in one transaction. A key that is there already keeps its first reply.

        Raises:
            ValueError: An entry is a failed reply; failures are never stored, so that a rerun tries them again.
            RunFailed: The disk is full or the file stays locked by another process.
        """
        now = time.time()
        rows = []
        with self._transaction():
            origins = dict(self._origins)
            for entry in entries:
                reply = entry.reply
                if reply.status != "ok":
                    raise ValueError(f"a failed reply cannot be stored (key {reply.key})")
                origin = (entry.model, entry.revision, entry.sampling, entry.server_model)
                number = origins.get(origin)
                if number is None:
                    number = origins[origin] = self._origin_number(entry)
                rows.append(
                    (
                        bytes.fromhex(reply.key),
                        number,
                        replace_surrogates(entry.scope),
                        replace_surrogates(reply.text),
                        reply.finish_reason,
                        reply.input_tokens,
                        reply.output_tokens,
                        reply.latency_s,
                        now,
                    )
                )
            self._connection.executemany(_INSERT, rows)
        # only now: numbers given in a transaction that was rolled back would point nowhere
        self._origins = origins

    def info(self) -> StoreInfo:
        """Counts and sizes."""
        with self._reading():
            models = tuple(
                ModelCount(*row)
                for row in self._connection.execute(
                    "SELECT model, count(*), sum(length(CAST(text AS BLOB))), sum(input_tokens), sum(output_tokens) "
                    "FROM replies JOIN origins ON origins.id = origin GROUP BY model ORDER BY count(*) DESC, model"
                )
            )
            oldest, newest = self._connection.execute("SELECT min(created), max(created) FROM replies").fetchone()
        files = (self.path, Path(f"{self.path}-wal"))
        return StoreInfo(
            path=str(self.path),
            replies=sum(model.replies for model in models),
            file_bytes=sum(file.stat().st_size for file in files if file.exists()),
            models=models,
            oldest=None if oldest is None else datetime.fromtimestamp(oldest, UTC),
            newest=None if newest is None else datetime.fromtimestamp(newest, UTC),
        )

    def prune(
        self,
        *,
        model: str | None = None,
        older_than_s: float | None = None,
        everything: bool = False,
        vacuum: bool = False,
    ) -> int:
        """Deletes replies that meet all given conditions.

        Args:
            model: Only replies of this model name.
            older_than_s: Only replies committed longer ago than this many seconds.
            everything: Needed when no condition is given.
            vacuum: Give the space back to the file system; locks the file meanwhile.

        Returns:
            How many were deleted.

        Raises:
            InputError: Neither a condition nor ``everything``.
        """
        if model is None and older_than_s is None and not everything:
            raise InputError(
                Problem(
                    found="no condition for the replies to delete",
                    expected="a model, an age, or the explicit wish to delete everything",
                    do_next="name a model or an age",
                    where=str(self.path),
                )
            )
        before = None if older_than_s is None else time.time() - older_than_s
        with self._transaction():
            cursor = self._connection.execute(_DELETE, {"model": model, "before": before})
        if vacuum:
            with self._lock, self._translated():
                self._connection.execute("VACUUM")
                self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return cursor.rowcount

    def capabilities(self, server: str, max_age_s: float) -> Mapping[str, Any] | None:
        """What was learnt about a server not longer ago than ``max_age_s``, or None."""
        with self._reading():
            row = self._connection.execute(
                "SELECT value FROM capabilities WHERE server = ? AND updated >= ?", (server, time.time() - max_age_s)
            ).fetchone()
        return None if row is None else json.loads(row[0])

    def put_capabilities(self, server: str, value: Mapping[str, Any]) -> None:
        """Remembers what was learnt about a server, in place of what was known before."""
        with self._transaction():
            self._connection.execute(
                "INSERT INTO capabilities (server, value, updated) VALUES (?, ?, ?) ON CONFLICT (server) "
                "DO UPDATE SET value = excluded.value, updated = excluded.updated",
                (server, json.dumps(value), time.time()),
            )

    def _origin_number(self, entry: ReplyEntry) -> int:
        sampling = "" if entry.sampling is None else json.dumps(asdict(entry.sampling))
        origin = (
            replace_surrogates(entry.model),
            entry.revision or "",
            sampling,
            replace_surrogates(entry.server_model),
        )
        self._connection.execute(
            "INSERT INTO origins (model, revision, sampling, server_model) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
            origin,
        )
        row = self._connection.execute(
            "SELECT id FROM origins WHERE model = ? AND revision = ? AND sampling = ? AND server_model = ?", origin
        ).fetchone()
        return int(row[0])

    @contextmanager
    def _reading(self) -> Iterator[None]:
        with self._lock, self._translated():
            yield

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._lock, self._translated():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            raise self._translate(error) from error

    def _translate(self, error: sqlite3.DatabaseError) -> VdcError:
        if isinstance(error, sqlite3.OperationalError):
            return RunFailed(
                f"{self.path}: found {error}; expected a reply store that can be written; do next: free disk space or "
                "end the process that holds the file, then repeat the command (it resumes)"
            )
        return InputError(unusable_store(self.path, str(error)))


def _reply(row: Sequence[Any]) -> Reply:
    key, text, finish_reason, input_tokens, output_tokens, latency_s = row
    return Reply(
        key=key.hex(),
        status="ok",
        text=text,
        from_store=True,
        finish_reason=finish_reason,
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        latency_s=latency_s,
    )
