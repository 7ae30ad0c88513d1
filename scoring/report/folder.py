"""A run as a folder: write its report files, read it back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from scoring.question_sets import CLEAN_LIST, QuestionSets, read_question_sets
from scoring.report.build import build_report
from scoring.report.facts import RunFacts
from scoring.report.markdown import render_markdown
from scoring.report.plots import PLOTS, draw_plots
from scoring.statistics.bootstrap import DEFAULT_RESAMPLES
from vdc.errors import InputError, Problem
from vdc.fileio import write_atomic
from vdc.records import changed_files, read_record, write_record

if TYPE_CHECKING:
    import pandas as pd

REPORT_JSON: Final = "report.json"
REPORT_MARKDOWN: Final = "report.md"
VERDICTS: Final = "verdicts.parquet"


@dataclass(frozen=True)
class Run:
    """A run read back from its folder.

    Args:
        folder: Where it lies.
        record: Content of ``run.json``.
        facts: What a report needs of the record.
        verdicts: One row per question, checked.
    """

    folder: Path
    record: Mapping[str, Any]
    facts: RunFacts
    verdicts: pd.DataFrame


def write_report(
    folder: Path,
    verdicts: pd.DataFrame,
    facts: RunFacts,
    *,
    resamples: int = DEFAULT_RESAMPLES,
    question_sets: QuestionSets = QuestionSets(),
    plots: bool = True,
) -> dict[str, Any]:
    """Write ``report.json``, ``report.md`` and ``plots/*.png`` into a run folder; returns the report.

    With a clean list its copy, ``clean.json``, is written too. Without plots the report for people shows none.

    All numbers are computed before the first file is written, so a failure leaves an earlier report as it was.

    Raises:
        InputError: The verdicts are no verdict table.
        RunFailed: The folder cannot be written.
    """
    report = build_report(verdicts, facts, resamples=resamples, question_sets=question_sets)
    files: dict[str, bytes | str] = {
        **(draw_plots(report) if plots else {}),
        REPORT_MARKDOWN: render_markdown(report, PLOTS if plots else {}),
        REPORT_JSON: json.dumps(report, indent=2, ensure_ascii=False, allow_nan=False) + "\n",
    }
    if question_sets.clean is not None:
        files[CLEAN_LIST] = question_sets.content
    for name, content in files.items():
        write_atomic(folder / name, content)
    return report


def report_files(question_sets: QuestionSets = QuestionSets(), *, plots: bool = True) -> tuple[str, ...]:
    """Paths, relative to the run folder, of the files that :func:`write_report` writes."""
    listed = (CLEAN_LIST,) if question_sets.clean is not None else ()
    return (REPORT_JSON, REPORT_MARKDOWN, *listed, *(PLOTS.values() if plots else ()))


def read_run(folder: str | Path) -> Run:
    """Read and check a run folder.

    Raises:
        InputError: It is no run folder, its record or verdicts cannot be read, or the verdicts are not the ones that
            the record names.
    """
    root = Path(folder)
    record = read_record(root)
    facts = RunFacts.from_record(record, str(root / "run.json"))
    verdicts = _read_verdicts(root / VERDICTS)
    if VERDICTS in changed_files(root, record):
        raise InputError(
            Problem(
                "verdicts that are not the ones the run record was written for",
                "the file whose hash stands in run.json",
                "restore it, or score again",
                str(root / VERDICTS),
            )
        )
    return Run(root, record, facts, verdicts)


def remake_report(folder: str | Path, *, resamples: int = DEFAULT_RESAMPLES) -> dict[str, Any]:
    """Make the report and plots of a run again from its verdicts and record; returns the report.

    The record's hash chain is renewed over the new files; the verdicts and all other facts stay as they are.

    Raises:
        InputError: As :func:`read_run`.
        RunFailed: The folder cannot be written.
    """
    run = read_run(folder)
    sets = read_question_sets(run.folder, run.record)
    report = write_report(run.folder, run.verdicts, run.facts, resamples=resamples, question_sets=sets)
    known = {link["file"] for link in run.record.get("files", [])}
    rest = {key: value for key, value in run.record.items() if key not in ("files", "schema_version")}
    present = {name for name in known if (run.folder / name).is_file()}
    write_record(run.folder, rest, present | {VERDICTS, *report_files(sets)})
    return report


def _read_verdicts(path: Path) -> pd.DataFrame:
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

    from vdc.schemas import VerdictTable, check

    do_next = "give the folder that vdc score --out wrote"
    try:
        # Opened here: Arrow takes no path that is not UTF-8.
        with path.open("rb") as file:
            table = pq.read_table(file)
    except FileNotFoundError as error:
        raise InputError(Problem("no such file", "the verdicts of a run", do_next, str(path))) from error
    except (pa.ArrowException, OSError) as error:
        found = f"no Parquet file ({str(error).splitlines()[0]})"
        raise InputError(Problem(found, "the verdicts of a run", do_next, str(path))) from error
    frame = check(table.to_pandas(), VerdictTable, path.name)
    # Parquet gives a column of booleans with gaps as objects; the protocols want pandas' own nullable type.
    return frame.assign(match=frame["match"].astype(pd.BooleanDtype()), score=frame["score"].astype(pd.Float64Dtype()))
