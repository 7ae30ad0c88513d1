"""``vdc score`` for Python: captions in, a run folder out."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from scoring.judges.build import (
    OFFLINE_PROMPTS,
    BuiltJudge,
    build_offline,
    choose_judge,
    endpoint_of,
    llm_judge,
    model_of,
    online_calls,
    open_store,
    prompt_facts,
)
from scoring.judges.openai import OpenAIJudge
from scoring.judges.recorded import RecordedJudge
from scoring.options import JudgeOptions
from scoring.plan import Plan, make_plan
from scoring.protocols.rules import PROTOCOLS
from scoring.repeats import summarise_repeats
from scoring.run_folder import Run, check_folder, default_folder, holds_complete_run, write_run
from scoring.types import Judge
from scoring.verdict_table import judge_all
from vdc.benchmark.model import Benchmark
from vdc.errors import InputError, Problem, RunIncomplete
from vdc.records import environment_facts, run_id, tool_facts

if TYPE_CHECKING:
    import pandas as pd

    from vdc.llm.endpoint import Endpoint
    from vdc.llm.stats import Progress
    from vdc.llm.store import ReplyStore

BOOTSTRAP_SEED: Final = 0


def score(
    predictions: str | os.PathLike[str],
    *,
    benchmark: str | os.PathLike[str] | Benchmark | None = None,
    revision: str | None = None,
    sections: Collection[str] | None = None,
    section: str | None = None,
    limit: int | None = None,
    lenient: bool = False,
    questions: str = "full",
    clean_list: Path | None = None,
    out: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
    plots: bool = True,
    repeats: int = 1,
    judge: str | Judge | None = None,
    options: JudgeOptions = JudgeOptions(),
    progress: Callable[[Progress], None] | None = None,
    **judge_options: Any,
) -> Run:
    """Score a file of captions and write the run folder.

    A run that was stopped resumes: every reply is in the reply store, so the same call repeats at most the calls that
    were in flight.

    Args:
        predictions: Captions in any known format.
        benchmark: Name, folder or loaded benchmark; None takes the configured one.
        revision: Of a benchmark on the Hub.
        sections: Only these sections; None takes every section the file has captions for.
        section: Section of a file whose rows do not name theirs.
        limit: Only the first so many videos.
        lenient: Tolerate harmless faults of the file, counted in the report.
        questions: ``full`` or ``clean``: which questions make the headline; the report shows both where a clean list
            is known. All are judged either way.
        clean_list: As ``vdc audit --out`` writes it; None takes the bundled one where it fits.
        out: Run folder; None makes one under ``runs``.
        overwrite: Replace another run that lies there.
        plots: Draw the report's pictures, which takes a second; ``vdc report RUN`` draws them later.
        repeats: Judge everything so many times, to show the spread of a sampling that is not repeatable.
        judge: Name of a judge, or any object that follows ``scoring.types.Judge``.
        options: How the judge is asked; single fields can be given as keyword arguments instead.
        progress: Told about four times a second while calls are made.
        **judge_options: Fields of ``JudgeOptions``, for example ``model="..."``.

    Returns:
        The run. ``run.report`` is what ``report.json`` holds.

    Raises:
        InputError: Anything wrong with what was given; nothing was written.
        RunFailed: The judge server cannot be used; replies so far are kept.
        RunIncomplete: Some calls failed for good; the folder says so and shows no number for their sections. A
            complete run that lay there before stays as it was, unless ``overwrite``.

    Example:
        >>> import vdc
        >>> run = vdc.score("predictions.jsonl", benchmark="sample", judge="lexical")  # doctest: +SKIP
        >>> run.report["average"]["accuracy"]  # doctest: +SKIP
    """
    if repeats < 1:
        raise InputError(Problem(f"{repeats} repeats", "1 or more", "raise --repeats"))
    started = time.monotonic()
    began = datetime.now(UTC)
    options = replace(options, **judge_options)
    if isinstance(judge, str):
        options = replace(options, judge=judge)
    plan = make_plan(
        predictions,
        benchmark=benchmark,
        revision=revision,
        sections=sections,
        section=section,
        limit=limit,
        lenient=lenient,
        questions=questions,
        clean_list=clean_list,
    )
    with ExitStack() as resources:
        build = _Builder(judge, options, plan, progress, resources)
        first = build.repeat(0)
        _check_replay(first.judge, plan)
        identity = run_id(
            {**plan.identity(), **judge_identity(first.judge, first.prompts["sha256"]), "repeats": repeats}
        )
        folder = Path(out) if out is not None else default_folder(os.fspath(predictions), identity)
        check_folder(folder, identity, overwrite=overwrite)
        built, tables = [first], [judge_all(plan.benchmark, plan.captions, first.judge)]
        for number in range(1, repeats):
            built.append(build.repeat(number, spent=_calls(built)["cost"] or 0.0))
            tables.append(judge_all(plan.benchmark, plan.captions, built[-1].judge))
    record = {
        "run_id": identity,
        "tool": tool_facts(),
        "environment": environment_facts(),
        "judge": first.judge.describe(),
        "prompts": first.prompts,
        "benchmark": plan.benchmark_facts(),
        "predictions": plan.prediction_facts(),
        "questions": plan.question_sets.facts(),
        "coverage": plan.coverage,
        "protocols": {name: protocol.version for name, protocol in PROTOCOLS.items()},
        "seeds": {"bootstrap": BOOTSTRAP_SEED, "judge": options.seed},
        "calls": _calls(built),
        "started": began.isoformat(timespec="seconds"),
        "elapsed_s": round(time.monotonic() - started, 3),
        "notes": list(plan.notes),
        **({"repeats": summarise_repeats(tables)} if repeats > 1 else {}),
    }
    failed = sum(int((table["status"] == "failed").sum()) for table in tables)
    if failed and not overwrite and holds_complete_run(folder):
        raise _incomplete(tables, failed, first.judge, f"{folder} keeps the complete run that was there")
    if failed and not (tables[0]["status"] == "failed").any():
        # The report is made of the first repetition: written now, it would call itself complete.
        raise _incomplete(tables, failed, first.judge, "they are of later repetitions; nothing was written")
    run = write_run(folder, tables[0], record, _further(tables), plan.question_sets, plots=plots)
    if failed:
        raise _incomplete(tables, failed, first.judge, f"{folder} holds what there is, marked incomplete")
    return run


class _Builder:
    """Builds the judge of each repetition; the server is asked for its model, and the store opened, once."""

    def __init__(
        self,
        judge: str | Judge | None,
        options: JudgeOptions,
        plan: Plan,
        progress: Callable[[Progress], None] | None,
        resources: ExitStack,
    ) -> None:
        self._given = judge if judge is not None and not isinstance(judge, str) else None
        self._options = options
        self._plan = plan
        self._progress = progress
        self._resources = resources
        self._name = "" if self._given is not None else choose_judge(options)

    @cached_property
    def _endpoint(self) -> Endpoint:
        return endpoint_of(self._options)

    @cached_property
    def _model(self) -> str:
        return model_of(self._options, self._endpoint)

    @cached_property
    def _store(self) -> ReplyStore:
        return self._resources.enter_context(open_store(self._options))

    def repeat(self, number: int, spent: float = 0.0) -> BuiltJudge:
        """The judge of one repetition, from 0; ``spent`` is what the earlier ones cost of the limit they share."""
        if self._given is not None:
            given = self._given
            if not isinstance(given, OpenAIJudge):
                return BuiltJudge(given, dict(OFFLINE_PROMPTS))
            from scoring.transports import CollectedCalls, OnlineCalls

            counted = given.runner if isinstance(given.runner, OnlineCalls | CollectedCalls) else None
            return BuiltJudge(given, prompt_facts(given), counted)
        if self._name != "openai":
            return build_offline(self._name, self._options)
        calls = online_calls(
            self._options, self._endpoint, self._store, self._plan.questions_to_ask, self._progress, spent
        )
        asked = llm_judge(self._options, calls, self._model, number)
        return BuiltJudge(asked, prompt_facts(asked), calls)


def judge_identity(judge: Judge, prompts_sha256: str | None) -> dict[str, Any]:
    """The part of the run's id that the judge decides.

    What a server shows of itself is known only after the run, so it cannot be part of the run's name.
    """
    identity = getattr(judge, "identity", judge.describe)
    return {"judge": identity(), "prompts": prompts_sha256}


def _calls(built: list[BuiltJudge]) -> dict[str, Any]:
    total: Counter[str] = Counter()
    costs = []
    estimated = False
    for stats in (one.calls.stats for one in built if one.calls is not None):
        counts = stats.to_json()
        costs.append(counts.pop("cost"))
        estimated |= counts.pop("tokens_estimated")
        total.update(counts)
    known = [cost for cost in costs if cost is not None]
    return {**total, "tokens_estimated": estimated, "cost": sum(known) if known else None}


def _further(tables: list[pd.DataFrame]) -> Mapping[str, pd.DataFrame]:
    return {f"verdicts-repeat-{number}.parquet": table for number, table in enumerate(tables) if number}


def _check_replay(judge: Judge, plan: Plan) -> None:
    """Refuse to replay verdicts that were given about other captions."""
    if not isinstance(judge, RecordedJudge) or not judge.predictions:
        return
    if judge.predictions.get("sha256") != plan.predictions.sha256:
        raise InputError(
            Problem(
                f"verdicts that were given about another file of captions ({judge.predictions.get('name')})",
                f"the verdicts about {plan.predictions.path}",
                "give --verdicts the run of this very file, or score the file that the run names",
            )
        )


def _incomplete(tables: list[pd.DataFrame], failed: int, judge: Judge, kept: str) -> RunIncomplete:
    total = sum(len(table) for table in tables)
    replayed = isinstance(judge, RecordedJudge)
    why = "because the replayed run has none" if replayed else "because calls failed"
    expected = "a verdict for every question" if replayed else "a reply to every call"
    do_next = (
        "give --verdicts a complete run of the same captions"
        if replayed
        else "repeat the same command, which asks only these again"
    )
    return RunIncomplete(
        f"found {failed:,} of {total:,} questions without a verdict {why} ({_common_errors(tables)}); "
        f"expected {expected}; do next: {do_next} ({kept})"
    )


def _common_errors(tables: list[pd.DataFrame]) -> str:
    errors = Counter(error for table in tables for error in table["error"] if error)
    shown = ", ".join(f"{error}: {count:,}" for error, count in errors.most_common(2))
    return shown or "no reason recorded"
