"""``vdc score-qa``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from scoring.dry_run import Estimate
    from scoring.options import JudgeOptions


def score_qa(
    answers: Annotated[Path, typer.Argument(help="Answers of a model: JSON Lines or a JSON list.")],
    task: Annotated[
        list[str] | None,
        typer.Option("--task", "-t", help="qa, correctness, detail, context, temporal or consistency (repeatable)."),
    ] = None,
    questions: Annotated[
        Path | None, typer.Option(help="The dataset's questions: those without an answer then count as wrong.")
    ] = None,
    golds: Annotated[Path | None, typer.Option(help="The dataset's answers, where they are a file apart.")] = None,
    judge: Annotated[str | None, typer.Option(help="openai or lexical.")] = None,
    model: Annotated[str | None, typer.Option(help="Judge model, as its server names it.")] = None,
    base_url: Annotated[str | None, typer.Option(help="OpenAI-compatible server, e.g. http://host:8000/v1.")] = None,
    model_revision: Annotated[str | None, typer.Option(help="Revision of the judge model, for the record.")] = None,
    sampling: Annotated[str, typer.Option(help="greedy, or official (temperature 1.0, no seed).")] = "greedy",
    max_tokens: Annotated[int | None, typer.Option(help="New tokens per reply; default 256.")] = None,
    seed: Annotated[int, typer.Option(help="Sent with every greedy call.")] = 0,
    structured: Annotated[bool, typer.Option("--structured/--no-structured", help="JSON-schema output.")] = True,
    concurrency: Annotated[int | None, typer.Option(help="Most calls in flight; default 64.")] = None,
    timeout_s: Annotated[float | None, typer.Option("--timeout", help="Longest wait for a reply, seconds.")] = None,
    give_up_s: Annotated[float, typer.Option("--give-up", help="Stop after so many seconds without a reply.")] = 60.0,
    out: Annotated[Path | None, typer.Option(help="Run folder; default: one under runs/.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace another run that lies there.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count calls, tokens and price; ask nothing.")] = False,
    price_in: Annotated[float, typer.Option(help="Price of a million input tokens.", min=0)] = 0.0,
    price_out: Annotated[float, typer.Option(help="Price of a million output tokens.", min=0)] = 0.0,
    max_cost: Annotated[float | None, typer.Option(help="Stop, resumably, before more than this is spent.")] = None,
    store: Annotated[Path | None, typer.Option(help="Reply store; default: the user's own.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print report.json.")] = False,
) -> None:
    """Score answers to questions about videos: accuracy and score, or the five Video-ChatGPT dimensions.

    Every reply is stored, so a run that stops resumes with the same command.

    Example: vdc score-qa msvd.jsonl --base-url http://localhost:8000/v1 --model NAME
    """
    from scoring.options import JudgeOptions

    options = JudgeOptions(
        judge=judge,
        model=model,
        base_url=base_url,
        revision=model_revision,
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
    )
    if dry_run:
        from scoring.video_qa.run import estimate_video_qa, make_plan

        plan = make_plan(answers, tasks=task or (), questions=questions, golds=golds)
        _print_estimate(estimate_video_qa(plan, options), as_json)
    else:
        _run(answers, task or [], questions, golds, options, out, overwrite, as_json)


def _run(
    answers: Path,
    tasks: list[str],
    questions: Path | None,
    golds: Path | None,
    options: JudgeOptions,
    out: Path | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    from scoring.video_qa.report import REPORT_MARKDOWN, render_summary
    from scoring.video_qa.run import score_video_qa
    from vdc.llm.progress import StderrProgress

    try:
        run = score_video_qa(
            answers,
            tasks=tasks,
            questions=questions,
            golds=golds,
            out=out,
            overwrite=overwrite,
            options=options,
            progress=StderrProgress("answers"),
        )
    except KeyboardInterrupt:
        typer.echo("\nvdc: stopped; every reply so far is kept, repeat the same command to resume", err=True)
        sys.exit(130)
    if as_json:
        typer.echo(json.dumps(run.report, indent=2, allow_nan=False))
    else:
        typer.echo(render_summary(run.report))
        typer.echo(f"\nreport: {run.folder / REPORT_MARKDOWN}")
    for warning in run.report["warnings"]:
        typer.echo(f"warning: {warning}", err=True)


def _print_estimate(found: Estimate, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(found.to_json(), indent=2))
        return
    typer.echo(f"judge          {found.judge}{f' ({found.model})' if found.model else ''}")
    typer.echo(f"answers        {found.captions:,}, graded {found.questions:,} times in all")
    typer.echo(f"calls          {found.calls:,} (and one more for every unreadable reply)")
    typer.echo(f"from store     {found.from_store:,}")
    typer.echo(f"input tokens   about {found.input_tokens:,} (4 characters a token)")
    typer.echo(f"output tokens  at most {found.output_tokens_at_most:,}")
    if found.cost_at_most is not None:
        typer.echo(f"price          at most {found.cost_at_most:,.2f}")
