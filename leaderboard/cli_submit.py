"""``vdc submit``: needs no extra packages, only a board somewhere."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from leaderboard.client import BoardClient, FormFile

TOKEN_VARIABLE = "VDC_LEADERBOARD_TOKEN"  # noqa: S105  (the name of the variable)
URL_VARIABLE = "VDC_LEADERBOARD_URL"


def submit(
    what: Annotated[Path, typer.Argument(help="File of captions, or the folder of a run.")],
    url: Annotated[str | None, typer.Option(help=f"The board; default: {URL_VARIABLE}.")] = None,
    model: Annotated[str | None, typer.Option(help="The captioner's name; default: the file's name.")] = None,
    predictions: Annotated[
        Path | None, typer.Option(help="With a run: the captions it was made of, so that it can be verified.")
    ] = None,
    benchmark: Annotated[str | None, typer.Option(help="The board's name of it; default: found by the videos.")] = None,
    section: Annotated[str | None, typer.Option(help="Section of a file whose rows do not name theirs.")] = None,
    private: Annotated[bool, typer.Option("--private", help="Score it, but do not show it on the board.")] = False,
    frames: Annotated[int | None, typer.Option(help="Frames per video.", min=1)] = None,
    tokens_per_frame: Annotated[int | None, typer.Option(help="Visual tokens per frame.", min=1)] = None,
    model_url: Annotated[str, typer.Option(help="Where the captioner can be found.")] = "",
    note: Annotated[str, typer.Option(help="Free text for readers.")] = "",
    wait: Annotated[bool, typer.Option("--wait", help="Follow it to the end.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the submission as JSON.")] = False,
) -> None:
    """Submit captions or a run to a board; the same again is the same submission.

    The token is read from VDC_LEADERBOARD_TOKEN. With --wait the exit code is 1 where it is rejected or fails.

    Example: vdc submit predictions.jsonl --url http://localhost:8321 --model "My captioner" --wait
    """
    from leaderboard.client import BoardClient
    from vdc.errors import InputError, Problem

    # A file with a line's end, from any system, is how people keep a token.
    address, token = url or os.environ.get(URL_VARIABLE), os.environ.get(TOKEN_VARIABLE, "").strip()
    problems = []
    if not (token.isascii() and token.isprintable()):
        found, expected = f"{TOKEN_VARIABLE} with characters that no token has", "letters, digits, - and _"
        problems.append(Problem(found, expected, "copy the token again, as it was printed"))
    if not address:
        problems.append(Problem("no board", "its address", f"add --url, or set {URL_VARIABLE}"))
    if not token:
        do_next = f"set {TOKEN_VARIABLE}; the people who run the board make one with vdc leaderboard token create"
        problems.append(Problem("no token", "a token of this board", do_next))
    files, found_problems = _files(what, predictions)
    problems += found_problems
    if problems:
        raise InputError(problems)
    texts = {
        "model_name": model or what.name.removesuffix(".gz").rpartition(".")[0] or what.name,
        "benchmark": benchmark,
        "section": section,
        "private": "true" if private else None,
        "frames": frames,
        "tokens_per_frame": tokens_per_frame,
        "model_url": model_url,
        "note": note,
    }
    client = BoardClient(address or "", token)
    view = client.submit({name: str(text) for name, text in texts.items() if text}, files, _progress())
    if wait and not view["final"]:
        view = client.wait(view["id"], _report)
    if as_json:
        typer.echo(json.dumps(view, indent=2))
    else:
        _print(view)
        if not view["final"] and not wait:
            typer.echo("follow it with the same command and --wait; nothing is sent or scored twice")
        if view["run_id"]:
            _print_numbers(client, view["run_id"])
    if view["state"] in ("rejected", "failed"):
        raise typer.Exit(1)


def _files(what: Path, predictions: Path | None) -> tuple[list[FormFile], list[Any]]:
    from leaderboard.client import FormFile
    from vdc.errors import Problem

    if what.is_dir():
        named = [("run_record", what / "run.json"), ("verdicts", what / "verdicts.parquet")]
        if predictions is not None:
            named.append(("predictions", predictions))
    else:
        named = [("predictions", what)]
    problems = [
        Problem("no such file", "an existing file", "check the path", str(path))
        for _, path in named
        if not path.is_file()
    ]
    if predictions is not None and not what.is_dir():
        problems.append(Problem("--predictions with a file of captions", "it with a run folder only", "leave it out"))
    return [FormFile(field, path) for field, path in named], problems


def _progress() -> Any:
    """A function that shows on a terminal how much was sent; silent elsewhere."""
    if not sys.stderr.isatty():
        return None

    def show(sent: int, total: int) -> None:
        end = "\n" if sent == total else ""
        unit, size = ("MB", 1e6) if total >= 1e6 else ("kB", 1e3)
        sys.stderr.write(f"\rsent {sent / size:.1f} of {total / size:.1f} {unit} ({100 * sent // total} %){end}")
        sys.stderr.flush()

    return show


def _report(view: dict[str, Any]) -> None:
    position = f", place {view['position']} in the queue" if view["position"] else ""
    typer.echo(f"{view['state']}{position}", err=True)


def _print(view: dict[str, Any]) -> None:
    typer.echo(f"submission {view['id']}: {view['state']}")
    if view["reason"]:
        typer.echo(view["reason"])
    if view["row"]:
        typer.echo(f"row: {view['row']}{'; ' + view['row_reason'] if view['row_reason'] else ''}")


def _print_numbers(client: BoardClient, run_id: str) -> None:
    run = client.run(run_id)
    report = run["report"]
    average = report["average"]
    left = {name: report["coverage"].get(name, 0) for name in ("missing", "empty")}
    if any(left.values()):
        words = ", ".join(f"{count:,} {name}" for name, count in left.items() if count)
        typer.echo(f"captions that count as wrong: {words}, of {report['coverage']['expected']:,}")
    if average["accuracy"] is None:
        for section, row in report["sections"].items():
            typer.echo(f"{section}: {_numbers(row)}")
    else:
        typer.echo(f"average: {_numbers(average)}")
    if not report["judge"]["comparable"]:
        typer.echo(f"judge {run['judge']}: not comparable with LLM-judged numbers")
    if page := client.run_page(run):
        typer.echo(f"see {page}")


def _numbers(row: dict[str, Any]) -> str:
    if row["accuracy"] is None:
        return "no number"
    ends = row["accuracy_ci95"]
    interval = f" (95 % interval {100 * ends[0]:.2f} to {100 * ends[1]:.2f})" if ends else ""
    return f"accuracy {100 * row['accuracy']:.2f} %{interval}, score {row['score']:.2f}"
