"""``vdc audit``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from builders.audit.board_audit import audit_board, board_json
from builders.audit.run import audit_benchmark, audit_json, has_findings
from vdc.errors import InputError, Problem
from vdc.fileio import write_atomic

SHORT_NAMES = {
    "short": "short",
    "background": "backgr",
    "main_object": "object",
    "camera": "camera",
    "detailed": "detail",
}
"""Section -> column title, so that the table fits 80 columns."""


def audit(
    benchmark: Annotated[
        str,
        typer.Argument(
            metavar="BENCHMARK",
            help="A folder of section files, an export, sample, vdc, owner/set on the Hub; or a board file (a JSON "
            "list of models).",
            show_default=False,
        ),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Write the clean list to this file.", show_default=False)
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option("--report", help="Write the report (Markdown, HTML, plots) to this folder.", show_default=False),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit 1 when a rule of severity error or warning finds anything.")
    ] = False,
    revision: Annotated[str | None, typer.Option(help="Branch, tag or commit on the Hub.", show_default=False)] = None,
) -> None:
    """Find what is wrong with a benchmark's questions, or with a published board file.

    What is found is no failure: the exit code stays 0 unless --strict is given.

    Example: vdc audit sample --out clean.json --report audit-report
    """
    record = _audit_board(benchmark, out, report) if Path(benchmark).is_file() else None
    if record is None:
        record = _audit_benchmark(benchmark, out, report, revision)
    typer.echo(json.dumps(record, indent=2, ensure_ascii=False) if as_json else "\n".join(format_audit(record)))
    if strict and has_findings(record):
        raise typer.Exit(1)


def format_audit(record: Mapping[str, Any]) -> list[str]:
    """The lines of an audit in JSON form for a terminal of 80 columns; rules without findings are counted only."""
    return _format_board(record) if record["kind"] == "board" else _format_benchmark(record)


def _audit_benchmark(name: str, out: Path | None, report: Path | None, revision: str | None) -> dict[str, Any]:
    done = audit_benchmark(name, revision=revision)
    if out is not None:
        # One line per section would be too long to read, one per position too many: a line per video serves both.
        write_atomic(out, _clean_text(done.clean))
        typer.echo(f"clean list: {out}", err=True)
    if report is not None:
        from builders.audit.report import write_benchmark_report

        typer.echo(f"report: {write_benchmark_report(done, report)[-1]}", err=True)
    return audit_json(done)


def _audit_board(name: str, out: Path | None, report: Path | None) -> dict[str, Any]:
    if out is not None:
        raise InputError(
            Problem(
                f"--out {out} with a board file",
                "--out with a benchmark: a board has no clean list",
                "leave --out away; --json prints the findings, --report writes them to a folder",
            )
        )
    done = audit_board(name)
    if report is not None:
        from builders.audit.report import write_board_report

        typer.echo(f"report: {write_board_report(done, report)[-1]}", err=True)
    return board_json(done)


def _clean_text(clean: Mapping[str, Any]) -> str:
    head = {key: value for key, value in clean.items() if key != "removed_questions"}
    sections = []
    for section, videos in clean["removed_questions"].items():
        rows = [f"   {json.dumps(video)}: {json.dumps(row)}" for video, row in videos.items()]
        sections.append(f"  {json.dumps(section)}: {{\n" + ",\n".join(rows) + "\n  }")
    body = "{\n" + ",\n".join(sections) + "\n }" if sections else "{}"
    return json.dumps(head, indent=1, ensure_ascii=False)[:-2] + f',\n "removed_questions": {body}\n}}\n'


def _format_benchmark(record: Mapping[str, Any]) -> list[str]:
    sections: Mapping[str, Any] = record["sections"]
    source = record["benchmark"]
    lines = [
        f"{source['name']} ({source['source']}, revision {source['revision']})",
        "",
        f"{'':<37}" + "".join(f"{SHORT_NAMES[name]:>8}" for name in sections),
    ]
    lines += [
        f"{key:<37}" + "".join(f"{sections[name][key]:>8,}" for name in sections)
        for key in ("rows", "videos", "questions")
    ]
    lines.append("")
    silent = 0
    for rule in next(iter(sections.values()))["rules"]:
        found = [sections[name]["rules"][rule] for name in sections]
        if not any(entry["count"] for entry in found):
            silent += 1
            continue
        lines.append(f"{rule:<28} {found[0]['severity']:<8}" + "".join(f"{entry['count']:>8,}" for entry in found))
    lines.append("")
    for rule, entry in record["cross_section"]["rules"].items():
        if entry["count"]:
            lines.append(f"{rule:<28} {entry['severity']:<8}{entry['count']:>8,}")
        else:
            silent += 1
    clean = record["clean"]
    lines += [
        f"{silent} rules found nothing",
        f"clean list {clean['clean_version']}: {clean['kept']:,} questions kept, {clean['removed']:,} removed",
    ]
    return lines


def _format_board(record: Mapping[str, Any]) -> list[str]:
    board = record["board"]
    lines = [f"{board['name']}: {board['rows']} rows", ""]
    for rule, entry in board["rules"].items():
        if entry["count"]:
            lines.append(f"{rule:<28} {entry['severity']:<8}{entry['count']:>6,}")
            lines += [_item_line(item) for item in entry["items"][:3]]
    silent = sum(not entry["count"] for entry in board["rules"].values())
    return [*lines, "", f"{silent} rules found nothing; --json lists up to 20 findings of each rule"]


def _item_line(item: Mapping[str, Any]) -> str:
    text = f"    {item['model']}: {item['detail']}" if item["model"] else f"    {item['detail']}"
    printable = "".join(character if character.isprintable() else " " for character in text)
    return printable if len(printable) <= 80 else f"{printable[:77]}..."
