"""A submission's life, its files, and the run it ends in."""

from __future__ import annotations

import enum
from datetime import datetime
from typing import Any, Final

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from leaderboard.db.base import Base, CreatedAt, Id, IntId, Name, Sha256, by_value
from leaderboard.db.models.board import Model, SectionResult


class SubmissionKind(enum.StrEnum):
    """What was handed in."""

    PREDICTIONS = "predictions"
    RUN = "run"


class State(enum.StrEnum):
    """Where a submission stands."""

    RECEIVED = "received"  # files are stored, nothing is known about them
    VALIDATED = "validated"  # the files can be read and belong to a benchmark of this board
    QUEUED = "queued"  # waits for a worker
    SCORING = "scoring"  # a worker is at it
    SCORED = "scored"  # numbers exist; a private submission stays here
    PUBLISHED = "published"  # stands on the board
    REJECTED = "rejected"  # something is wrong with what was handed in
    FAILED = "failed"  # something went wrong here; can be tried again
    WITHDRAWN = "withdrawn"  # files and numbers are deleted, only this fact is kept


OPEN_STATES: Final = frozenset({State.RECEIVED, State.VALIDATED, State.QUEUED, State.SCORING})
FINAL_STATES: Final = frozenset(State) - OPEN_STATES


class RunStatus(enum.StrEnum):
    """Whether the board stands behind a run's numbers."""

    VERIFIED = "verified"
    REPORTED = "reported"


class Submission(Base):
    """Something a token handed in."""

    __tablename__ = "submission"
    __table_args__ = (
        Index(None, "token_id", "created_at"),
        Index(None, "state", "queued_at"),
        CheckConstraint("attempt >= 1", name="attempt"),
    )

    id: Mapped[Id]
    token_id: Mapped[str] = mapped_column(ForeignKey("token.id"))
    # Hash over token, files and options: handing in the same again finds this row. Null once withdrawn.
    content_key: Mapped[Sha256 | None] = mapped_column(unique=True)
    kind: Mapped[SubmissionKind] = mapped_column(by_value(SubmissionKind))
    state: Mapped[State] = mapped_column(by_value(State))
    reason: Mapped[str] = mapped_column(Text, default="")
    model_id: Mapped[int | None] = mapped_column(ForeignKey("model.id"), index=True)
    private: Mapped[bool] = mapped_column(default=False)
    benchmark: Mapped[str | None] = mapped_column(String(120))
    # model_url, note, frames, tokens_per_frame, section: what the submitter said.
    details: Mapped[dict[str, Any]] = mapped_column(default=dict)
    # Counts the tries; part of the job's name in the queue.
    attempt: Mapped[int] = mapped_column(default=1)
    # Drawn once, so that a job that is taken over judges the same sample again.
    sample_seed: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[CreatedAt]
    queued_at: Mapped[datetime | None]
    model: Mapped[Model | None] = relationship()
    files: Mapped[list[SubmissionFile]] = relationship(cascade="all, delete-orphan")
    run: Mapped[Run | None] = relationship(back_populates="submission", cascade="all, delete-orphan")


class Transition(Base):
    """One step of a submission: what it was, what it became, when, and why."""

    __tablename__ = "transition"
    __table_args__ = (UniqueConstraint("submission_id", "number"),)

    id: Mapped[IntId]
    submission_id: Mapped[str] = mapped_column(ForeignKey("submission.id"))
    number: Mapped[int]
    before: Mapped[State | None] = mapped_column(by_value(State, "before"))
    after: Mapped[State] = mapped_column(by_value(State, "after"))
    reason: Mapped[str] = mapped_column(Text, default="")
    # "submitter", "board" or a worker's name.
    actor: Mapped[Name]
    at: Mapped[CreatedAt]


class StoredObject(Base):
    """A file in the object store. The row is the lock under which the file is written and deleted."""

    __tablename__ = "stored_object"

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    bytes: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[CreatedAt]


class SubmissionFile(Base):
    """What an object is to a submission."""

    __tablename__ = "submission_file"
    __table_args__ = (UniqueConstraint("submission_id", "role"),)

    id: Mapped[IntId]
    submission_id: Mapped[str] = mapped_column(ForeignKey("submission.id", ondelete="CASCADE"))
    sha256: Mapped[str] = mapped_column(ForeignKey("stored_object.sha256"), index=True)
    # predictions, run.json, verdicts.parquet as handed in; scored-... as made here.
    role: Mapped[str] = mapped_column(String(40))
    name: Mapped[str] = mapped_column(String(200))


class Run(Base):
    """The numbers of a submission: exactly one per submission, written once."""

    __tablename__ = "run"

    id: Mapped[Id]
    submission_id: Mapped[str] = mapped_column(ForeignKey("submission.id"), unique=True)
    model_id: Mapped[int] = mapped_column(ForeignKey("model.id"), index=True)
    status: Mapped[RunStatus] = mapped_column(by_value(RunStatus))
    # Why a submitted run is only reported; empty for a verified one.
    reason: Mapped[str] = mapped_column(Text, default="")
    judge: Mapped[Name]
    comparable: Mapped[bool]
    prompts: Mapped[Name]
    benchmark: Mapped[Name]
    benchmark_revision: Mapped[str | None] = mapped_column(String(120))
    # Judge, prompts and benchmark with their revisions and hashes: only rows with the same one share a rank.
    rank_group: Mapped[Sha256] = mapped_column(index=True)
    report: Mapped[dict[str, Any]]
    verification: Mapped[dict[str, Any]] = mapped_column(default=dict)
    worker: Mapped[Name]
    created_at: Mapped[CreatedAt]
    submission: Mapped[Submission] = relationship(back_populates="run")
    model: Mapped[Model] = relationship()
    results: Mapped[list[SectionResult]] = relationship(cascade="all, delete-orphan")
