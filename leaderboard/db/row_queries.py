"""The rows of the board as plain records, read in as few queries as there are kinds of row."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from leaderboard.board_rows import BoardRow, Cell
from leaderboard.db.models import Model, ReportedRow, Run, SectionResult, State, Submission
from leaderboard.results import AS_PUBLISHED, AVERAGE, HEADLINE


def board_rows(session: Session, protocol: str = HEADLINE, *, model_id: int | None = None) -> list[BoardRow]:
    """Every row that everybody may see, not ranked: runs under one protocol, published rows as published.

    Args:
        session: Open.
        protocol: A protocol of ``scoring.protocols``.
        model_id: Only this captioner's.
    """
    return [*_run_rows(session, protocol, model_id), *_reported_rows(session, model_id)]


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
    numbers = _by_owner(session, results)
    rows = []
    for found in session.execute(query):
        mine = numbers.get(found.id, _Numbers())
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
                cells=mine.cells,
                videos=mine.videos,
                questions=mine.questions,
                unparsed=mine.unparsed,
                missing=mine.missing,
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
    # Columns, as above: a thousand objects take longer than everything else here together.
    query = select(*_REPORTED_COLUMNS, Model.slug).join(Model, Model.id == ReportedRow.model_id)
    results = select(*_RESULT_COLUMNS, SectionResult.reported_row_id.label("owner")).where(
        SectionResult.reported_row_id.is_not(None)
    )
    if model_id is not None:
        query = query.where(ReportedRow.model_id == model_id)
        results = results.join(ReportedRow, ReportedRow.id == SectionResult.reported_row_id).where(
            ReportedRow.model_id == model_id
        )
    numbers = _by_owner(session, results)
    rows = []
    for found in session.execute(query):
        total = found.frames * found.tokens_per_frame if found.frames and found.tokens_per_frame else None
        rows.append(
            BoardRow(
                id=f"reported-{found.id}",
                model=found.published_name,
                model_slug=found.slug,
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
                cells=numbers.get(found.id, _Numbers()).cells,
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


_REPORTED_COLUMNS: Final = (
    ReportedRow.id,
    ReportedRow.published_name,
    ReportedRow.source,
    ReportedRow.source_kind,
    ReportedRow.source_name,
    ReportedRow.source_url,
    ReportedRow.source_date,
    ReportedRow.judge,
    ReportedRow.setting,
    ReportedRow.frames,
    ReportedRow.tokens_per_frame,
    ReportedRow.visual_tokens,
    ReportedRow.note,
    ReportedRow.flags,
    ReportedRow.created_at,
)
_RESULT_COLUMNS: Final = (
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


@dataclass(slots=True)
class _Numbers:
    """One row's numbers, and the counts behind its average."""

    cells: dict[str, Cell] = field(default_factory=dict)
    videos: int | None = None
    questions: int | None = None
    unparsed: int | None = None
    missing: int | None = None


def _by_owner(session: Session, results: Select[*tuple[Any, ...]]) -> dict[Any, _Numbers]:
    found: dict[Any, _Numbers] = defaultdict(_Numbers)
    # Plain tuples: looking columns up by name takes most of the time with thousands of rows.
    for section, accuracy, score, low, high, score_low, score_high, *counts, owner in session.execute(results):
        mine = found[owner]
        mine.cells[section] = Cell(accuracy, score, _pair(low, high), _pair(score_low, score_high))
        if section == AVERAGE:
            mine.videos, mine.questions, mine.unparsed, mine.missing = counts
    return found


def _pair(low: float | None, high: float | None) -> tuple[float, float] | None:
    return None if low is None or high is None else (low, high)
