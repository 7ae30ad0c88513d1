"""A submission read for showing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from leaderboard.board_rows import Cell
from leaderboard.db.models import FINAL_STATES, Run, State, Submission, Transition
from leaderboard.results import AVERAGE, HEADLINE
from leaderboard.views import SubmissionView, TransitionView
from vdc.sections import SECTIONS


def report_cells(report: Mapping[str, Any], protocol: str = HEADLINE) -> dict[str, Cell]:
    """A run's numbers by section, and their average, as its report has them.

    Args:
        report: The content of ``report.json``.
        protocol: A protocol of ``scoring.protocols``.
    """
    found = report["protocols"][protocol]
    plain = {section: found["sections"][section] for section in SECTIONS if section in found["sections"]}
    return {name: _report_cell(cell) for name, cell in (plain | {AVERAGE: found["average"]}).items()}


def _report_cell(cell: Mapping[str, Any]) -> Cell:
    accuracy, score = cell.get("accuracy_ci95"), cell.get("score_ci95")
    return Cell(
        cell.get("accuracy"),
        cell.get("score"),
        (accuracy[0], accuracy[1]) if accuracy else None,
        (score[0], score[1]) if score else None,
    )


def submission_view(session: Session, found: Submission, *, whole: bool) -> SubmissionView:
    """The submission as records.

    Args:
        session: Open.
        found: The row.
        whole: With its transitions.
    """
    run = session.scalar(select(Run).where(Run.submission_id == found.id))
    steps: tuple[TransitionView, ...] = ()
    if whole:
        query = select(Transition).where(Transition.submission_id == found.id).order_by(Transition.number)
        steps = tuple(
            TransitionView(row.before, row.after, row.at, row.actor, row.reason) for row in session.scalars(query)
        )
    return SubmissionView(
        id=found.id,
        kind=found.kind,
        state=found.state,
        final=found.state in FINAL_STATES,
        reason=found.reason if found.state in (State.REJECTED, State.FAILED) else "",
        position=queue_position(session, found),
        model=found.details.get("model_name", found.model.name) if found.model is not None else None,
        benchmark=found.benchmark,
        private=found.private,
        run_id=run.id if run is not None else None,
        row=run.status.value if run is not None else None,
        row_reason=run.reason if run is not None else "",
        created_at=found.created_at,
        updated_at=found.updated_at,
        transitions=steps,
    )


def queue_position(session: Session, found: Submission) -> int | None:
    """Place in the queue from 1; None outside it."""
    if found.state is not State.QUEUED or found.queued_at is None:
        return None
    earlier = or_(
        Submission.queued_at < found.queued_at,
        (Submission.queued_at == found.queued_at) & (Submission.id < found.id),
    )
    query = select(func.count()).select_from(Submission).where(Submission.state == State.QUEUED, earlier)
    return (session.scalar(query) or 0) + 1
