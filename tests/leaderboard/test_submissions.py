from __future__ import annotations

import gzip
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select, text

from leaderboard.board import BoardQuery, BoardReader
from leaderboard.db.base import Base, utc_now
from leaderboard.db.models import Model, Run, SectionResult, State, Submission, SubmissionKind, Transition
from leaderboard.db.session import overwrite_deleted, reading, writing
from leaderboard.failures import LimitReached, NotAllowed, NotFound
from leaderboard.queue.interface import HeldQueue
from leaderboard.scoring_steps import GIVE_UP_AFTER, MAX_TAKEOVERS, begin_scoring, finish_scoring
from leaderboard.services import Services
from leaderboard.submissions import SubmissionService
from leaderboard.transitions import ALLOWED, lock_submission, move
from leaderboard.views import NewSubmission
from tests.leaderboard.board_kit import (
    STRONG,
    WEAK,
    new_holder,
    predictions_submission,
    submit_and_score,
    uploaded,
    work,
)
from vdc.errors import InputError

pytestmark = pytest.mark.usefixtures("remembered_scoring")


def states(board: Services, submission_id: str) -> list[str]:
    with reading(board.engine) as session:
        query = select(Transition.after).where(Transition.submission_id == submission_id).order_by(Transition.number)
        return [state.value for state in session.scalars(query)]


def test_captions_become_a_published_verified_row(board: Services) -> None:
    holder, _ = new_holder(board)
    view = submit_and_score(board, holder, predictions_submission())
    assert (view.state, view.row, view.benchmark) == (State.PUBLISHED, "verified", "sample")
    assert states(board, view.id) == ["received", "validated", "queued", "scoring", "scored", "published"]
    rows = BoardReader(board.engine).page(BoardQuery(kind="verified")).rows
    assert [row.run_id for row in rows] == [view.run_id]
    assert rows[0].cells["average"].accuracy is not None and rows[0].cells["average"].accuracy_ci95 is not None


def test_the_board_has_the_numbers_that_scoring_gives(board: Services, tmp_path: Path) -> None:
    from scoring.score import score

    expected = score(STRONG, benchmark="sample", judge="lexical", out=tmp_path / "run").report
    holder, _ = new_holder(board)
    submit_and_score(board, holder, predictions_submission())
    for protocol in ("strict", "official"):
        row = BoardReader(board.engine).page(BoardQuery(protocol=protocol)).rows[0]
        assert row.value("accuracy") == pytest.approx(expected["protocols"][protocol]["average"]["accuracy"])
        assert row.value("score", "camera") == pytest.approx(
            expected["protocols"][protocol]["sections"]["camera"]["score"]
        )


def test_the_same_content_is_the_same_submission(board: Services) -> None:
    holder, _ = new_holder(board)
    first, is_new = board.submissions.submit(holder, predictions_submission())
    again, is_new_again = board.submissions.submit(holder, predictions_submission(name="CAPTIONER"))
    assert (is_new, is_new_again, first.id) == (True, False, again.id)


def test_the_same_content_by_another_token_is_another_submission(board: Services) -> None:
    first, _ = board.submissions.submit(new_holder(board, "a")[0], predictions_submission())
    second, is_new = board.submissions.submit(new_holder(board, "b")[0], predictions_submission())
    assert is_new and first.id != second.id


def test_the_same_sent_at_once_is_one_submission(board: Services) -> None:
    holder, _ = new_holder(board)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: board.submissions.submit(holder, predictions_submission()), range(8)))
    assert len({view.id for view, _ in found}) == 1
    assert sum(is_new for _, is_new in found) == 1
    assert work(board) == ["scored"]


def test_a_broken_file_is_rejected_with_line_and_reason(board: Services, tmp_path: Path) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text('{"video_id": "nobody", "section": "short", "caption": "x"}\nnot json\n')
    view, _ = board.submissions.submit(new_holder(board)[0], predictions_submission(path))
    assert view.state is State.REJECTED and view.final
    assert ":2" in view.reason and str(tmp_path) not in view.reason and "vdc-intake" not in view.reason
    assert isinstance(board.queue, HeldQueue) and board.queue.jobs == []


def test_captions_of_unknown_videos_are_rejected_naming_the_benchmarks(board: Services, tmp_path: Path) -> None:
    path = tmp_path / "other.jsonl"
    path.write_text('{"video_id": "nobody", "section": "short", "caption": "x"}\n')
    view, _ = board.submissions.submit(new_holder(board)[0], predictions_submission(path))
    assert view.state is State.REJECTED and "sample" in view.reason


def test_a_gzip_bomb_is_rejected(sqlite_board: Services, tmp_path: Path) -> None:
    path = tmp_path / "bomb.jsonl.gz"
    path.write_bytes(gzip.compress(b" " * (140 << 20), 1))
    board = sqlite_board
    view, _ = board.submissions.submit(new_holder(board)[0], predictions_submission(path))
    assert view.state is State.REJECTED and "unpack" in view.reason


def test_ten_thousand_columns_are_rejected(board: Services, tmp_path: Path) -> None:
    import json

    path = tmp_path / "wide.jsonl"
    path.write_text(json.dumps({f"column_{number}": number for number in range(10_000)}) + "\n")
    view, _ = board.submissions.submit(new_holder(board)[0], predictions_submission(path))
    assert view.state is State.REJECTED and len(view.reason) < 10_000


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"name": "  "}, "model name"),
        ({"name": "a\x00b"}, "U+0000"),
        ({"name": "evil \u202e name"}, "U+202E"),
        ({"name": "x" * 121}, "120"),
        ({"frames": 0}, "frames"),
        ({"model_url": "javascript:alert(1)"}, "web address"),
        ({"section": "sound"}, "section"),
        ({"benchmark": "../../etc"}, "benchmark"),
        ({"note": "x" * 2001}, "2,000"),
    ],
    ids=["blank", "nul", "reordering", "long", "zero", "script-url", "section", "benchmark", "note"],
)
def test_fields_that_cannot_be_used_are_refused_and_leave_nothing(
    sqlite_board: Services, fields: dict[str, object], said: str
) -> None:
    holder, _ = new_holder(sqlite_board)
    with pytest.raises(InputError, match=said.replace("+", r"\+")):
        sqlite_board.submissions.submit(holder, predictions_submission(**fields))  # type: ignore[arg-type]
    with reading(sqlite_board.engine) as session:
        assert session.scalars(select(Submission)).all() == []
    assert list(sqlite_board.store.every()) == []


@pytest.mark.parametrize("name", ["'; drop table model; --", "<script>alert(1)</script>", "=1+1", "\U0001f600 名前"])
def test_hostile_names_come_back_as_they_were(board: Services, name: str) -> None:
    holder, _ = new_holder(board)
    view, _ = board.submissions.submit(holder, predictions_submission(name=name, note=name))
    assert view.model == name


def test_open_submissions_are_limited(board: Services) -> None:
    limited = replace(board.settings, limits=replace(board.settings.limits, open_submissions=2))
    service = SubmissionService(board.engine, board.store, board.queue, limited)
    holder, _ = new_holder(board)
    for name in ("one", "two"):
        service.submit(holder, predictions_submission(name=name))
    with pytest.raises(LimitReached, match="expected fewer than 2"):
        service.submit(holder, predictions_submission(name="three"))
    service.submit(holder, predictions_submission(name="one"))
    work(board)
    service.submit(holder, predictions_submission(name="three"))


def test_submissions_per_hour_are_limited_even_when_withdrawn(board: Services) -> None:
    limited = replace(board.settings, limits=replace(board.settings.limits, per_hour=1))
    service = SubmissionService(board.engine, board.store, board.queue, limited)
    holder, _ = new_holder(board)
    view, _ = service.submit(holder, predictions_submission())
    service.withdraw(holder, view.id)
    with pytest.raises(LimitReached, match="last hour"):
        service.submit(holder, predictions_submission())


def test_no_token_sees_anothers_submission_until_it_is_published(board: Services) -> None:
    mine, other = new_holder(board, "a")[0], new_holder(board, "b")[0]
    view, _ = board.submissions.submit(mine, predictions_submission())
    for stranger in (other, None):
        with pytest.raises(NotFound):
            board.submissions.get(stranger, view.id)
    work(board)
    shown = board.submissions.get(other, view.id)
    assert shown.state is State.PUBLISHED and shown.transitions == ()


def test_a_private_submission_is_scored_but_stays_with_its_token(board: Services) -> None:
    mine, other = new_holder(board, "a")[0], new_holder(board, "b")[0]
    view = submit_and_score(board, mine, predictions_submission(private=True))
    assert view.state is State.SCORED and view.run_id
    with pytest.raises(NotFound):
        board.submissions.get(other, view.id)
    with pytest.raises(NotFound):
        board.submissions.withdraw(other, view.id)
    assert BoardReader(board.engine).page(BoardQuery()).rows == ()


def test_only_its_token_or_an_admin_withdraws(board: Services) -> None:
    mine, other = new_holder(board, "a")[0], new_holder(board, "b")[0]
    admin, _ = new_holder(board, "admin", admin=True)
    view = submit_and_score(board, mine, predictions_submission())
    with pytest.raises(NotAllowed):
        board.submissions.withdraw(other, view.id)
    assert board.submissions.withdraw(admin, view.id).state is State.WITHDRAWN


def test_withdrawn_data_is_really_gone(board: Services) -> None:
    holder, _ = new_holder(board)
    marker = "unforgettable-7391"
    view = submit_and_score(board, holder, predictions_submission(name=marker, note=marker))
    board.submissions.withdraw(holder, view.id)
    assert list(board.store.every()) == []
    assert BoardReader(board.engine).page(BoardQuery()).rows == ()
    with board.engine.connect() as connection:
        tables = {table.name: connection.execute(select(table)).all() for table in Base.metadata.sorted_tables}
    assert marker not in repr(tables)
    assert tables["run"] == tables["section_result"] == tables["model"] == tables["submission_file"] == []
    assert board.submissions.get(holder, view.id).state is State.WITHDRAWN


def test_nothing_of_what_was_withdrawn_is_left_in_any_file_of_a_sqlite_board(
    sqlite_board: Services, tmp_path: Path
) -> None:
    holder, _ = new_holder(sqlite_board)
    marker = "unforgettable-7391"
    captions = tmp_path / "handed-in.jsonl"
    captions.write_text(STRONG.read_text(encoding="utf-8").replace('"caption": "', f'"caption": "{marker} '))
    view = submit_and_score(sqlite_board, holder, predictions_submission(captions, name=marker, note=marker))

    def holding() -> list[str]:
        files = [path for path in tmp_path.rglob("*") if path.is_file() and path != captions]
        return [path.name for path in files if marker.encode() in path.read_bytes()]

    assert any(name.startswith("only.sqlite") for name in holding())
    sqlite_board.submissions.withdraw(holder, view.id)
    assert holding() == []


def test_a_reader_that_stays_does_not_hold_up_a_withdrawal(sqlite_board: Services) -> None:
    holder, _ = new_holder(sqlite_board)
    view = submit_and_score(sqlite_board, holder, predictions_submission())
    with reading(sqlite_board.engine) as session:
        session.scalars(select(Run)).all()
        assert sqlite_board.submissions.withdraw(holder, view.id).state is State.WITHDRAWN
    assert overwrite_deleted(sqlite_board.engine)


def test_withdrawing_leaves_what_another_submission_also_holds(board: Services) -> None:
    first, second = new_holder(board, "a")[0], new_holder(board, "b")[0]
    one = submit_and_score(board, first, predictions_submission())
    two = submit_and_score(board, second, predictions_submission())
    board.submissions.withdraw(first, one.id)
    kept = set(board.store.every())
    assert uploaded(STRONG).sha256 in kept
    board.submissions.withdraw(second, two.id)
    assert list(board.store.every()) == []


def test_withdrawn_in_the_middle_of_scoring_the_result_is_dropped(board: Services, tmp_path: Path) -> None:
    from leaderboard.scoring_job import score_files

    holder, _ = new_holder(board)
    view, _ = board.submissions.submit(holder, predictions_submission())
    task = begin_scoring(board.engine, view.id, 1, "worker-a")
    assert task is not None
    for role, sha256 in task.files.items():
        board.store.fetch(sha256, tmp_path / role)
    outcome = score_files(
        task.kind, tmp_path, board.submissions.benchmarks, task.benchmark, task.details, board.settings, 1
    )
    board.submissions.withdraw(holder, view.id)
    assert finish_scoring(board.engine, board.store, task, outcome, "worker-a") is False
    assert list(board.store.every()) == []
    with reading(board.engine) as session:
        assert session.scalars(select(Run)).all() == []


def test_two_workers_on_one_submission_write_one_run(board: Services, tmp_path: Path) -> None:
    from leaderboard.scoring_job import score_files

    holder, _ = new_holder(board)
    view, _ = board.submissions.submit(holder, predictions_submission())
    first = begin_scoring(board.engine, view.id, 1, "worker-a")
    second = begin_scoring(board.engine, view.id, 1, "worker-b")
    assert first is not None and second is not None
    for role, sha256 in first.files.items():
        board.store.fetch(sha256, tmp_path / role)
    outcome = score_files(
        first.kind, tmp_path, board.submissions.benchmarks, first.benchmark, first.details, board.settings, 1
    )
    with ThreadPoolExecutor(2) as pool:
        ended = list(
            pool.map(
                lambda one: finish_scoring(board.engine, board.store, one[0], outcome, one[1]),
                [(first, "worker-a"), (second, "worker-b")],
            )
        )
    assert sorted(ended) == [False, True]
    with reading(board.engine) as session:
        assert len(session.scalars(select(Run)).all()) == 1
    assert states(board, view.id).count("scored") == 1


def test_a_job_that_ends_its_workers_for_long_is_given_up(board: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    from leaderboard import scoring_steps

    holder, _ = new_holder(board)
    view, _ = board.submissions.submit(holder, predictions_submission())
    taken = [begin_scoring(board.engine, view.id, 1, f"worker-{number}") for number in range(MAX_TAKEOVERS + 2)]
    # So many in a moment are bad luck, not the job's doing.
    assert all(task is not None for task in taken)
    later = utc_now() + GIVE_UP_AFTER
    monkeypatch.setattr(scoring_steps, "utc_now", lambda: later)
    assert begin_scoring(board.engine, view.id, 1, "worker-last") is None
    found = board.submissions.get(holder, view.id)
    assert found.state is State.FAILED and "workers" in found.reason


def test_a_failed_submission_sent_again_is_tried_again(board: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    from leaderboard.queue import job
    from vdc.errors import RunFailed

    holder, _ = new_holder(board)
    view, _ = board.submissions.submit(holder, predictions_submission())

    def down(*_: object) -> None:
        raise RunFailed("http://judge.internal:8000 does not answer")

    with monkeypatch.context() as patched:
        patched.setattr(job, "score_files", down)
        assert work(board) == ["failed"]
    failed = board.submissions.get(holder, view.id)
    assert failed.state is State.FAILED and "judge.internal" not in failed.reason
    again, is_new = board.submissions.submit(holder, predictions_submission())
    assert (again.id, is_new, again.state) == (view.id, False, State.QUEUED)
    assert work(board) == ["scored"]


def test_an_unexpected_error_becomes_a_reason_and_not_a_lost_job(
    board: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    from leaderboard.queue import job

    holder, _ = new_holder(board)
    view, _ = board.submissions.submit(holder, predictions_submission())
    monkeypatch.setattr(job, "score_files", lambda *_: {}["surprise"])
    assert work(board) == ["failed"]
    assert "KeyError" in board.submissions.get(holder, view.id).reason


def test_sweep_takes_up_what_a_dead_process_left(board: Services) -> None:
    holder, _ = new_holder(board)
    view, _ = board.submissions.submit(holder, predictions_submission())
    assert isinstance(board.queue, HeldQueue)
    board.queue.jobs.clear()
    with board.engine.begin() as connection:
        connection.execute(text("update submission set state = 'received', updated_at = '2020-01-01 00:00:00'"))
        connection.execute(text("delete from transition where number > 1"))
    assert board.submissions.sweep() == 1
    assert board.queue.jobs == [(view.id, 1)]
    assert board.submissions.sweep() == 0


def test_sweep_enqueues_what_is_queued_but_unknown_to_the_queue(board: Services) -> None:
    holder, _ = new_holder(board)
    view, _ = board.submissions.submit(holder, predictions_submission())
    assert isinstance(board.queue, HeldQueue)
    board.queue.jobs.clear()
    assert board.submissions.sweep(older_than_s=0) == 1
    assert board.queue.jobs == [(view.id, 1)]


def test_places_in_the_queue_count_from_one(board: Services) -> None:
    holder, _ = new_holder(board)
    ids = [board.submissions.submit(holder, predictions_submission(name=name))[0].id for name in ("a", "b", "c")]
    assert [board.submissions.get(holder, one).position for one in ids] == [1, 2, 3]
    begin_scoring(board.engine, ids[0], 1, "worker")
    assert [board.submissions.get(holder, one).position for one in ids] == [None, 1, 2]


def test_a_state_cannot_be_skipped(sqlite_board: Services) -> None:
    holder, _ = new_holder(sqlite_board)
    view, _ = sqlite_board.submissions.submit(holder, predictions_submission())
    with writing(sqlite_board.engine) as session:
        found = lock_submission(session, view.id)
        assert found is not None
        with pytest.raises(ValueError, match="cannot become published"):
            move(session, found, State.PUBLISHED, actor="x")


def test_every_state_has_its_successors_and_all_but_failed_final_ones_only_withdraw() -> None:
    assert set(ALLOWED) == {None, *State}
    assert ALLOWED[State.PUBLISHED] == ALLOWED[State.REJECTED] == {State.WITHDRAWN}
    assert ALLOWED[State.WITHDRAWN] == frozenset()


def test_two_models_share_rank_groups_only_when_judged_alike(board: Services) -> None:
    holder, _ = new_holder(board)
    submit_and_score(board, holder, predictions_submission(STRONG, "Strong"))
    submit_and_score(board, holder, predictions_submission(WEAK, "Weak"))
    rows = BoardReader(board.engine).page(BoardQuery(kind="verified")).rows
    assert [(row.model, row.rank) for row in rows] == [("Strong", 1), ("Weak", 2)]
    assert len({row.group for row in rows}) == 1


def test_a_run_without_its_files_is_refused(sqlite_board: Services) -> None:
    holder, _ = new_holder(sqlite_board)
    with pytest.raises(InputError, match=r"verdicts\.parquet"):
        sqlite_board.submissions.submit(holder, NewSubmission("A", SubmissionKind.RUN, (uploaded(STRONG),)))


def test_models_and_results_are_written_once(board: Services) -> None:
    holder, _ = new_holder(board)
    submit_and_score(board, holder, predictions_submission())
    with reading(board.engine) as session:
        assert len(session.scalars(select(Model)).all()) == 1
        rows = session.scalars(select(SectionResult)).all()
    assert len(rows) == len({(row.protocol, row.section) for row in rows}) == 5 * 6


def test_a_private_name_is_not_read_in_anothers_spelling(board: Services) -> None:
    alice, bob = new_holder(board, "alice")[0], new_holder(board, "bob")[0]
    mine = submit_and_score(board, alice, predictions_submission(name="Private_Secret (Model) v9", private=True))
    other = submit_and_score(board, bob, predictions_submission(WEAK, name="private secret model V9"))
    assert (mine.model, other.model) == ("Private_Secret (Model) v9", "private secret model V9")
    (row,) = BoardReader(board.engine).page(BoardQuery()).rows
    assert row.model == "private secret model V9"


def test_a_submission_that_always_fails_is_not_tried_for_ever(
    sqlite_board: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    from leaderboard.queue import job
    from leaderboard.submissions import MAX_TRIES
    from vdc.errors import RunFailed

    def down(*_: object) -> None:
        raise RunFailed("away")

    monkeypatch.setattr(job, "score_files", down)
    holder, _ = new_holder(sqlite_board)
    for _ in range(MAX_TRIES):
        sqlite_board.submissions.submit(holder, predictions_submission())
        assert work(sqlite_board) == ["failed"]
    with pytest.raises(LimitReached, match="tell the people"):
        sqlite_board.submissions.submit(holder, predictions_submission())


def test_a_caption_that_no_judge_reads_is_rejected(sqlite_board: Services, tmp_path: Path) -> None:
    holder, _ = new_holder(sqlite_board)
    text = STRONG.read_text(encoding="utf-8").replace('"caption": "', '"caption": "' + "long " * 25_000, 1)
    (tmp_path / "long.jsonl").write_text(text, encoding="utf-8")
    view, _ = sqlite_board.submissions.submit(holder, predictions_submission(tmp_path / "long.jsonl"))
    assert view.state is State.REJECTED and "a caption of 125," in view.reason


def test_one_that_cannot_be_taken_up_does_not_keep_the_others(
    sqlite_board: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    service, (holder, _) = sqlite_board.submissions, new_holder(sqlite_board)
    with monkeypatch.context() as patched:
        patched.setattr(service, "advance", lambda _: None)
        views = [service.submit(holder, predictions_submission(path))[0] for path in (STRONG, WEAK)]
    real = service.advance

    def advance(submission_id: str) -> None:
        if submission_id == views[0].id:
            raise KeyError("poison")
        real(submission_id)

    monkeypatch.setattr(service, "advance", advance)
    assert service.sweep(older_than_s=0) == 1
    assert service.get(holder, views[1].id).state is State.QUEUED


def test_what_a_reader_kept_in_the_log_is_overwritten_by_the_next_sweep(sqlite_board: Services, tmp_path: Path) -> None:
    holder, _ = new_holder(sqlite_board)
    marker = "unforgettable-7391"
    view = submit_and_score(sqlite_board, holder, predictions_submission(name=marker))
    with reading(sqlite_board.engine) as session:
        session.scalars(select(Run)).all()
        sqlite_board.submissions.withdraw(holder, view.id)
    sqlite_board.submissions.sweep()
    held = [path.name for path in tmp_path.rglob("*") if path.is_file() and marker.encode() in path.read_bytes()]
    assert held == []
