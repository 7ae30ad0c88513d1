"""Make a row of the board again from its stored files, for example after a protocol was corrected."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from leaderboard.db.models import Run, SectionResult
from leaderboard.db.queries import run_files
from leaderboard.db.session import reading, writing
from leaderboard.db.upsert import bump_version
from leaderboard.failures import NotFound
from leaderboard.results import section_results
from leaderboard.services import Services
from leaderboard.stored_runs import read_stored_run


def rebuild_row(services: Services, run_id: str) -> dict[str, tuple[float | None, float | None]]:
    """Compute a run's report and numbers again from its stored verdicts; no judge is asked.

    Returns:
        Protocol -> (average accuracy before, after).

    Raises:
        NotFound: There is no such run.
        RunFailed: Its stored files are gone.
    """
    with reading(services.engine) as session:
        run = session.get(Run, run_id)
        if run is None:
            raise NotFound(f"found no run {run_id[:40]!r}; expected the id of one; do next: vdc leaderboard rows list")
        files = run_files(session, run_id)
        old = dict(run.report)
    report = _report(services, run_id, files, old)
    with writing(services.engine) as session:
        locked = session.get_one(Run, run_id, with_for_update=True)
        for result in session.scalars(select(SectionResult).where(SectionResult.run_id == run_id)):
            session.delete(result)
        session.flush()
        locked.report = report
        for result in section_results(report):
            result.run_id = run_id
            session.add(result)
        bump_version(session)
    return {
        name: (_accuracy(old, name), _accuracy(report, name)) for name in {**old["protocols"], **report["protocols"]}
    }


def _report(services: Services, run_id: str, files: dict[str, str], old: dict[str, Any]) -> dict[str, Any]:
    from scoring.report.build import build_report

    run = read_stored_run(services.store, run_id, files, old)
    return build_report(run.verdicts, run.facts)


def _accuracy(report: dict[str, Any], protocol: str) -> float | None:
    found: float | None = report["protocols"].get(protocol, {}).get("average", {}).get("accuracy")
    return found
