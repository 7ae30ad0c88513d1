"""``vdc score``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from scoring.batch import BatchRound
    from scoring.dry_run import Estimate
    from scoring.options import JudgeOptions
    from scoring.run_folder import Run

LEXICAL_NOTE = (
    "note: the offline judge lexical is used, because no --judge and no server address is set; "
    "its numbers are not comparable with LLM-judged ones"
)


def score(
    predictions: Annotated[Path, typer.Argument(help="File of captions, in any format that vdc validate knows.")],
    benchmark: Annotated[str | None, typer.Option(help="vdc, sample, a folder, or owner/set on the Hub.")] = None,
    revision: Annotated[str | None, typer.Option(help="Revision of a benchmark on the Hub.")] = None,
    section: Annotated[
        list[str] | None,
        typer.Option("--section", "-s", help="Score only this section (repeatable); names a section-less file's."),
    ] = None,
    judge: Annotated[str | None, typer.Option(help="openai, lexical or recorded.")] = None,
    model: Annotated[str | None, typer.Option(help="Judge model, as its server names it.")] = None,
    base_url: Annotated[str | None, typer.Option(help="OpenAI-compatible server, e.g. http://host:8000/v1.")] = None,
    model_revision: Annotated[str | None, typer.Option(help="Revision of the judge model, for the record.")] = None,
    prompts: Annotated[str | None, typer.Option(help="Prompt set: vdc-1, an imported one, or a file.")] = None,
    sampling: Annotated[str, typer.Option(help="greedy, or official (temperature 1.0, no seed).")] = "greedy",
    max_tokens: Annotated[int | None, typer.Option(help="New tokens per reply; default 256.")] = None,
    seed: Annotated[int, typer.Option(help="Sent with every greedy call.")] = 0,
    structured: Annotated[
        bool | None, typer.Option("--structured/--no-structured", help="JSON-schema output; default: own prompts only.")
    ] = None,
    repeats: Annotated[int, typer.Option(help="Judge everything so often, to show the spread.")] = 1,
    concurrency: Annotated[int | None, typer.Option(help="Most calls in flight; default 64.")] = None,
    timeout_s: Annotated[float | None, typer.Option("--timeout", help="Longest wait for a reply, seconds.")] = None,
    give_up_s: Annotated[float, typer.Option("--give-up", help="Stop after so many seconds without a reply.")] = 60.0,
    limit: Annotated[int | None, typer.Option(help="Only the first so many videos.")] = None,
    lenient: Annotated[bool, typer.Option("--lenient", help="Tolerate harmless faults of the file, counted.")] = False,
    questions: Annotated[str, typer.Option(help="full or clean: which questions make the headline.")] = "full",
    clean_list: Annotated[Path | None, typer.Option(help="Clean list; default: the bundled one where it fits.")] = None,
    out: Annotated[Path | None, typer.Option(help="Run folder; default: one under runs/.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace another run that lies there.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count calls, tokens and price; ask nothing.")] = False,
    price_in: Annotated[float, typer.Option(help="Price of a million input tokens.", min=0)] = 0.0,
    price_out: Annotated[float, typer.Option(help="Price of a million output tokens.", min=0)] = 0.0,
    max_cost: Annotated[float | None, typer.Option(help="Stop, resumably, before more than this is spent.")] = None,
    batch: Annotated[bool, typer.Option("--batch", help="Write calls to batch files instead of sending them.")] = False,
    verdicts: Annotated[Path | None, typer.Option(help="Run that the judge recorded replays.")] = None,
    store: Annotated[Path | None, typer.Option(help="Reply store; default: the user's own.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print report.json.")] = False,
) -> None:
    """Score a file of captions: VDCscore with every verdict kept.

    Two calls per question go to the judge; every reply is stored, so a run that stops resumes with the same command.

    Example: vdc score predictions.jsonl --benchmark FOLDER --base-url http://localhost:8000/v1 --model NAME
    """
    from scoring.options import JudgeOptions

    options = JudgeOptions(
        judge=judge,
        model=model,
        base_url=base_url,
        revision=model_revision,
        prompts=prompts,
        sampling=sampling,
        max_tokens=max_tokens,
        seed=seed,
        structured=structured,
        concurrency=concurrency,
        timeout_s=timeout_s,
        give_up_s=give_up_s,
        price_in=price_in,
        price_out=price_out,
        max_cost=max_cost,
        store=store,
        verdicts=verdicts,
    )
    # One section names the section of a file whose rows do not; either way only the named ones are scored.
    only = section[0] if section and len(section) == 1 else None
    choices: dict[str, Any] = {
        "benchmark": benchmark,
        "revision": revision,
        "sections": section or None,
        "section": only,
        "limit": limit,
        "lenient": lenient,
        "questions": questions,
        "clean_list": clean_list,
    }
    if dry_run:
        _print_estimate(_estimate(predictions, options, repeats, choices), as_json)
        _say_lexical(options)
    elif batch:
        _check_batch(repeats, max_cost)
        _run_batch(predictions, options, choices, out, overwrite, as_json)
    else:
        _run(predictions, options, choices, out, overwrite, repeats, as_json)


def _run(
    predictions: Path,
    options: JudgeOptions,
    choices: dict[str, Any],
    out: Path | None,
    overwrite: bool,
    repeats: int,
    as_json: bool,
) -> None:
    from scoring.judges.build import choose_judge
    from scoring.score import score as score_predictions
    from vdc.llm.progress import StderrProgress

    name = choose_judge(options)
    try:
        run = score_predictions(
            predictions,
            options=options,
            out=out,
            overwrite=overwrite,
            repeats=repeats,
            progress=StderrProgress("questions") if name == "openai" else None,
            **choices,
        )
    except KeyboardInterrupt:
        typer.echo("\nvdc: stopped; every reply so far is kept, repeat the same command to resume", err=True)
        sys.exit(130)
    _say_lexical(options)
    _print_run(run, as_json)


def _say_lexical(options: JudgeOptions) -> None:
    """Say that the offline judge was not chosen by the user but by the absence of any other."""
    from scoring.judges.build import choose_judge
    from vdc.settings import lookup

    # After the work, not before it: a refused file ends in one message, the refusal.
    if lookup("judge", options.judge).value is None and choose_judge(options) == "lexical":
        typer.echo(LEXICAL_NOTE, err=True)


def _check_batch(repeats: int, max_cost: float | None) -> None:
    """Refuse what a batch cannot do, rather than leave it out in silence."""
    from vdc.errors import InputError, Problem

    problems = []
    if repeats != 1:
        problems.append(Problem(f"--batch with --repeats {repeats}", "one repetition", "leave out one of the two"))
    if max_cost is not None:
        expected = "no limit, since others send the calls"
        problems.append(
            Problem("--batch with --max-cost", expected, "leave it out; --dry-run shows the price beforehand")
        )
    if problems:
        raise InputError(problems)


def _print_run(run: Run, as_json: bool) -> None:
    from scoring.report.summary import render_summary

    if as_json:
        typer.echo(json.dumps(run.report, indent=2, allow_nan=False))
    else:
        typer.echo(render_summary(run.report))
        if repeats := run.report.get("repeats"):
            typer.echo(f"\n{_spread(repeats)}")
        typer.echo(f"\nreport: {run.folder / 'report.md'}")
    for warning in run.report.get("warnings", ()):
        typer.echo(f"warning: {warning}", err=True)


def _spread(repeats: dict[str, Any]) -> str:
    accuracy, score = repeats["accuracy"], repeats["score"]
    lines = [f"judged {repeats['count']} times; the numbers above are the first's; mean of the sections, each time:"]
    for name, found, factor, digits in (("accuracy %", accuracy, 100, 1), ("score", score, 1, 2)):
        values = "  ".join("-" if value is None else f"{factor * value:.{digits}f}" for value in found["values"])
        deviation = found["standard_deviation"]
        shown = "" if deviation is None else f"   standard deviation {factor * deviation:.{digits + 1}f}"
        lines.append(f"{name:<12} {values}{shown}")
    return "\n".join(lines)


def _run_batch(
    predictions: Path, options: JudgeOptions, choices: dict[str, Any], out: Path | None, overwrite: bool, as_json: bool
) -> None:
    from scoring.batch import score_batch
    from scoring.run_folder import Run

    result = score_batch(predictions, options=options, out=out, overwrite=overwrite, **choices)
    if isinstance(result, Run):
        _print_run(result, as_json)
    elif as_json:
        typer.echo(json.dumps(result.to_json(), indent=2))
    else:
        _print_round(result)


def _print_round(result: BatchRound) -> None:
    from scoring.batch import REPLIES, REQUESTS

    if result.imported or result.errors:
        typer.echo(f"took in {result.imported:,} replies; {result.errors:,} calls failed and wait again")
    typer.echo(f"{result.waiting:,} calls wait in {len(result.requests)} file(s). Run each, for example:")
    for path in result.requests:
        replies = path.with_name(path.name.replace(REQUESTS, REPLIES, 1))
        typer.echo(f"  vllm run-batch -i {path} -o {replies} --model MODEL")
    typer.echo("or send it to a hosted batch endpoint and put its output file into the same folder.")
    typer.echo("Then repeat the same vdc score command: it takes the replies in and goes on.")


def _estimate(predictions: Path, options: JudgeOptions, repeats: int, choices: dict[str, Any]) -> Estimate:
    from scoring.dry_run import estimate_run
    from scoring.plan import make_plan

    return estimate_run(make_plan(predictions, **choices), options, repeats)


def _print_estimate(found: Estimate, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(found.to_json(), indent=2))
        return
    typer.echo(f"judge          {found.judge}{f' ({found.model})' if found.model else ''}")
    typer.echo(f"captions       {found.captions:,}")
    typer.echo(f"questions      {found.questions:,}")
    if found.model is None:
        typer.echo("calls          0 (this judge makes none)")
        return
    typer.echo(f"calls          {found.calls:,} (and one more for every unreadable verdict)")
    typer.echo(f"from store     {found.from_store:,}")
    typer.echo(f"input tokens   about {found.input_tokens:,} (4 characters a token)")
    typer.echo(f"output tokens  at most {found.output_tokens_at_most:,}")
    if found.cost_at_most is None:
        typer.echo("price          give --price-in and --price-out (per million tokens) to see it")
    else:
        typer.echo(f"price          at most {found.cost_at_most:,.2f}")
