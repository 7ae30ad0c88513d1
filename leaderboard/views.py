"""What the service and the queries hand out: plain records, the same for API, command line and pages."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from leaderboard.db.models import State, SubmissionKind


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """A file that was received and lies in a temporary place.

    Args:
        role: ``predictions``, ``run.json`` or ``verdicts.parquet``.
        path: Where it lies; the name is this machine's, never the user's.
        name: What the user called it, for display.
        sha256: Of its bytes.
        bytes: Its size.
    """

    role: str
    path: Path
    name: str
    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True)
class NewSubmission:
    """What somebody wants to submit.

    Args:
        model_name: The captioner.
        kind: Predictions or a run.
        files: Its files.
        benchmark: The board's name of one; None recognises it by the videos.
        section: Section of a predictions file whose rows do not name theirs.
        private: Scored, but not shown on the board.
        frames: Frames per video that the captioner sees.
        tokens_per_frame: Visual tokens per frame.
        model_url: Web address.
        note: Free text.
    """

    model_name: str
    kind: SubmissionKind
    files: tuple[UploadedFile, ...]
    benchmark: str | None = None
    section: str | None = None
    private: bool = False
    frames: int | None = None
    tokens_per_frame: int | None = None
    model_url: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class TransitionView:
    """One recorded step."""

    before: State | None
    after: State
    at: datetime
    actor: str
    reason: str


@dataclass(frozen=True, slots=True)
class SubmissionView:
    """A submission as its submitter sees it.

    Args:
        id: Its id.
        kind: Predictions or a run.
        state: Where it stands.
        final: Whether it stays there.
        reason: Why it was rejected or failed; empty otherwise.
        position: Place in the queue from 1; None outside it.
        model: The captioner's name; None once withdrawn.
        benchmark: The board's name of the benchmark, once known.
        private: Whether only its token sees it.
        run_id: Its run on this board, once scored.
        row: ``verified`` or ``reported``, once scored.
        row_reason: Why only reported.
        created_at: When it was received.
        updated_at: When its state last changed.
        transitions: Everything that happened, oldest first.
    """

    id: str
    kind: SubmissionKind
    state: State
    final: bool
    reason: str
    position: int | None
    model: str | None
    benchmark: str | None
    private: bool
    run_id: str | None
    row: str | None
    row_reason: str
    created_at: datetime
    updated_at: datetime
    transitions: tuple[TransitionView, ...] = ()


@dataclass(frozen=True, slots=True)
class ScoringTask:
    """What a worker needs to score one attempt."""

    submission_id: str
    attempt: int
    kind: SubmissionKind
    benchmark: str
    details: dict[str, Any]
    sample_seed: int
    files: dict[str, str] = field(default_factory=dict)
    """Role -> SHA-256."""
