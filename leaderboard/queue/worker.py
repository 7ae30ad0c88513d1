"""The worker process: takes jobs from the queue, shows that it lives, takes over from those that do not."""

from __future__ import annotations

import logging
import threading
import time
import uuid
from typing import Final

from sqlalchemy.exc import DBAPIError

from leaderboard.queue import heartbeats
from leaderboard.queue.dbos_queue import APPLICATION, APPLICATION_VERSION, QUEUE, WORKFLOW, DbosQueue
from leaderboard.queue.job import run_job
from leaderboard.services import Services
from vdc.errors import RunFailed

logger = logging.getLogger(__name__)

SWEEP_S: Final = 10.0
FINISH_S: Final = 20
"""How long a worker that is asked to stop lets the job in hand run on."""


class TakenForDead(RunFailed):
    """Another worker has taken this one for dead: its jobs are no longer its own."""


def run_worker(services: Services, stop: threading.Event) -> None:
    """Work until told to stop.

    A process may call this once: the queue library keeps one set of workflows per process.

    Args:
        services: The open board, with the real queue.
        stop: Set it to end in order: the job in hand may finish, else it goes back into the queue.

    Raises:
        TakenForDead: Another worker has taken this one for dead, for example after the machine slept, or while the
            database was away.
    """
    from dbos import DBOS, DBOSPortableJSONSerializer

    queue = services.queue
    if not isinstance(queue, DbosQueue):
        raise TypeError("a worker needs the real queue")
    settings = services.settings
    name = f"worker-{uuid.uuid4().hex[:12]}"

    @DBOS.step(name="score")
    def score(submission_id: str, attempt: int) -> str:
        ended = run_job(services, submission_id, attempt, name)
        heartbeats.count_job(services.engine, name)
        return ended

    @DBOS.workflow(name=WORKFLOW)
    def score_submission(submission_id: str, attempt: int) -> str:
        return score(submission_id, attempt)

    del score_submission  # known to the queue by its name
    heartbeats.register(services.engine, name)
    DBOS(
        config={
            "name": APPLICATION,
            "system_database_url": settings.queue_url,
            "application_version": APPLICATION_VERSION,
            "executor_id": name,
            "serializer": DBOSPortableJSONSerializer(),
            "log_level": "WARNING",
        }
    )
    DBOS.launch()
    DBOS.register_queue(
        QUEUE,
        worker_concurrency=settings.concurrency,
        polling_interval_sec=settings.poll_s,
        on_conflict="always_update",
    )
    logger.info("%s is ready", name)
    alive = True
    try:
        alive = _watch(services, queue, name, stop)
    finally:
        DBOS.destroy(workflow_completion_timeout_sec=FINISH_S)
        if alive:
            back = queue.resume_jobs_of(name)
            heartbeats.end(services.engine, name)
            logger.info("%s has stopped; %d jobs are back in the queue", name, len(back))
    if not alive:
        raise TakenForDead(
            f"found {name} taken for dead by another worker; expected a sign of life every {settings.heartbeat_s:g} s; "
            "do next: start it again; raise VDC_LEADERBOARD_STALE_S if it happens often"
        )


def _watch(services: Services, queue: DbosQueue, name: str, stop: threading.Event) -> bool:
    """Heartbeats, take-overs and sweeps until told to stop; False where this worker was taken for dead."""
    settings = services.settings
    next_sweep = time.monotonic()
    while not stop.wait(settings.heartbeat_s):
        try:
            if not heartbeats.beat(services.engine, name):
                return False
            heartbeats.take_over_stale(services.engine, settings.stale_s, queue.resume_jobs_of)
            if time.monotonic() >= next_sweep:
                services.submissions.sweep(older_than_s=settings.stale_s)
                next_sweep = time.monotonic() + SWEEP_S
        except DBAPIError as error:
            # The database may be away for a moment; a worker that stayed silent too long hears so from beat().
            logger.warning("%s cannot reach the database (%s)", name, type(error.orig).__name__)
    return True
