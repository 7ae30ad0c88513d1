from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.vdc.llm.conversations import question
from vdc.errors import InputError, RunFailed
from vdc.llm import store_file
from vdc.llm.store import ReplyEntry, ReplyStore, default_store_path
from vdc.llm.types import ChatRequest, Reply
from vdc.llm.writer import CoalescedWriter


def reply_to(request: ChatRequest, text: str = "yes") -> Reply:
    return Reply(request.key(), "ok", text, finish_reason="stop", input_tokens=7, output_tokens=2, latency_s=0.5)


def test_stored_reply_comes_back_whole_and_says_where_it_is_from(store: ReplyStore) -> None:
    request = question(1)
    store.put(request, reply_to(request, "Ja, ünï ✓\0\n"), "judge-as-served")
    assert store.get(request.key()) == Reply(
        request.key(), "ok", "Ja, ünï ✓\0\n", "", True, "stop", 7, 2, 0.5, attempts=0
    )
    assert store.get(question(2).key()) is None


def test_get_many_finds_what_is_there_among_more_keys_than_one_statement_takes(store: ReplyStore) -> None:
    requests = [question(number) for number in range(1200)]
    store.put_many([ReplyEntry.of(request, reply_to(request, request.scope)) for request in requests[::2]])
    found = store.get_many(request.key() for request in requests)
    assert {key: reply.text for key, reply in found.items()} == {
        request.key(): request.scope for request in requests[::2]
    }


def test_first_reply_to_a_key_stays(store: ReplyStore) -> None:
    request = question(1)
    store.put(request, reply_to(request, "first"))
    store.put(request, reply_to(request, "second"))
    stored = store.get(request.key())
    assert stored is not None
    assert stored.text == "first"


def test_failed_reply_is_refused_and_nothing_of_its_batch_is_kept(store: ReplyStore) -> None:
    good, bad = question(1), question(2)
    entries = [ReplyEntry.of(good, reply_to(good)), ReplyEntry.of(bad, Reply(bad.key(), "failed", error="no"))]
    with pytest.raises(ValueError, match="failed reply"):
        store.put_many(entries)
    assert store.info().replies == 0
    store.put(good, reply_to(good))
    assert store.info().models[0].model == "m"


def test_lone_surrogates_are_stored_as_replacement_characters(store: ReplyStore) -> None:
    request = ChatRequest("m\ud800", question(1).messages, scope="clip\udc00/short/1")
    store.put(request, reply_to(request, "a\ud800b"), "served\udfff")
    stored = store.get(request.key())
    assert stored is not None
    assert stored.text == "a\ufffdb"


def test_info_counts_by_model(store: ReplyStore) -> None:
    for number, model in enumerate(["a", "b", "b"]):
        request = question(number, model=model)
        store.put(request, reply_to(request, "né"))
    info = store.info()
    assert [(count.model, count.replies, count.text_bytes, count.input_tokens) for count in info.models] == [
        ("b", 2, 6, 14),
        ("a", 1, 3, 7),
    ]
    assert info.replies == 3
    assert info.file_bytes > 0
    assert info.oldest is not None
    assert info.newest is not None
    assert info.oldest <= info.newest
    assert info.oldest.utcoffset() is not None


def test_prune_deletes_what_meets_all_conditions(store: ReplyStore, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("vdc.llm.store.time.time", lambda: now)
    for number, model in enumerate(["a", "b", "a"]):
        now += 1000.0
        request = question(number, model=model)
        store.put(request, reply_to(request))
    assert store.prune(model="a", older_than_s=500) == 1
    assert [store.get(question(number, model=model).key()) is None for number, model in enumerate(["a", "b", "a"])] == [
        True,
        False,
        False,
    ]
    assert store.prune(model="a", vacuum=True) == 1
    assert store.prune(everything=True) == 1


def test_prune_without_condition_needs_to_be_told_so(store: ReplyStore) -> None:
    with pytest.raises(InputError, match="no condition"):
        store.prune()


def test_capabilities_are_remembered_for_a_while(store: ReplyStore, monkeypatch: pytest.MonkeyPatch) -> None:
    store.put_capabilities("server", {"dropped": ["seed"]})
    store.put_capabilities("server", {"dropped": ["top_p"]})
    assert store.capabilities("server", max_age_s=60) == {"dropped": ["top_p"]}
    assert store.capabilities("other", max_age_s=60) is None
    import time

    later = time.time() + 61
    monkeypatch.setattr("vdc.llm.store.time.time", lambda: later)
    assert store.capabilities("server", max_age_s=60) is None


def test_default_place_is_in_the_users_folder(isolated_user: Path) -> None:
    assert default_store_path() == isolated_user / "replies.sqlite"


def make_foreign(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE theirs (x)")
    connection.commit()
    connection.close()


def make_newer(path: Path) -> None:
    ReplyStore(path).close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.close()


def make_corrupt(path: Path) -> None:
    with ReplyStore(path) as store:
        store.put_many([ReplyEntry.of(question(n), reply_to(question(n))) for n in range(300)])
    content = bytearray(path.read_bytes())
    content[100:4096] = b"\xff" * (4096 - 100)
    path.write_bytes(content)


UNUSABLE = {
    "text": lambda path: path.write_text("not a database, but long enough to be looked at " * 50),
    "foreign": make_foreign,
    "newer": make_newer,
    "corrupt": make_corrupt,
    "folder": lambda path: path.mkdir(),
}


@pytest.mark.parametrize("make", UNUSABLE.values(), ids=UNUSABLE.keys())
def test_unusable_file_is_refused_and_left_as_it_is(make: object, tmp_path: Path) -> None:
    path = tmp_path / "replies.sqlite"
    make(path)  # type: ignore[operator]
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(InputError) as raised:
        ReplyStore(path)
    message = str(raised.value)
    assert str(path) in message
    assert all(word in message for word in ("found", "expected", "do next"))
    assert (path.read_bytes() if path.is_file() else None) == before


def test_place_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="VDC_HOME"):
        ReplyStore(tmp_path / "file" / "replies.sqlite")


def test_store_that_may_only_be_read_is_refused_before_any_call_is_paid(tmp_path: Path) -> None:
    path = tmp_path / "replies.sqlite"
    ReplyStore(path).close()

    def deny(action: int, *rest: object) -> int:
        return sqlite3.SQLITE_DENY if action == sqlite3.SQLITE_UPDATE else sqlite3.SQLITE_OK

    connection = sqlite3.connect(path, isolation_level=None)
    connection.set_authorizer(deny)
    with pytest.raises(sqlite3.DatabaseError):
        store_file._prepare(connection, path)
    connection.close()


def test_every_migration_starts_where_the_one_before_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "replies.sqlite"
    steps = store_file.MIGRATIONS
    assert [number for number, _ in steps] == list(range(1, len(steps) + 1))
    old = sqlite3.connect(path, isolation_level=None)
    monkeypatch.setattr(store_file, "MIGRATIONS", steps[:1])
    store_file._migrate(old)
    request = question(1)
    old.execute("INSERT INTO origins VALUES (1, 'm', '', '', '')")
    row = (bytes.fromhex(request.key()), 1, "", "kept", None, 1, 1, 0.1, 5.0)
    old.execute(f"INSERT INTO replies VALUES (NULL, {', '.join('?' * 9)})", row)
    old.close()
    monkeypatch.setattr(store_file, "MIGRATIONS", steps)
    with ReplyStore(path) as store:
        stored = store.get(request.key())
        assert stored is not None
        assert stored.text == "kept"
        store.put_capabilities("server", {})


WRITER = """
import sys
from tests.vdc.llm.conversations import question
from vdc.llm.store import ReplyStore
from vdc.llm.types import Reply
with ReplyStore(sys.argv[1]) as store:
    for number in range(int(sys.argv[2]), int(sys.argv[3])):
        request = question(number)
        store.put(request, Reply(request.key(), "ok", sys.argv[2]))
"""


def test_two_processes_that_make_and_fill_one_file_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "replies.sqlite"
    spans = [("0", "300"), ("200", "500")]
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(path), *span], stderr=subprocess.PIPE, text=True)
        for span in spans
    ]
    for writer in writers:
        _, errors = writer.communicate(timeout=60)
        assert writer.returncode == 0, errors
    with ReplyStore(path) as store:
        assert len(store.get_many(question(number).key() for number in range(500))) == 500


def test_threads_may_share_a_store(store: ReplyStore) -> None:
    def fill(start: int) -> None:
        for number in range(start, start + 50):
            request = question(number)
            store.put(request, reply_to(request))
            assert store.get(request.key()) is not None

    threads = [threading.Thread(target=fill, args=(start,)) for start in (0, 100, 200, 300)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.info().replies == 200


def test_full_disk_is_a_failed_run_that_says_how_to_go_on(tmp_path: Path) -> None:
    with ReplyStore(tmp_path / "replies.sqlite") as store:
        pages = store._connection.execute("PRAGMA page_count").fetchone()[0]
        store._connection.execute(f"PRAGMA max_page_count = {pages}")
        request = question(1)
        with pytest.raises(RunFailed, match=r"full.*free disk space"):
            store.put(request, reply_to(request, "x" * 100_000))
        assert store.get(request.key()) is None


def test_replies_of_one_turn_of_the_loop_share_a_transaction_and_are_committed_when_awaited(store: ReplyStore) -> None:
    transactions: list[int] = []
    put_many = store.put_many
    store.put_many = lambda entries: (transactions.append(len(entries)), put_many(entries))[1]  # type: ignore[method-assign]

    async def run() -> None:
        writer = CoalescedWriter(store)

        async def write(number: int) -> None:
            request = question(number)
            await writer.write(ReplyEntry.of(request, reply_to(request)))
            assert store.get(request.key()) is not None

        await asyncio.gather(*(write(number) for number in range(10)))

    asyncio.run(run())
    assert transactions == [10]
