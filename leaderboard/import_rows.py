"""Published rows into the board, as *reported*, with source and with what the audit found."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from leaderboard.db.models import ReportedRow, SectionResult
from leaderboard.db.upsert import bump_version, model_named
from leaderboard.published import Numbers, PublishedRow, Source, parse_number, read_published
from leaderboard.published_audit import Flag, audit_rows, mean_of_sections
from leaderboard.results import AS_PUBLISHED, AVERAGE
from vdc.sections import SECTIONS


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did.

    Args:
        added: New rows.
        updated: Rows that were there under the same source, name and setting.
        flagged: Rows with at least one finding.
        findings: Rule -> number of findings.
    """

    added: int
    updated: int
    flagged: int
    findings: dict[str, int]


def import_published(session: Session, path: Path | None = None) -> Imported:
    """Import published rows; a row that is there already is replaced, so importing twice changes nothing.

    Args:
        session: In a transaction.
        path: A file of published rows, or the official site's; None takes the set the project carries.

    Raises:
        InputError: The file cannot be used; nothing was imported.
    """
    published = read_published(path)
    added = updated = flagged = 0
    findings: dict[str, int] = {}
    for row, flags in zip(published.rows, audit_rows(published), strict=True):
        is_new = _import_row(session, row, published.sources[row.source], flags)
        added += is_new
        updated += not is_new
        flagged += bool(flags)
        for flag in flags:
            findings[flag.rule] = findings.get(flag.rule, 0) + 1
    bump_version(session)
    return Imported(added, updated, flagged, findings)


def count_reported(session: Session) -> int:
    """How many published rows the board has."""
    return session.scalar(select(func.count()).select_from(ReportedRow)) or 0


def _import_row(session: Session, row: PublishedRow, source: Source, flags: list[Flag]) -> bool:
    query = select(ReportedRow).where(
        ReportedRow.source == row.source, ReportedRow.published_name == row.model, ReportedRow.setting == row.setting
    )
    found = session.scalar(query)
    is_new = found is None
    model = model_named(session, row.model)
    if found is None:
        found = ReportedRow(source=row.source, published_name=row.model, setting=row.setting)
        session.add(found)
    found.model_id = model.id
    found.source_kind = source.kind
    found.source_name = source.name
    found.source_url = source.url
    found.source_date = source.date
    found.judge = source.judge
    found.frames = _count(row.frames)
    found.tokens_per_frame = _count(row.tokens_per_frame)
    found.visual_tokens = _count(row.visual_tokens)
    found.note = source.note
    found.flags = [asdict(flag) for flag in flags]
    found.printed = {
        "frames": row.frames,
        "tokens_per_frame": row.tokens_per_frame,
        "average": asdict(row.average),
        "sections": {section: asdict(pair) for section, pair in row.sections.items()},
    }
    session.flush()
    session.execute(delete(SectionResult).where(SectionResult.reported_row_id == found.id))
    for section in SECTIONS:
        if section in row.sections:
            session.add(_result(found.id, section, row.sections[section]))
    session.add(_average(found.id, row))
    return is_new


def _average(row_id: int, row: PublishedRow) -> SectionResult:
    """The average as printed; where a source prints five sections and no average, their mean."""
    if parse_number(row.average.accuracy) is not None:
        return _result(row_id, AVERAGE, row.average)
    accuracy, score = mean_of_sections(row)
    return SectionResult(
        reported_row_id=row_id,
        protocol=AS_PUBLISHED,
        section=AVERAGE,
        accuracy=None if accuracy is None else round(accuracy / 100, 6),
        score=None if score is None else round(score, 6),
    )


def _result(row_id: int, section: str, pair: Numbers) -> SectionResult:
    accuracy = parse_number(pair.accuracy)
    return SectionResult(
        reported_row_id=row_id,
        protocol=AS_PUBLISHED,
        section=section,
        accuracy=None if accuracy is None else round(accuracy / 100, 6),
        score=parse_number(pair.score),
    )


def _count(text: str) -> int | None:
    number = parse_number(text) if text else None
    return None if number is None else int(number)
