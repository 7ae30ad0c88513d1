from __future__ import annotations

import tarfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from leaderboard.backup import restore_backup, write_backup
from leaderboard.board import BoardQuery, BoardReader
from leaderboard.db import migrate
from leaderboard.db.models import State
from leaderboard.db.session import make_engine, reading, writing
from leaderboard.import_rows import import_published
from leaderboard.queue.interface import HeldQueue
from leaderboard.rebuild import rebuild_row
from leaderboard.services import Services, open_board
from leaderboard.tokens import find_holder
from tests.leaderboard.board_kit import new_holder, predictions_submission, submit_and_score, work
from vdc.errors import InputError

pytestmark = pytest.mark.usefixtures("remembered_scoring")


@pytest.fixture
def empty_board(sqlite_board: Services, tmp_path: Path) -> Iterator[Services]:
    chosen = replace(sqlite_board.settings, files_url=str(tmp_path / "other-files"))
    chosen = chosen.with_database(f"sqlite:///{tmp_path / 'other.sqlite'}")
    engine = make_engine(chosen.database_url)
    migrate.upgrade(engine)
    engine.dispose()
    with open_board(chosen, HeldQueue()) as opened:
        opened.store.prepare()
        yield opened


def test_a_board_comes_back_whole_and_goes_on(board: Services, empty_board: Services, tmp_path: Path) -> None:
    with writing(board.engine) as session:
        import_published(session)
    holder, key = new_holder(board)
    scored = submit_and_score(board, holder, predictions_submission(name="Scored"))
    waiting, _ = board.submissions.submit(holder, predictions_submission(name="Waiting"))
    written = write_backup(board.engine, board.store, tmp_path / "board.tar")
    restored = restore_backup(empty_board.engine, empty_board.store, tmp_path / "board.tar")
    assert restored == written and written.files == 3
    assert (tmp_path / "board.tar").stat().st_mode & 0o077 == 0
    with reading(empty_board.engine) as session:
        assert find_holder(session, key) == holder
    one, other = (BoardReader(opened.engine).page(BoardQuery()) for opened in (board, empty_board))
    assert one.json == other.json
    assert empty_board.submissions.get(holder, scored.id) == board.submissions.get(holder, scored.id)
    assert empty_board.submissions.sweep(older_than_s=0) == 1
    assert work(empty_board) == ["scored"]
    assert empty_board.submissions.get(holder, waiting.id).state is State.PUBLISHED


def test_postgres_counts_on_after_a_restore(database_url: str, sqlite_board: Services, tmp_path: Path) -> None:
    if database_url.startswith("sqlite"):
        pytest.skip("sequences are PostgreSQL's")
    with writing(sqlite_board.engine) as session:
        import_published(session)
    write_backup(sqlite_board.engine, sqlite_board.store, tmp_path / "board.tar")
    chosen = replace(sqlite_board.settings, files_url=str(tmp_path / "pg-files")).with_database(database_url)
    engine = make_engine(database_url)
    migrate.upgrade(engine)
    engine.dispose()
    with open_board(chosen, HeldQueue()) as restored:
        restored.store.prepare()
        restore_backup(restored.engine, restored.store, tmp_path / "board.tar")
        holder, _ = new_holder(restored)
        view = submit_and_score(restored, holder, predictions_submission(name="New after the restore"))
    assert view.state is State.PUBLISHED


def test_restoring_over_a_board_is_refused(sqlite_board: Services, tmp_path: Path) -> None:
    new_holder(sqlite_board)
    write_backup(sqlite_board.engine, sqlite_board.store, tmp_path / "board.tar")
    with pytest.raises(InputError, match="empty board"):
        restore_backup(sqlite_board.engine, sqlite_board.store, tmp_path / "board.tar")


@pytest.mark.parametrize("kind", ["text", "other-tar"])
def test_what_is_no_backup_is_refused(empty_board: Services, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "x.tar"
    if kind == "text":
        path.write_text("hello")
    else:
        with tarfile.open(path, "w") as archive:
            archive.add(__file__, arcname="../../escape.py")
    with pytest.raises(InputError, match="backup"):
        restore_backup(empty_board.engine, empty_board.store, path)
    assert not (tmp_path.parent.parent / "escape.py").exists()


def test_an_existing_file_is_not_overwritten(sqlite_board: Services, tmp_path: Path) -> None:
    (tmp_path / "board.tar").write_text("precious")
    with pytest.raises(InputError):
        write_backup(sqlite_board.engine, sqlite_board.store, tmp_path / "board.tar")
    assert (tmp_path / "board.tar").read_text() == "precious"


def test_a_row_rebuilt_from_its_files_is_the_same_row(board: Services) -> None:
    holder, _ = new_holder(board)
    view = submit_and_score(board, holder, predictions_submission())
    before = BoardReader(board.engine).page(BoardQuery()).rows[0]
    changes = rebuild_row(board, str(view.run_id))
    after = BoardReader(board.engine).page(BoardQuery()).rows[0]
    assert after == before
    assert all(one == other for one, other in changes.values())
