"""What the board shows: models, rows that others reported, and the numbers of both kinds of row."""

from __future__ import annotations

from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from leaderboard.db.base import Address, Base, CreatedAt, IntId, Name, Word


class Model(Base):
    """A captioner."""

    __tablename__ = "model"

    id: Mapped[IntId]
    name: Mapped[Name] = mapped_column(unique=True)
    # The name in addresses and for recognising it again: lower case letters and digits.
    slug: Mapped[Name] = mapped_column(unique=True)
    created_at: Mapped[CreatedAt]


class ReportedRow(Base):
    """Numbers that somebody published and nobody here has measured."""

    __tablename__ = "reported_row"
    __table_args__ = (UniqueConstraint("source", "published_name", "setting"),)

    id: Mapped[IntId]
    model_id: Mapped[int] = mapped_column(ForeignKey("model.id"), index=True)
    published_name: Mapped[Name]
    source: Mapped[Word]
    # board, table, paper, rerun or figure.
    source_kind: Mapped[str] = mapped_column(String(20))
    source_name: Mapped[Name]
    source_url: Mapped[Address | None]
    source_date: Mapped[str | None] = mapped_column(String(10))
    # As the source says; "Llama-3.1-8B" there is not a revision.
    judge: Mapped[Name]
    # Tells apart rows of one model in one source, for example two token budgets; empty for the usual one.
    setting: Mapped[Word] = mapped_column(default="")
    frames: Mapped[int | None]
    tokens_per_frame: Mapped[int | None]
    visual_tokens: Mapped[int | None]
    note: Mapped[str | None] = mapped_column(Text)
    # What the import's audit found: list of {"rule", "text"}.
    flags: Mapped[list[Any]] = mapped_column(default=list)
    # The row as it was printed, so that a reader can check what was made of it.
    printed: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[CreatedAt]
    model: Mapped[Model] = relationship()


class SectionResult(Base):
    """One row's numbers for one section, or for the average, under one protocol."""

    __tablename__ = "section_result"
    __table_args__ = (
        CheckConstraint("(run_id is null) <> (reported_row_id is null)", name="one_owner"),
        CheckConstraint("accuracy between 0 and 1", name="accuracy"),
        CheckConstraint("score between 0 and 5", name="score"),
        UniqueConstraint("run_id", "protocol", "section"),
        UniqueConstraint("reported_row_id", "protocol", "section"),
        Index(None, "protocol", "section"),
    )

    id: Mapped[IntId]
    run_id: Mapped[str | None] = mapped_column(ForeignKey("run.id", ondelete="CASCADE"))
    reported_row_id: Mapped[int | None] = mapped_column(ForeignKey("reported_row.id", ondelete="CASCADE"))
    protocol: Mapped[str] = mapped_column(String(20))
    # A section, or "average".
    section: Mapped[str] = mapped_column(String(20))
    accuracy: Mapped[float | None]
    score: Mapped[float | None]
    accuracy_low: Mapped[float | None]
    accuracy_high: Mapped[float | None]
    score_low: Mapped[float | None]
    score_high: Mapped[float | None]
    videos: Mapped[int | None]
    questions: Mapped[int | None]
    unparsed: Mapped[int | None]
    missing: Mapped[int | None]


class BoardVersion(Base):
    """One row with a counter: readers keep what they made of the board until it moves."""

    __tablename__ = "board_version"
    __table_args__ = (CheckConstraint("id = 1", name="single"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    version: Mapped[int]
