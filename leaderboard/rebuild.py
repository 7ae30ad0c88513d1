"""Make a row of the board again from its stored files, for example after a protocol was corrected."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import select

from leaderboard.db.models import Run, SectionResult, SubmissionFile
from leaderboard.db.session import reading, writing
from leaderboard.db.upsert import bump_version
from leaderboard.failures import NotFound
from leaderboard.intake import RUN_RECORD, VERDICTS
from leaderboard.results import section_results
from leaderboard.scoring_steps import SCORED_RECORD, SCORED_VERDICTS
from leaderboard.services import Services


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
        query = select(SubmissionFile.role, SubmissionFile.sha256).where(
            SubmissionFile.submission_id == run.submission_id
        )
        files = {role: sha256 for role, sha256 in session.execute(query)}  # noqa: C416  (rows are no pairs to mypy)
        old = dict(run.report)
    report = _report(services, files, old)
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


def _report(services: Services, files: dict[str, str], old: dict[str, Any]) -> dict[str, Any]:
    from dataclasses import replace

    import pandas as pd
    import pyarrow.parquet as pq

    from scoring.report.build import build_report
    from scoring.report.facts import RunFacts
    from vdc.records import read_record

    with TemporaryDirectory(prefix="vdc-rebuild-") as scratch:
        folder = Path(scratch)
        for role, name in ((SCORED_VERDICTS, VERDICTS), (SCORED_RECORD, RUN_RECORD)):
            if role not in files:
                raise NotFound(f"found a run without its {name}; expected it in the file store")
            services.store.fetch(files[role], folder / name)
        facts = RunFacts.from_record(read_record(folder))
        table = pq.read_table(folder / VERDICTS).to_pandas()
    verdicts = table.assign(
        match=table["match"].astype(pd.BooleanDtype()), score=table["score"].astype(pd.Float64Dtype())
    )
    # Judge, prompts and benchmark as the board established them, not as the record claims.
    same = {name: old[name] for name in ("judge", "prompts", "benchmark")}
    return build_report(verdicts, replace(facts, **same))


def _accuracy(report: dict[str, Any], protocol: str) -> float | None:
    found: float | None = report["protocols"].get(protocol, {}).get("average", {}).get("accuracy")
    return found
