"""What the board, its pages and its API read: functions over a session that return plain records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from leaderboard.db.models import Model, ReportedRow, Run, State, Submission, SubmissionFile
from leaderboard.db.row_queries import board_rows
from leaderboard.db.upsert import board_version
from leaderboard.scoring_steps import SCORED_VERDICTS

__all__ = [
    "ModelInfo",
    "RunInfo",
    "board_rows",
    "board_version",
    "find_model",
    "find_run",
    "list_models",
    "run_file",
    "run_files",
    "state_counts",
]


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """A captioner with how many rows it has."""

    name: str
    slug: str
    verified: int
    reported: int


@dataclass(frozen=True, slots=True)
class RunInfo:
    """A run of this board.

    Args:
        id: The run.
        submission_id: Its submission.
        model: Name of the captioner.
        model_slug: Its address.
        status: ``verified`` or ``reported``.
        reason: Why only reported.
        private: Whether only its token may see it.
        token_id: The token it belongs to.
        judge, prompts, benchmark: As in :class:`leaderboard.board_rows.BoardRow`.
        report: The content of ``report.json``.
        verification: How a submitted run was checked.
        details: What the submitter said.
    """

    id: str
    submission_id: str
    model: str
    model_slug: str
    status: str
    reason: str
    private: bool
    token_id: str
    judge: str
    prompts: str
    benchmark: str
    report: dict[str, Any]
    verification: dict[str, Any]
    details: dict[str, Any]


def list_models(session: Session) -> list[ModelInfo]:
    """Captioners with a row that everybody may see, by name."""
    public = (
        select(Run.model_id, func.count().label("count"))
        .join(Submission, Submission.id == Run.submission_id)
        .where(Submission.state == State.PUBLISHED)
        .group_by(Run.model_id)
        .subquery()
    )
    reported = select(ReportedRow.model_id, func.count().label("count")).group_by(ReportedRow.model_id).subquery()
    query = (
        select(Model.name, Model.slug, func.coalesce(public.c.count, 0), func.coalesce(reported.c.count, 0))
        .outerjoin(public, public.c.model_id == Model.id)
        .outerjoin(reported, reported.c.model_id == Model.id)
        .where(public.c.count.is_not(None) | reported.c.count.is_not(None))
        .order_by(func.lower(Model.name), Model.id)
    )
    return [ModelInfo(*row) for row in session.execute(query)]


def find_model(session: Session, slug: str) -> Model | None:
    """The captioner with this address."""
    return session.scalar(select(Model).where(Model.slug == slug))


def find_run(session: Session, run_id: str) -> RunInfo | None:
    """A run, whoever may see it: the caller checks ``private`` and ``token_id``."""
    query = (
        select(Run, Model, Submission)
        .join(Model, Model.id == Run.model_id)
        .join(Submission, Submission.id == Run.submission_id)
        .where(Run.id == run_id)
    )
    found = session.execute(query).one_or_none()
    if found is None:
        return None
    run, model, submission = found
    return RunInfo(
        id=run.id,
        submission_id=submission.id,
        model=model.name,
        model_slug=model.slug,
        status=run.status.value,
        reason=run.reason,
        private=submission.private or submission.state is not State.PUBLISHED,
        token_id=submission.token_id,
        judge=run.judge,
        prompts=run.prompts,
        benchmark=run.benchmark,
        report=run.report,
        verification=run.verification,
        details=submission.details,
    )


def run_file(session: Session, run_id: str, role: str = SCORED_VERDICTS) -> str | None:
    """SHA-256 of a file of a run's submission; None where there is none."""
    query = (
        select(SubmissionFile.sha256)
        .join(Run, Run.submission_id == SubmissionFile.submission_id)
        .where(Run.id == run_id, SubmissionFile.role == role)
    )
    return session.scalar(query)


def run_files(session: Session, run_id: str) -> dict[str, str]:
    """Role -> SHA-256 of every file of a run's submission; empty where there is no such run."""
    query = (
        select(SubmissionFile.role, SubmissionFile.sha256)
        .join(Run, Run.submission_id == SubmissionFile.submission_id)
        .where(Run.id == run_id)
    )
    return {role: sha256 for role, sha256 in session.execute(query)}  # noqa: C416  (rows are no pairs to mypy)


def state_counts(session: Session) -> dict[State, int]:
    """Submissions by state; every state is there."""
    rows = session.execute(select(Submission.state, func.count()).group_by(Submission.state))
    counts = dict.fromkeys(State, 0)
    for state, count in rows:
        counts[state] = count
    return counts
