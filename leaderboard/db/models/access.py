"""Who may do what: tokens; and what people preferred: votes."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from leaderboard.db.base import Base, CreatedAt, Id, IntId, Name, Sha256


class Token(Base):
    """A key to submit with. The secret itself is nowhere: only its hash."""

    __tablename__ = "token"

    # Public part of the key: finds the row, proves nothing.
    id: Mapped[Id]
    name: Mapped[Name]
    secret_hash: Mapped[Sha256]
    is_admin: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[CreatedAt]
    revoked_at: Mapped[datetime | None]


class Vote(Base):
    """One blind choice between two captions of one video and section."""

    __tablename__ = "vote"
    __table_args__ = (
        CheckConstraint("choice in ('first', 'second', 'tie')", name="choice"),
        CheckConstraint("first_run_id < second_run_id", name="order"),
        UniqueConstraint("voter", "video_id", "section", "first_run_id", "second_run_id"),
        Index(None, "first_run_id"),
        Index(None, "second_run_id"),
    )

    id: Mapped[IntId]
    # Anonymous and stable for one browser or token, so that nobody votes twice on one pair.
    voter: Mapped[Sha256]
    video_id: Mapped[str] = mapped_column(String(200))
    section: Mapped[str] = mapped_column(String(20))
    first_run_id: Mapped[str] = mapped_column(ForeignKey("run.id", ondelete="CASCADE"))
    second_run_id: Mapped[str] = mapped_column(ForeignKey("run.id", ondelete="CASCADE"))
    choice: Mapped[str] = mapped_column(String(10))
    created_at: Mapped[CreatedAt]
