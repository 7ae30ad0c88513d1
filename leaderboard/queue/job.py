"""One job from start to end; whatever happens, the submission ends in a state that says so."""

from __future__ import annotations

import logging
import time
from pathlib import Path

from leaderboard.db.models import State
from leaderboard.scoring_job import score_files
from leaderboard.scoring_steps import begin_scoring, finish_scoring, give_up
from leaderboard.services import Services
from leaderboard.views import ScoringTask
from vdc.errors import InputError, VdcError

logger = logging.getLogger(__name__)


def run_job(services: Services, submission_id: str, attempt: int, worker: str) -> str:
    """Score one attempt at a submission.

    Returns:
        How it ended, for the queue's record: ``scored``, ``rejected``, ``failed`` or ``nothing to do``.
    """
    started = time.monotonic()
    task = begin_scoring(services.engine, submission_id, attempt, worker)
    if task is None:
        return "nothing to do"
    ended = _run(services, task, worker)
    if ended != State.FAILED:
        # Failed, it may be sent again, and then asks only what is still open.
        services.submissions.replies.forget(submission_id)
    if ended == State.SCORED:
        logger.info("submission %s scored in %.1f s", submission_id, time.monotonic() - started)
    return ended


def _run(services: Services, task: ScoringTask, worker: str) -> str:
    submission_id = task.submission_id
    try:
        with services.submissions.replies.scratch(submission_id) as scratch:
            try:
                if not _score(services, task, scratch, worker):
                    return "nothing to do"
            except InputError as error:
                return _end(services, task, worker, State.REJECTED, str(error).replace(f"{scratch}/", ""))
    except VdcError as error:
        # What a judge server says of itself is for the board's people, not for the submitter.
        logger.warning("submission %s failed: %s", submission_id, error)
        reason = "the board could not judge it now; submit the same again later to have another try"
        return _end(services, task, worker, State.FAILED, reason)
    except Exception as error:
        logger.exception("submission %s failed", submission_id)
        reason = (
            f"something unexpected happened here ({type(error).__name__}); submit the same again to have another try"
        )
        return _end(services, task, worker, State.FAILED, reason)
    return State.SCORED.value


def _score(services: Services, task: ScoringTask, folder: Path, worker: str) -> bool:
    for role, sha256 in task.files.items():
        services.store.fetch(sha256, folder / role)
    outcome = score_files(
        task.kind,
        folder,
        services.submissions.benchmarks,
        task.benchmark,
        task.details,
        services.settings,
        task.sample_seed,
        services.submissions.replies.store_of(task.submission_id),
    )
    return finish_scoring(services.engine, services.store, task, outcome, worker)


def _end(services: Services, task: ScoringTask, worker: str, state: State, reason: str) -> str:
    give_up(services.engine, task, worker, state=state, reason=reason)
    return str(state)
