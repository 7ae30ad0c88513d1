"""Workers and their signs of life."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from leaderboard.db.base import Base, CreatedAt


class Worker(Base):
    """A worker process. Silent for too long, it counts as dead and another takes its jobs over."""

    __tablename__ = "worker"

    # The queue's name for the process; never used twice.
    executor_id: Mapped[str] = mapped_column(String(120), primary_key=True)
    started_at: Mapped[CreatedAt]
    heartbeat_at: Mapped[datetime] = mapped_column(index=True)
    # Set when it ended in order, or when another took its jobs over.
    ended_at: Mapped[datetime | None]
    jobs_done: Mapped[int] = mapped_column(default=0)
