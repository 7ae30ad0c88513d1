"""The job queue on DBOS: durable in SQLite or PostgreSQL, its tables apart from the board's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from leaderboard.queue.interface import job_id
from vdc.errors import RunFailed

QUEUE: Final = "scoring"
WORKFLOW: Final = "score_submission"
APPLICATION: Final = "vdc-leaderboard"
APPLICATION_VERSION: Final = "1"
"""Fixed: by default it is a hash of the code, and a job enqueued before an upgrade would wait for ever."""

_WAITING: Final = ("ENQUEUED", "DELAYED")
_RUNNING: Final = ("PENDING",)


def prepare_place(queue_url: str) -> None:
    """Make the folder of a SQLite queue."""
    if queue_url.startswith("sqlite:///"):
        Path(queue_url.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)


def create_tables(queue_url: str) -> None:
    """Make or upgrade the queue's own tables; any number of times.

    Raises:
        RunFailed: The database cannot be used.
    """
    from dbos import run_dbos_database_migrations

    prepare_place(queue_url)
    try:
        run_dbos_database_migrations(queue_url)
    except Exception as error:
        raise RunFailed(
            f"found a queue database that cannot be prepared ({type(error).__name__}); expected one that can be "
            "written; do next: check VDC_LEADERBOARD_QUEUE and that the server runs"
        ) from error


class DbosQueue:
    """See ``leaderboard.queue.interface.JobQueue``. Enqueues and looks; runs no job itself.

    Args:
        queue_url: Database of the queue.
    """

    def __init__(self, queue_url: str) -> None:
        from dbos import DBOSClient, DBOSPortableJSONSerializer

        prepare_place(queue_url)
        # Without a serializer named, arguments and results would be pickled into the database.
        self.client: Any = DBOSClient(system_database_url=queue_url, serializer=DBOSPortableJSONSerializer())

    def enqueue(self, submission_id: str, attempt: int) -> None:
        """Ask for a submission to be scored; the job's id makes asking twice one job."""
        options = {
            "queue_name": QUEUE,
            "workflow_name": WORKFLOW,
            "workflow_id": job_id(submission_id, attempt),
            "app_version": APPLICATION_VERSION,
            "application_name": APPLICATION,
        }
        self.client.enqueue(options, submission_id, attempt)

    def forget(self, submission_id: str, attempt: int) -> None:
        """Cancel and delete the job."""
        name = job_id(submission_id, attempt)
        if self.state(submission_id, attempt) is not None:
            self.client.cancel_workflow(name)
            self.client.delete_workflow(name)

    def state(self, submission_id: str, attempt: int) -> str | None:
        """``waiting``, ``running``, ``ended`` or None."""
        found = self.client.list_workflows(
            workflow_ids=[job_id(submission_id, attempt)], load_input=False, load_output=False
        )
        if not found:
            return None
        status = found[0].status
        return "waiting" if status in _WAITING else "running" if status in _RUNNING else "ended"

    def resume_jobs_of(self, executor_id: str) -> list[str]:
        """Put the unfinished jobs of a dead worker back into the queue; returns their names."""
        left = self.client.list_workflows(
            status="PENDING", executor_id=executor_id, load_input=False, load_output=False
        )
        for job in left:
            self.client.resume_workflow(job.workflow_id, queue_name=QUEUE)
        return [str(job.workflow_id) for job in left]

    def close(self) -> None:
        """Give connections back."""
        self.client.destroy()
