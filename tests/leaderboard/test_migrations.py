from __future__ import annotations

from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import inspect, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from leaderboard.db import migrate
from leaderboard.db.base import Base
from leaderboard.db.models import Model, SectionResult, State, Submission, Token, Transition
from leaderboard.db.session import make_engine, reading, writing
from leaderboard.services import Services
from vdc.errors import InputError


def test_empty_database_to_head_and_nothing_left_to_generate(database_url: str) -> None:
    engine = make_engine(database_url)
    assert not migrate.is_current(engine)
    migrate.upgrade(engine)
    assert migrate.is_current(engine)
    command.check(migrate.alembic_config(engine))
    assert set(Base.metadata.tables) <= set(inspect(engine).get_table_names())
    engine.dispose()


def test_down_and_up_again_leaves_the_same_schema(database_url: str) -> None:
    engine = make_engine(database_url)
    migrate.upgrade(engine)
    command.downgrade(migrate.alembic_config(engine), "base")
    assert not set(Base.metadata.tables) & set(inspect(engine).get_table_names())
    migrate.upgrade(engine)
    command.check(migrate.alembic_config(engine))
    engine.dispose()


def test_there_is_one_head() -> None:
    assert migrate.head_revision() == "0001"


def fails(board: Services, *rows: Base) -> None:
    with pytest.raises(IntegrityError), writing(board.engine) as session:
        session.add_all(rows)


def test_accuracy_is_a_fraction_in_the_schema_too(board: Services) -> None:
    fails(board, SectionResult(protocol="strict", section="short", accuracy=41.3, score=2.0))


def test_a_result_has_one_owner(board: Services) -> None:
    fails(board, SectionResult(protocol="strict", section="short", accuracy=0.4, score=2.0))


def test_two_models_cannot_share_an_address(board: Services) -> None:
    fails(board, Model(name="A", slug="a"), Model(name="a", slug="a"))


def test_a_state_that_is_none_is_refused_by_the_database(board: Services) -> None:
    with writing(board.engine) as session:
        session.add(Token(id="t", name="n", secret_hash="0" * 64))
    values = "'s', 't', 'predictions', 'nearly', '', false, '{}', 1, 1, current_timestamp, current_timestamp"
    columns = "id, token_id, kind, state, reason, private, details, attempt, sample_seed, created_at, updated_at"
    with pytest.raises(IntegrityError), board.engine.begin() as connection:
        connection.execute(text(f"insert into submission ({columns}) values ({values})"))


def test_transitions_need_their_submission(board: Services) -> None:
    fails(board, Transition(submission_id="nobody", number=1, after=State.RECEIVED, actor="x"))


def test_times_come_back_aware(board: Services) -> None:
    with writing(board.engine) as session:
        session.add(Token(id="t", name="n", secret_hash="0" * 64))
    with reading(board.engine) as session:
        found = session.get_one(Token, "t").created_at
    assert found.utcoffset() is not None and found.utcoffset().total_seconds() == 0  # type: ignore[union-attr]


def test_a_naive_time_is_refused(board: Services) -> None:
    from datetime import datetime

    with Session(board.engine) as session:
        session.add(Token(id="t", name="n", secret_hash="0" * 64, created_at=datetime(2026, 1, 1)))
        with pytest.raises(Exception, match="without a zone"):
            session.flush()


@pytest.mark.parametrize("url", ["mysql://x/y", "no address at all"])
def test_other_databases_are_refused_with_the_two_that_work(url: str) -> None:
    with pytest.raises(InputError, match="postgresql"):
        make_engine(url)


def test_submission_without_a_token_is_refused(board: Services) -> None:
    fails(board, Submission(id="a" * 32, token_id="nobody", kind="predictions", state=State.RECEIVED, sample_seed=1))


def test_a_new_folder_of_a_board_is_its_owners_alone(tmp_path: Path) -> None:
    make_engine(f"sqlite:///{tmp_path / 'new' / 'board.sqlite'}").dispose()
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700


def test_a_database_of_a_newer_release_is_refused_in_words(board: Services) -> None:
    with board.engine.begin() as connection:
        connection.execute(text("update alembic_version set version_num = '9999'"))
    for check in (migrate.check_known, migrate.upgrade):
        with pytest.raises(InputError, match=r"schema 9999.*install the release"):
            check(board.engine)


def test_two_processes_that_make_the_tables_at_once_both_succeed(database_url: str) -> None:
    from concurrent.futures import ThreadPoolExecutor

    def make(_: int) -> None:
        engine = make_engine(database_url)
        try:
            migrate.upgrade(engine)
        finally:
            engine.dispose()

    # SQLite has one file and one writer; only a server lets two in.
    count = 1 if database_url.startswith("sqlite") else 3
    with ThreadPoolExecutor(count) as pool:
        assert list(pool.map(make, range(count))) == [None] * count
