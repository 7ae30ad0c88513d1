"""``vdc leaderboard ...``."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from leaderboard.cli_token import token_app
from leaderboard.logs import quiet_libraries

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Run a board: submissions, scoring, rows, tokens.")
rows_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Rows of the board.")
app.add_typer(token_app, name="token")
app.add_typer(rows_app, name="rows")

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
HostOption = Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for all.")]
PortOption = Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)]


@app.command()
def init(
    published: Annotated[
        bool, typer.Option("--published/--empty", help="Import the published rows, too, where there are none.")
    ] = True,
) -> None:
    """Create or upgrade the board's tables; a board without published rows gets them. Any number of times.

    Example: vdc leaderboard init
    """
    from leaderboard.settings import read_settings, require_extra

    require_extra()
    from leaderboard.db.session import writing
    from leaderboard.import_rows import count_reported, import_published
    from leaderboard.services import init_board, open_board

    quiet_libraries()
    settings = read_settings()
    init_board(settings)
    with open_board(settings) as board:
        if published:
            # Somebody may have corrected rows by an import since: this runs at every start of a container.
            with writing(board.engine) as session:
                there = count_reported(session)
                done = None if there else import_published(session)
            typer.echo(
                f"imported {done.added} published rows ({done.updated} were there, {done.flagged} have findings)"
                if done
                else f"{there} published rows are there already, left as they are"
            )
    kind = "SQLite" if settings.is_sqlite else "PostgreSQL"
    typer.echo(f"the board is ready ({kind}); next: vdc leaderboard token create NAME, vdc leaderboard serve")


@app.command()
def api(host: HostOption = "127.0.0.1", port: PortOption = 8321) -> None:
    """Serve the REST API alone.

    Example: vdc leaderboard api --host 0.0.0.0 --port 8321
    """
    from leaderboard.settings import require_extra

    require_extra()
    from leaderboard.serving import serve_api

    serve_api(host, port)


@app.command("app")
def pages(host: HostOption = "127.0.0.1", port: PortOption = 8322) -> None:
    """Serve the pages alone, beside an API and workers on the same board.

    Example: vdc leaderboard app --host 0.0.0.0 --port 8322
    """
    from leaderboard.settings import require_extra

    require_extra()
    from leaderboard.serving import serve_pages

    serve_pages(host, port)


@app.command()
def worker() -> None:
    """Score submissions from the queue until stopped; start as many as you like, on any machine.

    Example: vdc leaderboard worker
    """
    from leaderboard.settings import require_extra

    require_extra()
    from leaderboard.serving import serve_worker

    serve_worker()


@app.command()
def serve(
    host: HostOption = "127.0.0.1",
    port: PortOption = 8321,
    workers: Annotated[int, typer.Option(help="Worker processes.", min=0, max=64)] = 1,
) -> None:
    """Serve API, pages and workers together.

    Example: vdc leaderboard serve --workers 2
    """
    from leaderboard.settings import require_extra

    require_extra()
    from leaderboard.serving import serve_all

    serve_all(host, port, workers)


@app.command("import")
def import_rows(
    file: Annotated[
        Path | None, typer.Argument(help="Published rows, or the official site's file; default: the project's own set.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Import published rows as reported rows, with source and with what the audit finds.

    Example: vdc leaderboard import
    """
    from leaderboard.settings import require_extra

    require_extra()
    from leaderboard.db.session import writing
    from leaderboard.import_rows import import_published
    from leaderboard.services import open_board

    quiet_libraries()
    with open_board() as board, writing(board.engine) as session:
        done = import_published(session, file)
    if as_json:
        typer.echo(json.dumps(asdict(done), indent=2))
        return
    typer.echo(f"added {done.added}, updated {done.updated}; {done.flagged} rows have findings:")
    for rule, count in sorted(done.findings.items()):
        typer.echo(f"  {rule}: {count}")


@app.command()
def backup(file: Annotated[Path, typer.Argument(help="Tar file to write.")]) -> None:
    """Write tables and files into one file; it can be restored into SQLite or PostgreSQL.

    Example: vdc leaderboard backup board.tar
    """
    from leaderboard.settings import require_extra

    require_extra()
    from leaderboard.backup import write_backup
    from leaderboard.services import open_board

    quiet_libraries()
    with open_board() as board:
        done = write_backup(board.engine, board.store, file)
    typer.echo(f"{file}: {sum(done.rows.values()):,} rows, {done.files:,} files")


@app.command()
def restore(file: Annotated[Path, typer.Argument(help="File that backup wrote.")]) -> None:
    """Fill an empty board from a backup.

    Example: vdc leaderboard restore board.tar
    """
    from leaderboard.settings import require_extra

    require_extra()
    from leaderboard.backup import restore_backup
    from leaderboard.services import open_board

    quiet_libraries()
    with open_board() as board:
        done = restore_backup(board.engine, board.store, file)
    typer.echo(
        f"restored {sum(done.rows.values()):,} rows, {done.files:,} files; unfinished submissions go on by themselves"
    )


@rows_app.command("list")
def rows_list(
    protocol: Annotated[str, typer.Option(help="Rule of aggregation for rows made here.")] = "strict",
    kind: Annotated[str | None, typer.Option(help="verified or reported.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Print the board.

    Example: vdc leaderboard rows list --kind verified
    """
    from leaderboard.settings import require_extra

    require_extra()
    from leaderboard.board import BoardQuery, BoardReader
    from leaderboard.board_rows import KINDS, RowKind
    from leaderboard.services import open_board
    from scoring.protocols.rules import PROTOCOLS
    from vdc.errors import InputError, unknown_name

    quiet_libraries()
    problems = [] if protocol in PROTOCOLS else [unknown_name("protocol", protocol, PROTOCOLS)]
    wanted: RowKind | None = next((one for one in KINDS if one == kind), None)
    if kind is not None and wanted is None:
        problems.append(unknown_name("kind", kind, KINDS))
    if problems:
        raise InputError(problems)
    with open_board() as board:
        page = BoardReader(board.engine).page(BoardQuery(protocol=protocol, kind=wanted))
    if as_json:
        typer.echo(page.json.decode())
        return
    group = ""
    for row in page.rows:
        if row.group != group:
            group = row.group
            typer.echo(f"\n{row.group_name}\n{'rank':>5} {'acc %':>6} {'score':>6}  model")
        accuracy, score = row.value("accuracy"), row.value("score")
        shown = f"{100 * accuracy:6.2f}" if accuracy is not None else f"{'-':>6}"
        scored = f"{score:6.2f}" if score is not None else f"{'-':>6}"
        flags = f"  ({len(row.flags)} findings)" if row.flags else ""
        setting = f" [{row.setting}]" if row.setting else ""
        run = f"  run {row.run_id}" if row.run_id else ""
        typer.echo(f"{row.rank or '-':>5} {shown} {scored}  {row.model}{setting}{flags}{run}")


@rows_app.command("rebuild")
def rows_rebuild(run_id: Annotated[str, typer.Argument(help="The run, as rows list shows it.")]) -> None:
    """Compute a row again from its stored verdicts; no judge is asked.

    Example: vdc leaderboard rows rebuild 0123456789abcdef0123456789abcdef
    """
    from leaderboard.settings import require_extra

    require_extra()
    from leaderboard.rebuild import rebuild_row
    from leaderboard.services import open_board

    quiet_libraries()
    with open_board() as board:
        changes = rebuild_row(board, run_id)
    for protocol, (before, after) in changes.items():
        typer.echo(f"{protocol}: {_percent(before)} -> {_percent(after)}")


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.2f} %"
