"""A run of the board as ``scoring`` works with it, read back from the stored files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from leaderboard.failures import NotFound
from leaderboard.intake import RUN_RECORD, VERDICTS
from leaderboard.object_store import ObjectStore
from leaderboard.scoring_steps import SCORED_RECORD, SCORED_VERDICTS

if TYPE_CHECKING:
    from scoring.report.folder import Run


def read_stored_run(store: ObjectStore, run_id: str, files: Mapping[str, str], report: Mapping[str, Any]) -> Run:
    """A run from its stored verdicts and record.

    Args:
        store: The board's files.
        run_id: The run; stands for its folder in messages.
        files: Role -> SHA-256 of the submission's files.
        report: The run's report: judge, prompts and benchmark are taken from it, as the board established them, not
            from the record, which claims them.

    Raises:
        NotFound: A file is not listed.
        RunFailed: A file is gone from the store.
    """
    import pandas as pd
    import pyarrow.parquet as pq

    from scoring.report.facts import RunFacts
    from scoring.report.folder import Run
    from vdc.records import read_record

    with TemporaryDirectory(prefix="vdc-run-") as scratch:
        folder = Path(scratch)
        for role, name in ((SCORED_VERDICTS, VERDICTS), (SCORED_RECORD, RUN_RECORD)):
            if role not in files:
                raise NotFound(f"found a run without its {name}; expected it in the file store")
            store.fetch(files[role], folder / name)
        record = read_record(folder)
        table = pq.read_table(folder / VERDICTS).to_pandas()
    verdicts = table.assign(
        match=table["match"].astype(pd.BooleanDtype()), score=table["score"].astype(pd.Float64Dtype())
    )
    established = {name: report[name] for name in ("judge", "prompts", "benchmark")}
    facts = replace(RunFacts.from_record(record), **established)
    return Run(Path(f"run {run_id}"), record, facts, verdicts)
