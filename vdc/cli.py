"""The front door ``vdc``: resolves the one command that is called and turns expected failures into exit codes."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence
from io import TextIOWrapper
from typing import Any

from vdc._version import __version__
from vdc.commands import COMMANDS, Command, resolve
from vdc.errors import InputError, VdcError, unknown_name


def build_app(called: str | None) -> Any:
    """The Typer application with ``called`` resolved and every other command as a name with its line of help."""
    import typer

    app = typer.Typer(
        name="vdc",
        help="Score, compare and reproduce detailed video captioners.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )

    def show_version(value: bool) -> None:
        if value:
            typer.echo(f"vdc-toolkit {__version__}")
            raise typer.Exit

    @app.callback()
    def front_door(
        version: bool = typer.Option(
            False, "--version", callback=show_version, is_eager=True, help="Show the version."
        ),
    ) -> None:
        """Score, compare and reproduce detailed video captioners."""

    for command in COMMANDS:
        target = resolve(command.target) if command.name == called else _placeholder(command)
        if isinstance(target, typer.Typer):
            app.add_typer(target, name=command.name, help=command.help)
        else:
            app.command(command.name, short_help=command.help)(target)
    return app


def _placeholder(command: Command) -> Any:
    def not_called() -> None:
        """Stands in the help list; never runs, because a called command is resolved first."""

    not_called.__doc__ = command.help
    return not_called


def _called_command(arguments: Sequence[str]) -> str | None:
    return next((argument for argument in arguments if not argument.startswith("-")), None)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run ``vdc``. Exit codes: 0 done, 1 the run failed, 2 bad usage or bad input, 130 stopped by Ctrl-C."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        _start_output()
        build_app(_called_command(given))(args=given, prog_name="vdc")
    except VdcError as error:
        if os.environ.get("VDC_TRACEBACK"):
            raise
        print(f"vdc: {_printable(str(error))}", file=sys.stderr)  # noqa: T201  (the one place that prints errors)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        # The reader of stdout went away (vdc ... | head): not a failure of ours. Point stdout elsewhere so that the
        # interpreter's last flush does not complain.
        _silence_stdout()
        sys.exit(0)
    except OSError as error:
        # A full disk, a folder that went away: the user's machine, not a defect that a traceback would help with.
        if os.environ.get("VDC_TRACEBACK"):
            raise
        _silence_stdout()
        place = f"{error.filename}: " if isinstance(error.filename, str) else ""
        message = (
            f"{place}found that the system refused ({error.strerror or error}); expected files and folders that can be "
            "read and written; do next: make room or correct the path, then repeat the command"
        )
        print(f"vdc: {_printable(message)}", file=sys.stderr)  # noqa: T201
        sys.exit(1)
    except KeyboardInterrupt:
        print("vdc: stopped", file=sys.stderr)  # noqa: T201
        sys.exit(130)


def _start_output() -> None:
    """Set the log level; let names of files that the terminal cannot show be printed rather than end the command."""
    level = os.environ.get("VDC_LOG", "WARNING").upper()
    levels = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
    if level not in levels:
        raise InputError(unknown_name("level in VDC_LOG", level, levels))
    logging.basicConfig(level=level, format="%(levelname)s %(message)s")
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def _silence_stdout() -> None:
    """Point stdout elsewhere, so that what could not be written is not tried again when the interpreter ends."""
    try:
        descriptor = sys.stdout.fileno()
    except (OSError, ValueError):
        return
    os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)


def _printable(text: str) -> str:
    # Messages quote what was found in files; control characters must not reach the terminal.
    return "".join(
        character if character in "\n\t" or character.isprintable() else f"\\x{ord(character):02x}"
        for character in text
    )
