"""What the board asks of a job queue; ``DbosQueue`` is the real one, ``HeldQueue`` the one for tests."""

from __future__ import annotations

from typing import Protocol


class JobQueue(Protocol):
    """Durable jobs, one per attempt at a submission."""

    def enqueue(self, submission_id: str, attempt: int) -> None:
        """Ask for a submission to be scored. Asking twice for the same attempt is one job."""
        ...

    def forget(self, submission_id: str, attempt: int) -> None:
        """Drop the job and everything kept about it; no error where there is none."""
        ...

    def state(self, submission_id: str, attempt: int) -> str | None:
        """``waiting``, ``running``, ``ended``, or None where the queue has never heard of the job."""
        ...


def job_id(submission_id: str, attempt: int) -> str:
    """Name of the job, the same whenever the same work is asked for."""
    return f"{submission_id}-{attempt}"


class HeldQueue:
    """A queue that holds jobs until somebody takes them by hand.

    Attributes:
        jobs: (submission id, attempt) in the order they came.
    """

    def __init__(self) -> None:
        self.jobs: list[tuple[str, int]] = []

    def enqueue(self, submission_id: str, attempt: int) -> None:
        """See :class:`JobQueue`."""
        if (submission_id, attempt) not in self.jobs:
            self.jobs.append((submission_id, attempt))

    def forget(self, submission_id: str, attempt: int) -> None:
        """See :class:`JobQueue`."""
        if (submission_id, attempt) in self.jobs:
            self.jobs.remove((submission_id, attempt))

    def state(self, submission_id: str, attempt: int) -> str | None:
        """See :class:`JobQueue`."""
        return "waiting" if (submission_id, attempt) in self.jobs else None
