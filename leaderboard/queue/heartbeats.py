"""Signs of life, and taking over the jobs of a worker that gives none."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta

from sqlalchemy import Engine, func, select, update

from leaderboard.db.base import utc_now
from leaderboard.db.models import Worker
from leaderboard.db.session import reading, writing

logger = logging.getLogger(__name__)


def register(engine: Engine, executor_id: str) -> None:
    """Write down that a worker has started."""
    with writing(engine) as session:
        session.add(Worker(executor_id=executor_id, heartbeat_at=utc_now()))


def beat(engine: Engine, executor_id: str) -> bool:
    """Give a sign of life; False where another worker has taken this one for dead."""
    now = utc_now()
    with writing(engine) as session:
        row = session.get_one(Worker, executor_id, with_for_update=True)
        if row.ended_at is not None:
            return False
        row.heartbeat_at = now
        return True


def count_job(engine: Engine, executor_id: str) -> None:
    """Count a finished job."""
    query = update(Worker).where(Worker.executor_id == executor_id).values(jobs_done=Worker.jobs_done + 1)
    with writing(engine) as session:
        session.execute(query)


def end(engine: Engine, executor_id: str) -> None:
    """Write down that a worker has stopped in order."""
    with writing(engine) as session:
        session.get_one(Worker, executor_id, with_for_update=True).ended_at = utc_now()


def take_over_stale(engine: Engine, stale_s: float, resume: Callable[[str], list[str]]) -> int:
    """Put the jobs of workers that have been silent for too long back into the queue.

    The worker's row stays locked meanwhile, so no two workers take the same one over; it is marked only after its
    jobs are back, so a worker that dies in between leaves the work to the next.

    Args:
        engine: The board's database.
        stale_s: Silence that counts as death, seconds.
        resume: Puts back the jobs of one worker and returns their names; any number of times.

    Returns:
        How many workers were found dead.
    """
    before = utc_now() - timedelta(seconds=stale_s)
    stale = select(Worker).where(Worker.ended_at.is_(None), Worker.heartbeat_at < before)
    with reading(engine) as session:
        if session.scalar(select(func.count()).select_from(stale.subquery())) == 0:
            return 0
    found = 0
    with writing(engine) as session:
        for row in session.scalars(stale.with_for_update(skip_locked=True)):
            jobs = resume(row.executor_id)
            row.ended_at = utc_now()
            found += 1
            logger.warning("worker %s is silent; %d jobs are back in the queue", row.executor_id, len(jobs))
    return found


def live_workers(engine: Engine, stale_s: float) -> int:
    """Workers that gave a sign of life lately."""
    after = utc_now() - timedelta(seconds=stale_s)
    query = select(func.count()).select_from(Worker).where(Worker.ended_at.is_(None), Worker.heartbeat_at >= after)
    with reading(engine) as session:
        return session.scalar(query) or 0
