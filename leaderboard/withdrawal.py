"""Really deleting a submission."""

from __future__ import annotations

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.orm import Session

from leaderboard.db.models import Model, ReportedRow, Run, SectionResult, Submission, SubmissionFile, Transition, Vote
from leaderboard.db.upsert import lock_object
from leaderboard.object_store import ObjectStore


def erase(session: Session, submission: Submission, store: ObjectStore) -> None:
    """Delete files, run, numbers and votes of a locked submission, and every word that was recorded about it.

    An object that another submission also refers to stays, for that one. If the transaction is undone afterwards, the
    files may be gone already; withdrawing again then finishes the work.
    """
    runs = select(Run.id).where(Run.submission_id == submission.id)
    session.execute(delete(Vote).where(or_(Vote.first_run_id.in_(runs), Vote.second_run_id.in_(runs))))
    session.execute(delete(SectionResult).where(SectionResult.run_id.in_(runs)))
    session.execute(delete(Run).where(Run.submission_id == submission.id))
    hashes = sorted(session.scalars(select(SubmissionFile.sha256).where(SubmissionFile.submission_id == submission.id)))
    session.execute(delete(SubmissionFile).where(SubmissionFile.submission_id == submission.id))
    # Reasons quote what was wrong with a file, so they go with it.
    session.execute(update(Transition).where(Transition.submission_id == submission.id).values(reason=""))
    model_id = submission.model_id
    submission.model_id = None
    submission.content_key = None
    submission.details = {}
    submission.reason = ""
    submission.benchmark = None
    session.flush()
    # Model before files, in the order in which a new submission takes them.
    if model_id is not None:
        _drop_model(session, model_id)
    for sha256 in dict.fromkeys(hashes):
        drop_unused(session, sha256, store)
    session.expire_all()


def drop_unused(session: Session, sha256: str, store: ObjectStore) -> None:
    """Delete an object that no submission refers to."""
    row = lock_object(session, sha256)
    used = select(func.count()).select_from(SubmissionFile).where(SubmissionFile.sha256 == sha256)
    if row is None or session.scalar(used):
        return
    store.delete(sha256)
    session.delete(row)
    session.flush()


def _drop_model(session: Session, model_id: int) -> None:
    session.scalar(select(Model.id).where(Model.id == model_id).with_for_update())
    for table in (Submission, Run, ReportedRow):
        if session.scalar(select(func.count()).select_from(table).where(table.model_id == model_id)):
            return
    session.execute(delete(Model).where(Model.id == model_id))
