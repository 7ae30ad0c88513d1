"""What a worker does with a submission's files: numbers, verdicts, and whether the board stands behind them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leaderboard.benchmarks import Benchmarks
from leaderboard.db.models import RunStatus, SubmissionKind
from leaderboard.intake import PREDICTIONS, RUN_RECORD, VERDICTS, check_questions
from leaderboard.settings import BoardSettings, judge_options
from leaderboard.verification import Check, compare_sample, draw_sample, not_checked, same_judge
from vdc.benchmark.model import Benchmark
from vdc.errors import InputError, Problem, RunFailed

if TYPE_CHECKING:
    from scoring.options import JudgeOptions
    from scoring.report.facts import RunFacts
    from scoring.report.folder import Run as StoredRun
    from vdc.llm.endpoint import Endpoint


@dataclass(frozen=True)
class Outcome:
    """What scoring found.

    Args:
        report: The content of ``report.json``, made here from the verdicts; a submitted report is never believed.
        record: The content of ``run.json``.
        verdicts: The verdict table as a file.
        record_path: The run record as a file.
        status: Verified or reported.
        check: Of a submitted run; None where the board judged everything itself.
    """

    report: Mapping[str, Any]
    record: Mapping[str, Any]
    verdicts: Path
    record_path: Path
    status: RunStatus
    check: Check | None = None


def score_files(
    kind: SubmissionKind,
    folder: Path,
    benchmarks: Benchmarks,
    benchmark: str,
    details: Mapping[str, Any],
    settings: BoardSettings,
    sample_seed: int,
    store: Path | None = None,
) -> Outcome:
    """Score the files of one submission.

    Args:
        kind: Predictions or a run.
        folder: Holds the files under their roles; new files are written beside them.
        benchmarks: The board's.
        benchmark: The board's name of the benchmark.
        details: What the submitter said.
        settings: Judge and rules.
        sample_seed: Decides which questions of a submitted run are judged again.
        store: The submission's reply store; None takes the user's.

    Raises:
        InputError: Something is wrong with the files.
        RunFailed: The judge cannot be used, or left questions open.
    """
    from scoring.options import JudgeOptions

    options = JudgeOptions(**judge_options(settings), store=store)
    loaded = benchmarks.load(benchmark)
    if kind is SubmissionKind.RUN:
        return _check_run(folder, loaded, options, settings, sample_seed)
    from scoring.score import score

    run = score(
        folder / PREDICTIONS,
        benchmark=loaded,
        section=details.get("section"),
        out=folder / "scored",
        options=with_usable_judge(options),
        overwrite=True,
        plots=False,
    )
    return _outcome(run.folder, run.report, RunStatus.VERIFIED, None)


def check_judge(settings: BoardSettings) -> None:
    """Refuse a judge that can never be used as it is configured; whether its server answers is not asked.

    Raises:
        InputError: It has no address, its prompts are unknown, or a part of it is missing.
    """
    from scoring.options import JudgeOptions

    _endpoint_of(JudgeOptions(**judge_options(settings)))


def with_usable_judge(options: JudgeOptions) -> JudgeOptions:
    """The options with the judge's model named.

    Raises:
        RunFailed: The board's judge cannot be used now: nothing that a submitter could correct.
    """
    from dataclasses import replace

    from scoring.judges.build import model_of

    try:
        endpoint = _endpoint_of(options)
        return options if endpoint is None else replace(options, model=model_of(options, endpoint))
    except InputError as error:
        raise RunFailed(f"this board's judge cannot be used: {error}") from error


def _endpoint_of(options: JudgeOptions) -> Endpoint | None:
    """Where the judge is asked, None for one without a server; all that is needed beside the server is there."""
    from scoring.judges.build import build_offline, choose_judge, endpoint_of
    from scoring.prompts.catalog import load_prompts
    from vdc.settings import lookup

    name = choose_judge(options)
    if name != "openai":
        build_offline(name, options)
        return None
    load_prompts(lookup("prompts", options.prompts).value or "vdc-1")
    return endpoint_of(options)


def _check_run(
    folder: Path, benchmark: Benchmark, options: JudgeOptions, settings: BoardSettings, seed: int
) -> Outcome:
    from scoring.report.folder import read_run

    claimed = read_run(folder)
    sections = check_questions(claimed.verdicts, benchmark)
    part = benchmark.select([section for section in benchmark.sections if section in sections])
    captions = folder / PREDICTIONS
    if captions.is_file():
        replayed = _replay(folder, part)
        check, own = _judge_again(replayed, part, captions, options, settings, seed)
    else:
        replayed, own = claimed, None
        check = not_checked("the captions were not handed in, so nothing could be judged again")
    report = _report(replayed, claimed, part, own if check.verified else None)
    if report["incomplete"]:
        found = f"{sum(row['failed'] for row in report['sections'].values()):,} questions without a verdict"
        raise InputError(Problem(found, "a complete run", "resume it with the same vdc score command", VERDICTS))
    status = RunStatus.VERIFIED if check.verified else RunStatus.REPORTED
    return Outcome(report, claimed.record, replayed.folder / VERDICTS, folder / RUN_RECORD, status, check)


def _replay(folder: Path, part: Benchmark) -> StoredRun:
    """The run made again from the judge's own words: match and score are read here, not taken as claimed."""
    from scoring.report.folder import read_run
    from scoring.score import score

    run = score(
        folder / PREDICTIONS,
        benchmark=part,
        sections=list(part.sections),
        judge="recorded",
        verdicts=folder,
        out=folder / "replayed",
        overwrite=True,
        plots=False,
        lenient=True,
    )
    return read_run(run.folder)


def _judge_again(
    run: StoredRun, part: Benchmark, captions: Path, options: JudgeOptions, settings: BoardSettings, seed: int
) -> tuple[Check, RunFacts | None]:
    """What judging again came to, and how it was judged here."""
    from scoring.report.folder import read_run
    from scoring.score import score

    claimed = dict(run.facts.judge.get("recorded_from") or run.facts.judge)
    judged = run.verdicts[run.verdicts["status"].isin(["judged", "unparsed"])]
    keys = frozenset(zip(judged["video_id"], judged["section"], strict=True))
    sample = draw_sample(part, keys, settings.verification.questions, seed)
    if not sample.questions:
        return not_checked("no question could be judged again: the run has no captions"), None
    again = score(
        captions,
        benchmark=sample,
        sections=list(sample.sections),
        options=with_usable_judge(options),
        out=captions.parent / "judged-again",
        overwrite=True,
        plots=False,
        # The sample has few of the videos; the rest of the file is no fault here.
        lenient=True,
    )
    report = again.report
    if why := same_judge(claimed, report["judge"], run.facts.prompts.get("sha256"), report["prompts"]["sha256"]):
        return not_checked(why), None
    return compare_sample(run.verdicts, again.verdicts, settings.verification, seed), read_run(again.folder).facts


def _report(replayed: StoredRun, claimed: StoredRun, part: Benchmark, own: RunFacts | None) -> dict[str, Any]:
    """The report over the replayed verdicts, under this board's judge where the run is verified.

    Otherwise who judged is a claim, and nothing that is only claimed can stand beside judged numbers.
    """
    from dataclasses import replace

    from scoring.report.build import build_report

    told = own or claimed.facts
    judge = {
        key: told.judge.get(key)
        for key in ("kind", "model", "revision", "sampling", "comparable", "match_share", "sentences_in_answer")
        if key in told.judge
    }
    if own is None:
        judge["comparable"] = False
    facts = replace(
        replayed.facts,
        judge={"kind": None, "model": None, "comparable": False, **judge},
        prompts={key: told.prompts.get(key) for key in ("name", "sha256", "published")},
        # The board's own benchmark: its questions were compared with the run's one by one.
        benchmark={
            "name": part.name,
            "source": part.source,
            "revision": part.revision,
            "files": dict(part.files),
            "sections": list(part.sections),
            "limit": part.limit,
        },
    )
    return build_report(replayed.verdicts, facts)


def _outcome(folder: Path, report: Mapping[str, Any], status: RunStatus, check: Check | None) -> Outcome:
    from vdc.records import read_record

    return Outcome(report, read_record(folder), folder / VERDICTS, folder / RUN_RECORD, status, check)
