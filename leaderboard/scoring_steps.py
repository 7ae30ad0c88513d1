"""What workers write: a submission is taken up, ends with its one run, or is given up with a reason."""

from __future__ import annotations

import logging
import uuid
from datetime import timedelta
from pathlib import Path
from typing import Final

from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from leaderboard.db.base import utc_now
from leaderboard.db.models import ReportedRow, Run, State, Submission, SubmissionFile, Transition
from leaderboard.db.session import writing
from leaderboard.db.upsert import bump_version, lock_object
from leaderboard.intake import RUN_RECORD, VERDICTS
from leaderboard.object_store import ObjectStore
from leaderboard.results import judge_name, rank_group, section_results
from leaderboard.scoring_job import Outcome
from leaderboard.transitions import lock_submission, move
from leaderboard.views import ScoringTask
from vdc.fileio import file_sha256

logger = logging.getLogger(__name__)

MAX_TAKEOVERS: Final = 20
GIVE_UP_AFTER: Final = timedelta(minutes=10)
"""A job that has lost so many workers, over at least this time, is given up: it is what ends them.

Workers that die in quick succession, as on a machine that runs out of memory or is being set up, say nothing about the
job that they had: with one worker killed every four seconds a job was seen to lose twenty of them.
"""

SCORED_VERDICTS: Final = f"scored-{VERDICTS}"
SCORED_RECORD: Final = f"scored-{RUN_RECORD}"


def begin_scoring(engine: Engine, submission_id: str, attempt: int, worker: str) -> ScoringTask | None:
    """Take a submission up; None where there is nothing to do (any more).

    A submission that is being scored already is taken over: the queue gives a job to another worker only when the
    first is gone.
    """
    with writing(engine) as session:
        found = lock_submission(session, submission_id)
        if found is None or found.attempt != attempt or found.state not in (State.QUEUED, State.SCORING):
            return None
        if _ends_workers(session, found):
            reason = f"the job has lost {MAX_TAKEOVERS} workers and is given up; tell the people who run this board"
            move(session, found, State.FAILED, actor=worker, reason=reason)
            return None
        again = found.state is State.SCORING
        move(session, found, State.SCORING, actor=worker, reason="taken over from another worker" if again else "")
        return ScoringTask(
            submission_id=found.id,
            attempt=attempt,
            kind=found.kind,
            benchmark=found.benchmark or "",
            details=dict(found.details),
            sample_seed=found.sample_seed,
            files={file.role: file.sha256 for file in found.files if not file.role.startswith("scored-")},
        )


def finish_scoring(engine: Engine, store: ObjectStore, task: ScoringTask, outcome: Outcome, worker: str) -> bool:
    """Write the submission's one run and publish it; False where somebody was faster or it was withdrawn meanwhile."""
    files = {SCORED_VERDICTS: outcome.verdicts, SCORED_RECORD: outcome.record_path}
    hashes = {role: file_sha256(path) for role, path in files.items()}
    with writing(engine) as session:
        found = _mine(session, task)
        if found is None or session.scalar(select(Run.id).where(Run.submission_id == found.id)):
            logger.info("submission %s ended elsewhere; this result is dropped", task.submission_id)
            return False
        for role in sorted(files, key=lambda role: hashes[role]):
            _keep(session, store, found.id, role, files[role], hashes[role])
        session.add(_run(found, outcome, worker))
        move(session, found, State.SCORED, actor=worker)
        if not found.private:
            session.flush()
            _name_model(session, found)
            move(session, found, State.PUBLISHED, actor=worker)
            bump_version(session)
        return True


def give_up(engine: Engine, task: ScoringTask, worker: str, *, state: State, reason: str) -> None:
    """End a submission without a run: rejected for what was handed in, failed for what went wrong here."""
    with writing(engine) as session:
        found = _mine(session, task)
        if found is not None:
            move(session, found, state, actor=worker, reason=reason)


def _mine(session: Session, task: ScoringTask) -> Submission | None:
    found = lock_submission(session, task.submission_id)
    if found is None or found.attempt != task.attempt or found.state is not State.SCORING:
        return None
    return found


def _ends_workers(session: Session, found: Submission) -> bool:
    """Whether this attempt was taken up too often: steps into scoring since it was last queued."""
    queued = select(func.max(Transition.number)).where(
        Transition.submission_id == found.id, Transition.after == State.QUEUED
    )
    taken = select(func.count(), func.min(Transition.at)).where(
        Transition.submission_id == found.id,
        Transition.after == State.SCORING,
        Transition.number > queued.scalar_subquery(),
    )
    times, first = session.execute(taken).one()
    return times > MAX_TAKEOVERS and utc_now() - first >= GIVE_UP_AFTER


def _name_model(session: Session, found: Submission) -> None:
    """The first public row decides how its model is written: a private one must not be readable in another's."""
    published = select(func.count()).select_from(Submission)
    public = published.where(Submission.model_id == found.model_id, Submission.state == State.PUBLISHED)
    reported = select(func.count()).select_from(ReportedRow).where(ReportedRow.model_id == found.model_id)
    if found.model is not None and not session.scalar(public) and not session.scalar(reported):
        found.model.name = found.details.get("model_name", found.model.name)


def _keep(session: Session, store: ObjectStore, submission_id: str, role: str, path: Path, sha256: str) -> None:
    lock_object(session, sha256, path.stat().st_size)
    store.put(path, sha256)
    session.add(SubmissionFile(submission_id=submission_id, sha256=sha256, role=role, name=role))


def _run(found: Submission, outcome: Outcome, worker: str) -> Run:
    report = dict(outcome.report)
    if found.model_id is None:
        raise ValueError(f"submission {found.id} has no model")
    return Run(
        id=uuid.uuid4().hex,
        submission_id=found.id,
        model_id=found.model_id,
        status=outcome.status,
        reason=outcome.check.reason if outcome.check else "",
        judge=judge_name(report),
        comparable=bool(report["judge"].get("comparable")),
        prompts=str(report["prompts"].get("name") or "none")[:120],
        benchmark=(found.benchmark or "")[:120],
        benchmark_revision=(report["benchmark"].get("revision") or None),
        rank_group=rank_group(report),
        report=report,
        verification=outcome.check.to_json() if outcome.check else {},
        worker=worker,
        results=section_results(report),
    )
