"""The front door ``vdc``: resolves the one command that is called and turns expected failures into exit codes."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence
from typing import Any

from vdc._version import __version__
from vdc.commands import COMMANDS, Command, resolve
from vdc.errors import VdcError


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
    logging.basicConfig(level=os.environ.get("VDC_LOG", "WARNING").upper(), format="%(levelname)s %(message)s")
    try:
        build_app(_called_command(given))(args=given, prog_name="vdc")
    except VdcError as error:
        if os.environ.get("VDC_TRACEBACK"):
            raise
        print(f"vdc: {_printable(str(error))}", file=sys.stderr)  # noqa: T201  (the one place that prints errors)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        # The reader of stdout went away (vdc ... | head): not a failure of ours. Point stdout elsewhere so that the
        # interpreter's last flush does not complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except KeyboardInterrupt:
        print("vdc: stopped", file=sys.stderr)  # noqa: T201
        sys.exit(130)


def _printable(text: str) -> str:
    # Messages quote what was found in files; control characters must not reach the terminal.
    return "".join(
        character if character in "\n\t" or character.isprintable() else f"\\x{ord(character):02x}"
        for character in text
    )
