"""The folder a run is written to: checked before anything is spent, written so that no earlier run is lost."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from scoring.question_sets import QuestionSets
from scoring.report.facts import RunFacts
from scoring.report.folder import REPORT_JSON, VERDICTS, report_files, write_report
from vdc.errors import InputError, Problem
from vdc.fileio import write_atomic
from vdc.records import RECORD, read_record, write_record

if TYPE_CHECKING:
    import pandas as pd

DEFAULT_PARENT: Final = "runs"


@dataclass(frozen=True)
class Run:
    """A run that was just scored.

    Args:
        folder: Where it lies.
        report: The content of ``report.json``.
        verdicts: One row per question, see ``scoring.verdict_table``.
    """

    folder: Path
    report: Mapping[str, Any]
    verdicts: pd.DataFrame

    @property
    def incomplete(self) -> bool:
        """Whether calls failed for good, so that its numbers are not to be used."""
        return bool(self.report["incomplete"])


def default_folder(predictions: str, run_id: str) -> Path:
    """``runs/<name of the predictions file>-<first 8 digits of the run id>`` under the working folder."""
    name = Path(predictions).name.removesuffix(".gz")
    return Path(DEFAULT_PARENT) / f"{Path(name).stem}-{run_id[:8]}"


def check_folder(folder: Path, run_id: str, *, overwrite: bool) -> None:
    """Refuse a folder that holds anything but this same run.

    Raises:
        InputError: Another run or other files lie there and ``overwrite`` is off, or the place cannot be a folder.
    """
    if not folder.exists():
        parent = next(parent for parent in folder.absolute().parents if parent.exists())
        if not parent.is_dir() or not os.access(parent, os.W_OK):
            raise InputError(Problem("a place that cannot be written", "a folder", "give another --out", str(folder)))
        return
    if not folder.is_dir():
        raise InputError(Problem("a file", "a folder, or a name that is free", "give another --out", str(folder)))
    if not os.access(folder, os.W_OK):
        found, expected = "a folder that cannot be written", "a writable one"
        raise InputError(Problem(found, expected, "give another --out", str(folder)))
    if overwrite or not any(folder.iterdir()):
        return
    if not (folder / RECORD).is_file():
        found, expected = "a folder with other files in it", "an empty or new folder"
        raise InputError(Problem(found, expected, "give another --out, or --overwrite", str(folder)))
    earlier = read_record(folder).get("run_id")
    if earlier != run_id:
        found = f"another run ({earlier}) with other captions, questions, judge or prompts"
        raise InputError(Problem(found, f"this run ({run_id})", "give another --out, or --overwrite", str(folder)))


def holds_complete_run(folder: Path) -> bool:
    """Whether a run lies there whose report is whole and complete."""
    try:
        report = json.loads((folder / REPORT_JSON).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return (folder / RECORD).is_file() and isinstance(report, dict) and report.get("incomplete") is False


def write_verdicts(path: Path, verdicts: pd.DataFrame) -> None:
    """Write the verdict table as Parquet, replacing what is there in one step.

    The table is checked against its schema first: what a reader may rely on is checked where it is made.
    """
    from vdc.schemas import VerdictTable, check

    check(verdicts, VerdictTable)
    # Through memory: Arrow opens no path that is not UTF-8, and the bytes go the way of every other file of the run.
    # zstd: judge replies repeat themselves; the table of a whole benchmark comes to a few MB.
    buffer = BytesIO()
    verdicts.to_parquet(buffer, index=False, compression="zstd")
    write_atomic(path, buffer.getvalue())


def write_run(
    folder: Path,
    verdicts: pd.DataFrame,
    record: Mapping[str, Any],
    repeats: Mapping[str, pd.DataFrame] | None = None,
    question_sets: QuestionSets = QuestionSets(),
    *,
    plots: bool = True,
) -> Run:
    """Write all files of a run, each in one step, the record with its hashes last.

    A new folder gets the record first, without hashes: stopped in between, it is known as this run and not refused as
    a folder with other files in it.

    Args:
        folder: Made where absent.
        verdicts: Of the first repetition, of which the headline is made.
        record: What ``run.json`` will say, without the hashes.
        repeats: File name -> verdict table of every further repetition.
        question_sets: Which questions make the headline, and the clean list.
        plots: Draw the report's pictures.
    """
    facts = RunFacts.from_record(record)
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / RECORD).exists() and not (folder / VERDICTS).exists():
        write_record(folder, record, [])
    report = write_report(folder, verdicts, facts, question_sets=question_sets, plots=plots)
    tables = {VERDICTS: verdicts, **(repeats or {})}
    for name, table in tables.items():
        write_verdicts(folder / name, table)
    write_record(folder, record, [*tables, *report_files(question_sets, plots=plots)])
    return Run(folder, report, verdicts)
