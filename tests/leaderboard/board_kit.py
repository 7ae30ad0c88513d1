"""What the tests of the board share: a database, a board, somebody to submit."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("sqlalchemy", reason="the extra leaderboard is not installed")
pytest.importorskip("dbos", reason="the extra leaderboard is not installed")

from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from leaderboard.db.models import SubmissionKind
from leaderboard.db.session import writing
from leaderboard.queue.interface import HeldQueue
from leaderboard.queue.job import run_job
from leaderboard.services import Services
from leaderboard.tokens import Holder, create_token, find_holder
from leaderboard.views import NewSubmission, SubmissionView, UploadedFile
from vdc.fileio import file_sha256

# Read before the fixture that clears the environment for every test.
POSTGRES = os.environ.get("VDC_TEST_POSTGRES", "postgresql+psycopg://root@127.0.0.1:5432/postgres")
SAMPLE = Path(__file__).parents[2] / "vdc" / "sample"
STRONG = SAMPLE / "predictions_strong.jsonl"
WEAK = SAMPLE / "predictions_weak.jsonl"


def new_postgres_database() -> Iterator[str]:
    """The URL of a new database, dropped afterwards; skips where no server runs."""
    admin = create_engine(POSTGRES, isolation_level="AUTOCOMMIT", connect_args={"connect_timeout": 3})
    name = f"vdc_test_{uuid.uuid4().hex[:12]}"
    try:
        with admin.connect() as connection:
            connection.execute(text(f"create database {name}"))
    except OperationalError:
        pytest.skip("no PostgreSQL server on 127.0.0.1:5432, and VDC_TEST_POSTGRES names no other")
    try:
        yield admin.url.set(database=name).render_as_string(hide_password=False)
    finally:
        with admin.connect() as connection:
            connection.execute(text(f"drop database if exists {name} with (force)"))
        admin.dispose()


def new_holder(board: Services, name: str = "lab", *, admin: bool = False) -> tuple[Holder, str]:
    """A token's holder and its key."""
    with writing(board.engine) as session:
        token = create_token(session, name, admin=admin)
        session.flush()
        holder = find_holder(session, token.key)
    assert holder is not None
    return holder, token.key


def uploaded(path: Path, role: str = "predictions") -> UploadedFile:
    return UploadedFile(role, path, path.name, file_sha256(path), path.stat().st_size)


def predictions_submission(path: Path = STRONG, name: str = "Captioner", **fields: object) -> NewSubmission:
    return NewSubmission(name, SubmissionKind.PREDICTIONS, (uploaded(path),), **fields)  # type: ignore[arg-type]


def work(board: Services, worker: str = "worker-test") -> list[str]:
    """Run every job that waits in the held queue; returns how they ended."""
    assert isinstance(board.queue, HeldQueue)
    jobs, board.queue.jobs[:] = list(board.queue.jobs), []
    return [run_job(board, submission_id, attempt, worker) for submission_id, attempt in jobs]


def submit_and_score(board: Services, holder: Holder, new: NewSubmission) -> SubmissionView:
    view, _ = board.submissions.submit(holder, new)
    work(board)
    return board.submissions.get(holder, view.id)
