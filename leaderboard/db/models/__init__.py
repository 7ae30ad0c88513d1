"""Every table, so that one import knows the whole schema."""

from __future__ import annotations

from leaderboard.db.models.access import Token, Vote
from leaderboard.db.models.board import BoardVersion, Model, ReportedRow, SectionResult
from leaderboard.db.models.submission import (
    FINAL_STATES,
    OPEN_STATES,
    Run,
    RunStatus,
    State,
    StoredObject,
    Submission,
    SubmissionFile,
    SubmissionKind,
    Transition,
)
from leaderboard.db.models.worker import Worker

__all__ = [
    "FINAL_STATES",
    "OPEN_STATES",
    "BoardVersion",
    "Model",
    "ReportedRow",
    "Run",
    "RunStatus",
    "SectionResult",
    "State",
    "StoredObject",
    "Submission",
    "SubmissionFile",
    "SubmissionKind",
    "Token",
    "Transition",
    "Vote",
    "Worker",
]
