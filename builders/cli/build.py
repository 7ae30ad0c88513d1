"""``vdc build``: one subcommand per kind of thing that is built, each loaded when it is called."""

from __future__ import annotations

from typing import Any, Final

import typer
import typer.main
from typer.core import TyperGroup

from vdc.commands import Command, resolve

SUBCOMMANDS: Final[dict[str, Command]] = {
    command.name: command
    for command in (
        Command(
            "synthetic", "builders.cli.build_synthetic:synthetic", "A benchmark of drawn videos with known answers."
        ),
        Command("benchmark", "builders.cli.build_benchmark:benchmark", "A benchmark from videos of your own."),
        Command("trainset", "builders.cli.trainset:app", "A set to train on, from published captions and talks."),
    )
}
"""Name -> where its function is and its line of help."""


class LazyGroup(TyperGroup):
    """A group whose subcommands stand in a table and are imported when they are called."""

    def list_commands(self, ctx: Any) -> list[str]:
        """All names, in the order of the table."""
        del ctx
        return list(SUBCOMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of a name; None where there is none."""
        del ctx
        command = SUBCOMMANDS.get(cmd_name)
        if command is None:
            return None
        target = resolve(command.target)
        if isinstance(target, typer.Typer):
            return typer.main.get_command(target)
        single = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
        single.command(command.name, short_help=command.help)(target)
        return typer.main.get_command(single)


app = typer.Typer(
    cls=LazyGroup,
    help="Make a benchmark, drawn (synthetic) or from videos of your own (benchmark), or a set to train on (trainset).",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)


@app.callback()
def build() -> None:
    """Make a benchmark, drawn (synthetic) or from videos of your own (benchmark), or a set to train on (trainset)."""
