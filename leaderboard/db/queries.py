"""What the board, its pages and its API read: functions over a session that return plain records."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, func, select
from sqlalchemy.orm import Session

from leaderboard.board_rows import BoardRow, Cell
from leaderboard.db.models import Model, ReportedRow, Run, SectionResult, State, Submission, SubmissionFile
from leaderboard.db.upsert import board_version
from leaderboard.results import AS_PUBLISHED, AVERAGE, HEADLINE
from leaderboard.scoring_steps import SCORED_VERDICTS

__all__ = [
    "ModelInfo",
    "RunInfo",
    "board_rows",
    "board_version",
    "find_model",
    "find_run",
    "list_models",
    "run_file",
    "state_counts",
]


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """A captioner with how many rows it has."""

    name: str
    slug: str
    verified: int
    reported: int


@dataclass(frozen=True, slots=True)
class RunInfo:
    """A run of this board.

    Args:
        id: The run.
        submission_id: Its submission.
        model: Name of the captioner.
        model_slug: Its address.
        status: ``verified`` or ``reported``.
        reason: Why only reported.
        private: Whether only its token may see it.
        token_id: The token it belongs to.
        judge, prompts, benchmark: As in :class:`leaderboard.board_rows.BoardRow`.
        report: The content of ``report.json``.
        verification: How a submitted run was checked.
        details: What the submitter said.
    """

    id: str
    submission_id: str
    model: str
    model_slug: str
    status: str
    reason: str
    private: bool
    token_id: str
    judge: str
    prompts: str
    benchmark: str
    report: dict[str, Any]
    verification: dict[str, Any]
    details: dict[str, Any]


def board_rows(session: Session, protocol: str = HEADLINE, *, model_id: int | None = None) -> list[BoardRow]:
    """Every row that everybody may see, not ranked: runs under one protocol, published rows as published.

    Args:
        session: Open.
        protocol: A protocol of ``scoring.protocols``.
        model_id: Only this captioner's.
    """
    return [*_run_rows(session, protocol, model_id), *_reported_rows(session, model_id)]


def list_models(session: Session) -> list[ModelInfo]:
    """Captioners with a row that everybody may see, by name."""
    public = (
        select(Run.model_id, func.count().label("count"))
        .join(Submission, Submission.id == Run.submission_id)
        .where(Submission.state == State.PUBLISHED)
        .group_by(Run.model_id)
        .subquery()
    )
    reported = select(ReportedRow.model_id, func.count().label("count")).group_by(ReportedRow.model_id).subquery()
    query = (
        select(Model.name, Model.slug, func.coalesce(public.c.count, 0), func.coalesce(reported.c.count, 0))
        .outerjoin(public, public.c.model_id == Model.id)
        .outerjoin(reported, reported.c.model_id == Model.id)
        .where(public.c.count.is_not(None) | reported.c.count.is_not(None))
        .order_by(func.lower(Model.name), Model.id)
    )
    return [ModelInfo(*row) for row in session.execute(query)]


def find_model(session: Session, slug: str) -> Model | None:
    """The captioner with this address."""
    return session.scalar(select(Model).where(Model.slug == slug))


def find_run(session: Session, run_id: str) -> RunInfo | None:
    """A run, whoever may see it: the caller checks ``private`` and ``token_id``."""
    query = (
        select(Run, Model, Submission)
        .join(Model, Model.id == Run.model_id)
        .join(Submission, Submission.id == Run.submission_id)
        .where(Run.id == run_id)
    )
    found = session.execute(query).one_or_none()
    if found is None:
        return None
    run, model, submission = found
    return RunInfo(
        id=run.id,
        submission_id=submission.id,
        model=model.name,
        model_slug=model.slug,
        status=run.status.value,
        reason=run.reason,
        private=submission.private or submission.state is not State.PUBLISHED,
        token_id=submission.token_id,
        judge=run.judge,
        prompts=run.prompts,
        benchmark=run.benchmark,
        report=run.report,
        verification=run.verification,
        details=submission.details,
    )


def run_file(session: Session, run_id: str, role: str = SCORED_VERDICTS) -> str | None:
    """SHA-256 of a file of a run's submission; None where there is none."""
    query = (
        select(SubmissionFile.sha256)
        .join(Run, Run.submission_id == SubmissionFile.submission_id)
        .where(Run.id == run_id, SubmissionFile.role == role)
    )
    return session.scalar(query)


def state_counts(session: Session) -> dict[State, int]:
    """Submissions by state; every state is there."""
    rows = session.execute(select(Submission.state, func.count()).group_by(Submission.state))
    counts = dict.fromkeys(State, 0)
    for state, count in rows:
        counts[state] = count
    return counts


def _run_rows(session: Session, protocol: str, model_id: int | None) -> list[BoardRow]:
    # Columns rather than objects, and never the report: a thousand reports are hundreds of megabytes.
    query = (
        select(
            Run.id,
            Run.submission_id,
            Run.status,
            Run.reason,
            Run.judge,
            Run.comparable,
            Run.prompts,
            Run.benchmark,
            Run.rank_group,
            Run.created_at,
            Model.name.label("model"),
            Model.slug,
            Submission.details,
        )
        .join(Model, Model.id == Run.model_id)
        .join(Submission, Submission.id == Run.submission_id)
        .where(Submission.state == State.PUBLISHED, Submission.private.is_(False))
    )
    results = select(*_RESULT_COLUMNS, SectionResult.run_id.label("owner")).where(
        SectionResult.run_id.is_not(None), SectionResult.protocol == protocol
    )
    if model_id is not None:
        query = query.where(Run.model_id == model_id)
        results = results.join(Run, Run.id == SectionResult.run_id).where(Run.model_id == model_id)
    cells = _by_owner(session.execute(results))
    rows = []
    for found in session.execute(query):
        mine = cells.get(found.id, {})
        counts = mine.get(AVERAGE)
        frames, tokens = found.details.get("frames"), found.details.get("tokens_per_frame")
        kind = found.status.value
        rows.append(
            BoardRow(
                id=f"run-{found.id}",
                model=found.model,
                model_slug=found.slug,
                kind=kind,
                reason=found.reason,
                # What nobody here has verified never shares a rank with what was.
                group=f"{kind}-{found.rank_group}-{protocol}",
                group_name=f"{kind}: {found.judge}, prompts {found.prompts}, {found.benchmark}, {protocol}",
                judge=found.judge,
                comparable=found.comparable,
                prompts=found.prompts,
                benchmark=found.benchmark,
                protocol=protocol,
                frames=frames,
                tokens_per_frame=tokens,
                visual_tokens=frames * tokens if frames and tokens else None,
                cells={section: _cell(row) for section, row in mine.items()},
                videos=counts.videos if counts else None,
                questions=counts.questions if counts else None,
                unparsed=counts.unparsed if counts else None,
                missing=counts.missing if counts else None,
                note=str(found.details.get("note") or ""),
                source_url=found.details.get("model_url") or None,
                source_date=f"{found.created_at:%Y-%m-%d}",
                run_id=found.id,
                submission_id=found.submission_id,
                created_at=found.created_at,
            )
        )
    return rows


def _reported_rows(session: Session, model_id: int | None) -> list[BoardRow]:
    query = select(ReportedRow, Model.name, Model.slug).join(Model, Model.id == ReportedRow.model_id)
    if model_id is not None:
        query = query.where(ReportedRow.model_id == model_id)
    results = select(*_RESULT_COLUMNS, SectionResult.reported_row_id.label("owner")).where(
        SectionResult.reported_row_id.is_not(None)
    )
    cells = _by_owner(session.execute(results))
    rows = []
    for found, _model, slug in session.execute(query):
        total = found.frames * found.tokens_per_frame if found.frames and found.tokens_per_frame else None
        rows.append(
            BoardRow(
                id=f"reported-{found.id}",
                model=found.published_name,
                model_slug=slug,
                kind="reported",
                group=f"reported-{found.source}",
                group_name=f"reported by {found.source_name}",
                judge=found.judge,
                # Judged by a language model, though nobody knows exactly how.
                comparable=False,
                prompts="unknown",
                benchmark="vdc",
                protocol=AS_PUBLISHED,
                frames=found.frames,
                tokens_per_frame=found.tokens_per_frame,
                visual_tokens=found.visual_tokens or total,
                cells={section: _cell(row) for section, row in cells.get(found.id, {}).items()},
                source=found.source,
                source_name=found.source_name,
                source_url=found.source_url,
                source_date=found.source_date,
                source_kind=found.source_kind,
                setting=found.setting,
                flags=tuple(found.flags),
                note=found.note or "",
                created_at=found.created_at,
            )
        )
    return rows


_RESULT_COLUMNS = (
    SectionResult.section,
    SectionResult.accuracy,
    SectionResult.score,
    SectionResult.accuracy_low,
    SectionResult.accuracy_high,
    SectionResult.score_low,
    SectionResult.score_high,
    SectionResult.videos,
    SectionResult.questions,
    SectionResult.unparsed,
    SectionResult.missing,
)


def _by_owner(results: Iterable[Row[Any]]) -> dict[Any, dict[str, Row[Any]]]:
    found: dict[Any, dict[str, Row[Any]]] = defaultdict(dict)
    for row in results:
        found[row.owner][row.section] = row
    return found


def _cell(row: Row[Any]) -> Cell:
    return Cell(
        accuracy=row.accuracy,
        score=row.score,
        accuracy_ci95=_pair((row.accuracy_low, row.accuracy_high)),
        score_ci95=_pair((row.score_low, row.score_high)),
    )


def _pair(ends: Sequence[float | None]) -> tuple[float, float] | None:
    low, high = ends
    return None if low is None or high is None else (low, high)
