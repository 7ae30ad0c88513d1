"""``vdc data``: look at, fetch or export a benchmark."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from vdc.benchmark.load import load_benchmark
from vdc.benchmark.summary import BenchmarkSummary, summarise
from vdc.sections import Section
from vdc.settings import lookup

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Look at, fetch or export a benchmark.")

_NAME = Annotated[
    str | None,
    typer.Argument(
        metavar="NAME|DIR",
        help="sample, vdc (the published set), owner/set on the Hub, a folder, or an export. Default: the setting "
        "'benchmark', else sample.",
        show_default=False,
    ),
]
_REVISION = Annotated[str | None, typer.Option(help="Branch, tag or commit on the Hub.", show_default=False)]
_JSON = Annotated[bool, typer.Option("--json", help="Print JSON.")]

SHOWN_IDS = 4
"""Ids listed per line of duplicates or missing ones; --json lists all."""

SHOWN_CATEGORIES = 10


@app.command()
def info(name: _NAME = None, revision: _REVISION = None, as_json: _JSON = False) -> None:
    """Count what a benchmark holds.

    Videos, questions per section, duplicate and missing ids, forms of ids, words of gold captions, files with hashes.

    Example: vdc data info sample
    """
    summary = summarise(load_benchmark(lookup("benchmark", name).value, revision=revision))
    if as_json:
        typer.echo(json.dumps(summary.as_json(), indent=2, ensure_ascii=False))
    else:
        typer.echo("\n".join(format_summary(summary)))


@app.command()
def pull(
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to write to.", show_default=False)],
    name: Annotated[str, typer.Argument(help="vdc (the published set) or owner/set on the Hub.")] = "vdc",
    revision: _REVISION = None,
    replace: Annotated[bool, typer.Option("--replace", help="Write over files of other content.")] = False,
    as_json: _JSON = False,
) -> None:
    """Copy a set on the Hub into a folder.

    Questions and gold captions only, no videos. The folder keeps the set's name and commit.

    Example: vdc data pull --out vdc-benchmark
    """
    from vdc.benchmark.pull import pull as pull_files

    typer.echo(f"fetching {name} from the Hub", err=True)
    origin = pull_files(name, out, revision=revision, replace=replace)
    if as_json:
        record = {"name": origin.name, "revision": origin.revision, "folder": str(out), "files": dict(origin.files)}
        typer.echo(json.dumps(record, indent=2))
        return
    typer.echo(f"{origin.name} at {origin.revision}")
    for file, digest in origin.files.items():
        typer.echo(f"  {digest[:12]}  {file}")
    typer.echo(f"written to {out}; next: vdc data info {out}")


@app.command()
def export(
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to write to.", show_default=False)],
    name: _NAME = None,
    section: Annotated[list[str] | None, typer.Option(help="Only this section; repeat for more.")] = None,
    limit: Annotated[int | None, typer.Option(help="Only the first so many videos.", show_default=False)] = None,
    revision: _REVISION = None,
    as_json: _JSON = False,
) -> None:
    """Write a benchmark as Parquet.

    A JSON header keeps its name, revision and hashes; every command that takes a benchmark reads the folder.

    Example: vdc data export sample --out sample-parquet
    """
    from vdc.benchmark.parquet import write_export

    benchmark = load_benchmark(
        lookup("benchmark", name).value, sections=section or None, limit=limit, revision=revision
    )
    written = write_export(benchmark, out)
    if as_json:
        record = {
            "name": benchmark.name,
            "revision": benchmark.revision,
            "videos": len(benchmark.videos),
            "questions": benchmark.question_count,
            "folder": str(out),
            "files": written,
        }
        typer.echo(json.dumps(record, indent=2))
        return
    typer.echo(f"{benchmark.name}: {len(benchmark.videos):,} videos, {benchmark.question_count:,} questions")
    for file, digest in written.items():
        typer.echo(f"  {digest[:12]}  {file}")
    typer.echo(f"written to {out}; next: vdc data info {out}")


def format_summary(summary: BenchmarkSummary) -> list[str]:
    """The figures as lines of at most 80 characters, names of files and ids apart."""
    lines = [
        f"benchmark  {summary.name}",
        f"source     {summary.source}, revision {summary.revision or 'unknown'}",
        f"videos     {summary.videos:,}",
        f"questions  {summary.questions:,}",
    ]
    if summary.words is not None:
        total = summary.statistics.total.captions
        lines.append(f"captions   {total.texts:,} gold, {total.words:,} words, vocabulary {total.vocabulary:,}")
    families = ", ".join(f"{family} {count:,}" for family, count in summary.id_families.items())
    lines += [f"id forms   {families}", "", *_section_table(summary)]
    rows = summary.sections
    twice = {section: row.duplicate_ids for section, row in rows.items()}
    missing = {section: row.missing_ids for section, row in rows.items()}
    lines += _word_table(summary)
    lines += _category_lines(summary)
    lines += _id_lines("ids on more than one line (the last line counts)", twice)
    lines += _id_lines("ids missing here, known to other sections", missing)
    lines += ["", "files (SHA-256)"]
    lines += [f"  {digest[:16]}...  {file}" for file, digest in summary.files.items()]
    return lines


def _section_table(summary: BenchmarkSummary) -> list[str]:
    lines = [
        "                             questions per video     ids              words per",
        "section      videos questions  min  med   mean  max  twice missing  gold caption",
    ]
    for section, row in summary.sections.items():
        words = "-" if row.caption_words is None else f"{row.caption_words:.1f}"
        lines.append(
            f"{section:<12} {row.videos:>6,} {row.questions:>9,} {row.fewest:>4} {row.median:>4} {row.mean:>6.2f} "
            f"{row.most:>4} {len(row.duplicate_ids):>6} {len(row.missing_ids):>7} {words:>13}"
        )
    return lines


def _word_table(summary: BenchmarkSummary) -> list[str]:
    lines = [
        "",
        f"{'':<12}{'gold captions':>22}{'questions':>22}{'gold answers':>22}",
        f"{'words':<12}" + f"{'all':>8}{'distinct':>9}{'mean':>5}".rjust(22) * 3,
    ]
    for name, row in [*summary.statistics.sections.items(), ("together", summary.statistics.total)]:
        cells = [
            f"{text.words:>8,}{text.vocabulary:>8,}{text.mean_words:>6.1f}" if text.mean_words is not None else "-"
            for text in (row.captions, row.questions, row.golds)
        ]
        lines.append(f"{name:<12}" + "".join(f"{cell:>22}" for cell in cells))
    return lines


def _category_lines(summary: BenchmarkSummary) -> list[str]:
    categories = summary.statistics.total.categories
    if not categories:
        return []
    asked = sum(categories.values())
    shown = min(SHOWN_CATEGORIES, len(categories))
    lines = ["", f"categories  {len(categories):,} (normalised); the commonest {shown}:"]
    for name, count in list(categories.items())[:SHOWN_CATEGORIES]:
        lines.append(f"  {name[:40] or '(none)':<40} {count:>7,} {100 * count / asked:>6.1f} %")
    return lines


def _id_lines(title: str, ids_by_section: Mapping[Section, tuple[str, ...]]) -> list[str]:
    lines = ["", title] if any(ids_by_section.values()) else []
    for section, ids in ids_by_section.items():
        lines += [f"  {section:<12} {video}" for video in ids[:SHOWN_IDS]]
        if len(ids) > SHOWN_IDS:
            lines.append(f"  {section:<12} and {len(ids) - SHOWN_IDS:,} more (--json lists all)")
    return lines
