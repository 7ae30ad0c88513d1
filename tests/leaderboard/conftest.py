"""A board of the test's own, on SQLite and, where a server runs, on PostgreSQL."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from leaderboard.db import migrate
from leaderboard.db.models import SubmissionKind
from leaderboard.db.session import make_engine
from leaderboard.queue import job
from leaderboard.queue.interface import HeldQueue
from leaderboard.scoring_job import Outcome
from leaderboard.services import Services, open_board
from leaderboard.settings import BoardSettings
from tests.leaderboard.board_kit import new_postgres_database
from vdc.fileio import file_sha256


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'board.sqlite'}"
    else:
        yield from new_postgres_database()


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> BoardSettings:
    plain = BoardSettings(database_url="", queue_url="", files_url=str(tmp_path / "files"), benchmarks=("sample",))
    return replace(plain.with_database(database_url), judge="lexical")


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty board as a SQLite file, to be copied: migrating takes longer than most tests."""
    path = tmp_path_factory.mktemp("migrated") / "board.sqlite"
    engine = make_engine(f"sqlite:///{path}")
    migrate.upgrade(engine)
    engine.dispose()
    return path


@pytest.fixture
def board(settings: BoardSettings, migrated_file: Path) -> Iterator[Services]:
    """A board whose jobs wait in a held queue until the test runs them."""
    if settings.is_sqlite:
        shutil.copy(migrated_file, settings.database_url.removeprefix("sqlite:///"))
    else:
        engine = make_engine(settings.database_url)
        migrate.upgrade(engine)
        engine.dispose()
    with open_board(settings, HeldQueue()) as opened:
        opened.store.prepare()
        yield opened


@pytest.fixture
def sqlite_board(tmp_path: Path, migrated_file: Path) -> Iterator[Services]:
    """As ``board`` on SQLite only, for what no database decides."""
    plain = BoardSettings(database_url="", queue_url="", files_url=str(tmp_path / "files"), benchmarks=("sample",))
    chosen = replace(plain.with_database(f"sqlite:///{tmp_path / 'only.sqlite'}"), judge="lexical")
    shutil.copy(migrated_file, tmp_path / "only.sqlite")
    with open_board(chosen, HeldQueue()) as opened:
        opened.store.prepare()
        yield opened


_scored: dict[tuple[object, ...], Outcome] = {}


@pytest.fixture
def remembered_scoring(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Scores every file once per session: what a submission's life is about is not what the numbers are."""
    real = job.score_files

    def score_once(kind: SubmissionKind, folder: Path, *rest: object) -> Outcome:
        key = (kind, *(file_sha256(path) for path in sorted(folder.iterdir())), rest[1])
        if key not in _scored:
            found = real(kind, folder, *rest)  # type: ignore[arg-type]
            kept = tmp_path_factory.mktemp("scored")
            places = {name: shutil.copy(path, kept / path.name) for name, path in (
                ("verdicts", found.verdicts), ("record_path", found.record_path))}  # fmt: skip
            _scored[key] = replace(found, **places)
        return _scored[key]

    monkeypatch.setattr(job, "score_files", score_once)
