"""``vdc score-qa`` for Python: answers in, a run folder out."""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scoring.dry_run import Estimate
from scoring.judges.build import OFFLINE_PROMPTS, choose_judge, endpoint_of, model_of, online_calls, open_store
from scoring.judges.openai import CallRunner
from scoring.options import JudgeOptions
from scoring.run_folder import check_folder, default_folder, holds_complete_run
from scoring.transports import CountedCalls, OnlineCalls
from scoring.video_qa.judges import LexicalQaJudge, LlmQaJudge, QaJudge
from scoring.video_qa.prompts import load_qa_prompts
from scoring.video_qa.report import REPORT_JSON, REPORT_MARKDOWN, build_report, render_markdown
from scoring.video_qa.rows import QaFile, join, read_answers, read_questions
from scoring.video_qa.rules import BOOTSTRAP_SEED
from scoring.video_qa.tasks import Task, choose_tasks
from scoring.video_qa.verdicts import VERDICTS, QaVerdict, ReadyRow, judge_rows, make_ready, requests_for, to_parquet
from vdc.errors import InputError, Problem, RunIncomplete, unknown_name
from vdc.fileio import write_atomic
from vdc.records import environment_facts, run_id, tool_facts, write_record
from vdc.settings import lookup

if TYPE_CHECKING:
    from vdc.llm.stats import Progress

JUDGES = ("lexical", "openai")


@dataclass(frozen=True, slots=True)
class QaPlan:
    """What is graded, read and checked before anything is spent.

    Args:
        tasks: On what.
        rows: Questions with their answers.
        answers: The file of answers.
        questions: The file of questions; None where none was given.
        unknown: Answers that belong to no question.
    """

    tasks: tuple[Task, ...]
    rows: tuple[ReadyRow, ...]
    answers: QaFile
    questions: QaFile | None
    unknown: int = 0

    @property
    def coverage(self) -> dict[str, int]:
        """How many questions have an answer, and how many answers had to be changed."""
        given = [ready.row.answers is not None for ready in self.rows]
        return {
            "questions": len(self.rows),
            "answered": sum(given),
            "missing": len(given) - sum(given),
            "empty": sum(there and ready.answers is None for there, ready in zip(given, self.rows, strict=True)),
            "unknown": self.unknown,
            "changed": sum(ready.changed for ready in self.rows),
        }

    def identity(self) -> dict[str, Any]:
        """What decides the verdicts, for the run's id."""
        return {
            "kind": "video_qa",
            "tasks": [task.name for task in self.tasks],
            "answers": self.answers.file.sha256,
            "questions": None if self.questions is None else self.questions.file.sha256,
        }


@dataclass(frozen=True, slots=True)
class QaRun:
    """A run that was just scored.

    Args:
        folder: Where it lies.
        report: The content of ``report.json``.
        verdicts: One per question and task.
    """

    folder: Path
    report: Mapping[str, Any]
    verdicts: Sequence[QaVerdict]


def make_plan(
    answers: str | os.PathLike[str],
    *,
    tasks: Collection[str] = (),
    questions: str | os.PathLike[str] | None = None,
    golds: str | os.PathLike[str] | None = None,
) -> QaPlan:
    """Read and check the files.

    Args:
        answers: Of the model, see :func:`scoring.video_qa.rows.read_answers`.
        tasks: Names; none: what files of this shape are for.
        questions: Of the dataset; then a question without an answer counts as wrong.
        golds: The dataset's answers, where they are a file of their own.

    Raises:
        InputError: Anything wrong with them.
    """
    given = read_answers(answers)
    chosen = choose_tasks(tasks, given.shape)
    if questions is None:
        if golds is not None:
            raise InputError(Problem("--golds without --questions", "both", "add --questions, or leave it out"))
        return QaPlan(chosen, tuple(map(make_ready, given.rows)), given, None)
    asked = read_questions(questions, golds)
    if asked.shape != given.shape:
        found = f"questions of {asked.shape} rows for answers of {given.shape} rows"
        raise InputError(Problem(found, "two files of one kind", "give the questions these answers belong to"))
    rows, unknown = join(asked.rows, given.rows)
    if not any(row.answers is not None for row in rows):
        found = "not one answer to any of the questions"
        raise InputError(Problem(found, "answers to these questions", "check that the files belong together"))
    return QaPlan(chosen, tuple(map(make_ready, rows)), given, asked, unknown)


def score_video_qa(
    answers: str | os.PathLike[str],
    *,
    tasks: Collection[str] = (),
    questions: str | os.PathLike[str] | None = None,
    golds: str | os.PathLike[str] | None = None,
    out: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
    judge: QaJudge | None = None,
    options: JudgeOptions = JudgeOptions(),
    progress: Callable[[Progress], None] | None = None,
    **judge_options: Any,
) -> QaRun:
    """Grade a file of answers and write the run folder; the same call resumes what was stopped.

    Args:
        answers: As :func:`make_plan`.
        tasks: As :func:`make_plan`.
        questions: As :func:`make_plan`.
        golds: As :func:`make_plan`.
        out: Run folder; None makes one under ``runs``.
        overwrite: Replace another run that lies there.
        judge: Instead of the one the options name.
        options: How the judge is asked; its prompts, repeats and recorded verdicts have no meaning here.
        progress: Told about four times a second while calls are made.
        **judge_options: Single fields of ``JudgeOptions``.

    Returns:
        The run.

    Raises:
        InputError: Anything wrong with what was given; nothing was written.
        RunFailed: The server cannot be used; replies so far are kept.
        RunIncomplete: Some calls failed for good; the folder says so and shows no number for their tasks.
    """
    began, started = datetime.now(UTC), time.monotonic()
    options = replace(options, **judge_options)
    plan = make_plan(answers, tasks=tasks, questions=questions, golds=golds)
    with ExitStack() as resources:
        calls = None
        if judge is None and _judge_name(options) == "openai":
            endpoint = endpoint_of(options)
            store = resources.enter_context(open_store(options))
            total = sum(ready.answers is not None for ready in plan.rows) * len(plan.tasks)
            calls = online_calls(options, endpoint, store, total, progress)
            judge = _llm(options, calls, model_of(options, endpoint))
        chosen: QaJudge = judge or LexicalQaJudge()
        prompts = chosen.prompts.facts() if isinstance(chosen, LlmQaJudge) else dict(OFFLINE_PROMPTS)
        identity = run_id({**plan.identity(), "judge": chosen.identity(), "prompts": prompts["sha256"]})
        folder = Path(out) if out is not None else default_folder(os.fspath(answers), identity)
        check_folder(folder, identity, overwrite=overwrite)
        verdicts = judge_rows(plan.rows, plan.tasks, chosen)
    facts = {
        "run_id": identity,
        "judge": chosen.describe(),
        "prompts": prompts,
        "predictions": _file_facts(plan.answers),
        "questions": None if plan.questions is None else _file_facts(plan.questions),
        "coverage": plan.coverage,
        "calls": _calls(calls),
        "elapsed_s": round(time.monotonic() - started, 3),
    }
    failed = sum(verdict.status == "failed" for verdict in verdicts)
    if failed and not overwrite and holds_complete_run(folder):
        raise _incomplete(verdicts, failed, f"{folder} keeps the complete run that was there")
    report = _write(folder, verdicts, facts, began.isoformat(timespec="seconds"))
    if failed:
        raise _incomplete(verdicts, failed, f"{folder} holds what there is, marked incomplete")
    return QaRun(folder, report, verdicts)


def estimate_video_qa(plan: QaPlan, options: JudgeOptions) -> Estimate:
    """Count the calls of a run without making any.

    Args:
        plan: What would be graded.
        options: How.

    Raises:
        InputError: No model is known for the judge ``openai``.
    """
    answered = sum(ready.answers is not None for ready in plan.rows)
    name = _judge_name(options)
    if name != "openai":
        return Estimate(name, None, answered, answered * len(plan.tasks))
    model = lookup("model", options.model).value or model_of(options, endpoint_of(options))
    with open_store(options) as store:
        counted = CountedCalls(store)
        for _ in _llm(options, counted, model).judge(requests_for(plan.rows, plan.tasks)):
            pass
    counts = counted.counts
    priced = bool(options.price_in or options.price_out)
    cost = counts["input_tokens"] * options.price_in + counts["output_tokens_at_most"] * options.price_out
    return Estimate(
        name, model, answered, answered * len(plan.tasks), **counts, cost_at_most=cost / 1e6 if priced else None
    )


def _judge_name(options: JudgeOptions) -> str:
    name = choose_judge(options)
    if name not in JUDGES:
        raise InputError(unknown_name("judge for video QA", name, JUDGES))
    return name


def _llm(options: JudgeOptions, calls: CallRunner, model: str) -> LlmQaJudge:
    structured = True if options.structured is None else options.structured
    sampling = options.sampling_for(0)
    return LlmQaJudge(model, load_qa_prompts(), calls, sampling, options.revision, structured)


def _file_facts(file: QaFile) -> dict[str, Any]:
    return {"name": Path(file.file.path).name, "sha256": file.file.sha256, "rows": len(file.rows), "shape": file.shape}


def _calls(calls: OnlineCalls | None) -> dict[str, Any]:
    return {} if calls is None else calls.stats.to_json()


def _write(folder: Path, verdicts: Sequence[QaVerdict], facts: Mapping[str, Any], began: str) -> dict[str, Any]:
    """All files of the run, each in one step, the record with its hashes last."""
    record = {
        **facts,
        "tool": tool_facts(),
        "environment": environment_facts(),
        "seeds": {"bootstrap": BOOTSTRAP_SEED},
        "started": began,
    }
    report = build_report(verdicts, facts)
    folder.mkdir(parents=True, exist_ok=True)
    # The record first, without hashes: stopped in between, the folder is known as this run and not as a stranger's.
    write_record(folder, record, [])
    write_atomic(folder / VERDICTS, to_parquet(verdicts))
    write_atomic(folder / REPORT_JSON, json.dumps(report, indent=2, allow_nan=False) + "\n")
    write_atomic(folder / REPORT_MARKDOWN, render_markdown(report))
    write_record(folder, record, [VERDICTS, REPORT_JSON, REPORT_MARKDOWN])
    return report


def _incomplete(verdicts: Sequence[QaVerdict], failed: int, kept: str) -> RunIncomplete:
    errors = Counter(one.reply.error for one in verdicts if one.reply is not None and one.reply.error)
    shown = ", ".join(f"{error}: {count:,}" for error, count in errors.most_common(2)) or "no reason recorded"
    return RunIncomplete(
        f"found {failed:,} of {len(verdicts):,} answers without a verdict because calls failed ({shown}); expected a "
        f"reply to every call; do next: repeat the same command, which asks only these again ({kept})"
    )
