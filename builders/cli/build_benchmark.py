"""``vdc build benchmark``."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from builders.benchmark.build import BuildOptions, BuildResult
    from builders.benchmark.config import ConfigFile

SHOWN_FAILURES = 10


def benchmark(
    config: Annotated[Path, typer.Argument(help="YAML or TOML file; see examples/build_benchmark.yaml.")],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder of the build; default: the file's.")] = None,
    until: Annotated[
        str | None,
        typer.Option(
            help="Stop after this step: sources, clips, frames, captions, questions, audit, review or publish."
        ),
    ] = None,
    redo: Annotated[str | None, typer.Option(help="Do this step and all after it again.")] = None,
    base_url: Annotated[str | None, typer.Option(help="OpenAI-compatible server whose model takes images.")] = None,
    model: Annotated[str | None, typer.Option(help="Model, as its server names it.")] = None,
    engine: Annotated[str, typer.Option(help="local, or ray for many machines with a common folder.")] = "local",
    workers: Annotated[int, typer.Option(help="Videos worked on at once; 0: one per core.", min=0)] = 0,
    review: Annotated[bool, typer.Option("--review", help="Open the page on which a person decides.")] = False,
    push: Annotated[bool, typer.Option("--push", help="Upload to publish.repo on the Hub at the end.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show which steps would be done, and the calls.")] = False,
    store: Annotated[Path | None, typer.Option(help="Reply store; default: the user's own.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Make a benchmark from videos: clips, key frames, captions, questions, audit, review, publish.

    May be stopped at any time; the same command goes on and asks the model nothing twice. Exit code 1 says that
    something was left out because it failed; what rules leave out is no failure.

    Example: vdc build benchmark build.yaml --base-url http://localhost:8000/v1
    """
    from builders.benchmark.build import BuildOptions, build_benchmark, build_folder, plan
    from builders.benchmark.config import read_config
    from vdc.llm.progress import StderrProgress

    file = read_config(config)
    options = BuildOptions(out, until, redo, engine, workers, base_url, model, store, push)
    if review:
        raise typer.Exit(open_review(config, build_folder(file, options)))
    if dry_run:
        steps = [asdict(step) for step in plan(file, options)]
        calls = planned_calls(file, options)
        lines = [f"{step['name']:<10} {step['state']}" for step in steps]
        lines += [f"{step:<10} {words}" for step, words in calls.items()]
        typer.echo(json.dumps({"steps": steps, "calls": calls}, indent=2) if as_json else "\n".join(lines))
        return

    def tell(line: str) -> None:
        typer.echo(line, err=True)

    result = build_benchmark(file, options, told=tell, progress=lambda noun: StderrProgress(noun))
    typer.echo(json.dumps(as_record(result), indent=2) if as_json else "\n".join(format_result(result)))
    if not result.complete:
        raise typer.Exit(1)


def as_record(result: BuildResult) -> dict[str, Any]:
    """The result as JSON value."""
    return {
        "schema_version": 1,
        "folder": str(result.folder),
        "complete": result.complete,
        "done_now": list(result.done_now),
        "steps": {name: asdict(record) for name, record in result.steps.items()},
        "failures": {name: [row.to_json() for row in rows] for name, rows in result.failures.items()},
        "commit": result.commit,
    }


def format_result(result: BuildResult) -> list[str]:
    """The result for a terminal: a line per step, then what failed and what to do about it."""
    from builders.benchmark.build import describe

    lines = []
    for name, record in result.steps.items():
        state = "" if name in result.done_now else " (done before)"
        lines.append(f"{name:<10} {describe(record)}{state}")
    for name, rows in result.failures.items():
        lines += ["", f"failed in {name}: {len(rows)}"]
        lines += [
            _printable(f"  {row.key}: found {row.found}; do next: {row.do_next}") for row in rows[:SHOWN_FAILURES]
        ]
        if len(rows) > SHOWN_FAILURES:
            lines.append(f"  ... and {len(rows) - SHOWN_FAILURES} more in {result.folder / name / 'dropped.jsonl'}")
    if "publish" in result.steps:
        lines += ["", f"published: {result.folder / 'published'}"]
    if result.commit is not None:
        lines.append(f"uploaded: commit {result.commit}")
    return lines


def planned_calls(file: ConfigFile, options: BuildOptions) -> dict[str, str]:
    """Step -> the model calls that it makes at least, in words; calls already answered are in the store and free."""
    from builders.benchmark.build import build_folder
    from builders.benchmark.manifest import read_ledger
    from vdc.sections import SECTIONS

    ledger = read_ledger(build_folder(file, options))
    clips = next((ledger[step].kept for step in ("frames", "clips") if step in ledger), None)
    if clips is None:
        unknown = "calls: known after --until frames"
        return {"captions": unknown, "questions": unknown}
    per_section = len(SECTIONS) * clips
    again = file.config.captions.attempts
    return {
        "captions": f"calls: {per_section:,} (at most {again * per_section:,}), less what the store answers",
        "questions": f"calls: {per_section:,} (at most {file.config.questions.rounds * per_section:,}), less the same",
    }


def open_review(config: Path, folder: Path) -> int:
    """Runs the review page until Ctrl-C; returns the page's exit code.

    Raises:
        MissingExtra: Streamlit is not installed.
    """
    import subprocess
    from importlib.util import find_spec

    from vdc.errors import MissingExtra

    if find_spec("streamlit") is None:
        raise MissingExtra("the review page", "builders")
    spec = find_spec("builders.benchmark.review_page")
    page = str(spec.origin) if spec is not None else ""
    command = [sys.executable, "-m", "streamlit", "run", page, "--browser.gatherUsageStats", "false"]
    # Streamlit listens on every network by default, and whoever reaches the page decides
    if "STREAMLIT_SERVER_ADDRESS" not in os.environ:
        command += ["--server.address", "localhost"]
    # the arguments are paths of this call; no shell sees them
    return subprocess.run([*command, "--", str(config), str(folder)], check=False).returncode  # noqa: S603


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in text)
