"""The judge's replies of a submission: there for as long as it needs them, gone with it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from leaderboard.job_replies import JobReplies
from leaderboard.services import Services, open_board
from tests.leaderboard.board_kit import WEAK, new_holder, predictions_submission, work
from vdc.errors import InputError
from vdc.llm.fake_server import FakeServer, FakeServerConfig
from vdc.llm.store import ReplyStore


@pytest.fixture
def asked(
    sqlite_board: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Services, FakeServer]]:
    """A board whose judge is a server."""
    settings = replace(sqlite_board.settings, judge="openai", replies=tmp_path / "replies")
    with FakeServer(config=FakeServerConfig()) as server:
        monkeypatch.setenv("VDC_BASE_URL", server.base_url)
        monkeypatch.setenv("VDC_MODEL", "fake")
        with open_board(settings, sqlite_board.queue) as board:
            yield board, server


def test_a_store_takes_the_name_of_its_submission_and_of_nothing_else(tmp_path: Path) -> None:
    replies = JobReplies(tmp_path / "replies")
    one, two = uuid.uuid4().hex, uuid.uuid4().hex
    assert replies.kept() == [] and replies.keep_only([]) == []
    for name in (one, two):
        ReplyStore(replies.store_of(name)).close()
    replies.forget(one)
    assert replies.kept() == [two] and [path.name for path in replies.folder.iterdir()] == [f"{two}.sqlite"]
    assert replies.keep_only([two]) == [] and replies.keep_only([one]) == [two]
    assert list(replies.folder.iterdir()) == []
    for wrong in ("../../etc", "", f"{one}/x"):
        with pytest.raises(ValueError, match="hexadecimal"):
            replies.store_of(wrong)


def test_a_scored_submission_leaves_no_replies(asked: tuple[Services, FakeServer]) -> None:
    board, server = asked
    holder, _ = new_holder(board)
    board.submissions.submit(holder, predictions_submission(WEAK))
    assert work(board) == ["scored"]
    assert server.stats.requests > 0
    assert board.submissions.replies.kept() == [] and not list(board.settings.replies.glob("*"))


def test_a_failed_one_keeps_them_for_another_try_until_it_is_withdrawn(
    asked: tuple[Services, FakeServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    from leaderboard.queue import job

    board, server = asked
    holder, _ = new_holder(board)
    view, _ = board.submissions.submit(holder, predictions_submission(WEAK))

    def break_down(*_: object) -> bool:
        raise OSError("no space left")

    with monkeypatch.context() as patched:
        patched.setattr(job, "finish_scoring", break_down)
        assert work(board) == ["failed"]
    asked_once = server.stats.requests
    assert board.submissions.replies.kept() == [view.id]
    board.submissions.sweep(older_than_s=0)
    assert board.submissions.replies.kept() == [view.id]
    board.submissions.submit(holder, predictions_submission(WEAK))
    with monkeypatch.context() as patched:
        patched.setattr(job, "finish_scoring", break_down)
        assert work(board) == ["failed"]
    assert server.stats.requests == asked_once
    board.submissions.withdraw(holder, view.id)
    assert board.submissions.replies.kept() == []


def test_what_another_machine_left_is_swept(asked: tuple[Services, FakeServer]) -> None:
    board, _ = asked
    holder, _ = new_holder(board)
    waiting, _ = board.submissions.submit(holder, predictions_submission(WEAK))
    for name in (waiting.id, uuid.uuid4().hex):
        ReplyStore(board.submissions.replies.store_of(name)).close()
    board.submissions.sweep()
    assert board.submissions.replies.kept() == [waiting.id]


def test_what_a_killed_worker_left_goes_with_its_submission(asked: tuple[Services, FakeServer]) -> None:
    board, _ = asked
    holder, _ = new_holder(board)
    view, _ = board.submissions.submit(holder, predictions_submission(WEAK))
    replies = board.submissions.replies
    with replies.scratch(view.id) as scratch:
        left = scratch.with_name(f"{view.id}-left")
        scratch.rename(left)
        (left / "predictions").write_text("captions")
    board.submissions.sweep()
    assert left.is_dir() and replies.kept() == [view.id]
    board.submissions.withdraw(holder, view.id)
    assert not list(board.settings.replies.iterdir())


@pytest.mark.parametrize("wrong", [{"VDC_BASE_URL": ""}, {"VDC_MODEL": ""}, {"VDC_PROMPTS": "nosuch"}])
def test_a_judge_that_cannot_be_used_is_no_fault_of_the_captions(
    asked: tuple[Services, FakeServer], monkeypatch: pytest.MonkeyPatch, wrong: dict[str, str]
) -> None:
    board, server = asked
    holder, _ = new_holder(board)
    view, _ = board.submissions.submit(holder, predictions_submission(WEAK))
    with monkeypatch.context() as patched:
        # With no model named the server is asked for it: it is away.
        patched.setenv("VDC_BASE_URL", "http://127.0.0.1:9/v1")
        for name, value in wrong.items():
            patched.setenv(name, value)
        assert work(board) == ["failed"]
    failed = board.submissions.get(holder, view.id)
    assert "try" in failed.reason and "127.0.0.1" not in failed.reason
    again, is_new = board.submissions.submit(holder, predictions_submission(WEAK))
    assert again.id == view.id and not is_new
    assert work(board) == ["scored"] and server.stats.requests > 0


@pytest.mark.parametrize("wrong", [{"VDC_BASE_URL": ""}, {"VDC_PROMPTS": "nosuch"}])
def test_a_judge_that_can_never_be_used_is_refused_at_the_start(
    asked: tuple[Services, FakeServer], monkeypatch: pytest.MonkeyPatch, wrong: dict[str, str]
) -> None:
    from leaderboard.scoring_job import check_judge

    board, _ = asked
    check_judge(board.settings)
    for name, value in wrong.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(InputError):
        check_judge(board.settings)


def test_files_that_were_lost_come_back_with_another_try(asked: tuple[Services, FakeServer]) -> None:
    board, _ = asked
    holder, _ = new_holder(board)
    board.submissions.submit(holder, predictions_submission(WEAK))
    for sha256 in list(board.store.every()):
        board.store.delete(sha256)
    assert work(board) == ["failed"]
    board.submissions.submit(holder, predictions_submission(WEAK))
    assert work(board) == ["scored"]
