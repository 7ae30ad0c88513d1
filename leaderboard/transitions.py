"""The one function that changes a submission's state, and the table of what may follow what."""

from __future__ import annotations

import logging
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from leaderboard.db.base import utc_now
from leaderboard.db.models import State, Submission, Transition

logger = logging.getLogger(__name__)

MAX_REASON: Final = 8000

ALLOWED: Final[dict[State | None, frozenset[State]]] = {
    None: frozenset({State.RECEIVED}),
    State.RECEIVED: frozenset({State.VALIDATED, State.REJECTED, State.FAILED, State.WITHDRAWN}),
    State.VALIDATED: frozenset({State.QUEUED, State.WITHDRAWN}),
    # Scoring again is a job that was taken over from a dead worker.
    State.QUEUED: frozenset({State.SCORING, State.FAILED, State.WITHDRAWN}),
    State.SCORING: frozenset({State.SCORING, State.SCORED, State.REJECTED, State.FAILED, State.WITHDRAWN}),
    State.SCORED: frozenset({State.PUBLISHED, State.WITHDRAWN}),
    State.PUBLISHED: frozenset({State.WITHDRAWN}),
    State.REJECTED: frozenset({State.WITHDRAWN}),
    # A failure is the board's: the same submission may be tried again.
    State.FAILED: frozenset({State.RECEIVED, State.WITHDRAWN}),
    State.WITHDRAWN: frozenset(),
}


def lock_submission(session: Session, submission_id: str) -> Submission | None:
    """The submission, locked until the end of the transaction.

    Rows that only refer to it can still be inserted: a full lock would wait for them, and they for it.
    """
    return session.scalar(
        select(Submission)
        .where(Submission.id == submission_id)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )


def move(session: Session, submission: Submission, after: State, *, actor: str, reason: str = "") -> None:
    """Change the state of a locked (or new) submission and record it in the same transaction.

    Raises:
        ValueError: The change is not in ``ALLOWED``; nothing was changed.
    """
    number = session.scalar(
        select(func.coalesce(func.max(Transition.number), 0)).where(Transition.submission_id == submission.id)
    )
    before = submission.state if number else None
    if after not in ALLOWED[before]:
        raise ValueError(f"submission {submission.id} cannot become {after} from {before}")
    now = utc_now()
    # Reasons quote files: what a database or a page cannot take is made visible.
    text = "".join(letter if letter.isprintable() or letter == "\n" else "?" for letter in reason)
    text = text if len(text) <= MAX_REASON else text[: MAX_REASON - 4] + " ..."
    submission.state = after
    submission.reason = text
    submission.updated_at = now
    if after is State.QUEUED:
        submission.queued_at = now
    session.add(
        Transition(
            submission_id=submission.id,
            number=(number or 0) + 1,
            before=before,
            after=after,
            reason=text,
            actor=actor,
            at=now,
        )
    )
    logger.info("submission %s: %s -> %s by %s", submission.id, before, after, actor)
