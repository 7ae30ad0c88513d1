"""``vdc leaderboard token ...``."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from typing import Annotated

import typer

from leaderboard.logs import quiet_libraries

token_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Keys to submit with.")


@token_app.command("create")
def token_create(
    name: Annotated[str, typer.Argument(help="Whose it is.")],
    admin: Annotated[bool, typer.Option("--admin", help="May see and withdraw everybody's submissions.")] = False,
) -> None:
    """Make a token; it is shown once.

    Example: vdc leaderboard token create "vision lab"
    """
    from leaderboard.settings import require_extra

    require_extra()
    from leaderboard.db.session import writing
    from leaderboard.services import open_board
    from leaderboard.tokens import create_token

    quiet_libraries()
    with open_board() as board, writing(board.engine) as session:
        token = create_token(session, name, admin=admin)
    typer.echo(f"token {token.id} for {token.name}; it is shown this once, only its hash is kept:", err=True)
    typer.echo(token.key)
    next_step = "export VDC_LEADERBOARD_TOKEN=..., then vdc submit FILE --url http://127.0.0.1:8321 --wait"
    typer.echo(f"next: {next_step}", err=True)


@token_app.command("list")
def token_list(as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False) -> None:
    """Show all tokens, without their secrets.

    Example: vdc leaderboard token list
    """
    from leaderboard.settings import require_extra

    require_extra()
    from leaderboard.db.session import reading
    from leaderboard.services import open_board
    from leaderboard.tokens import list_tokens

    quiet_libraries()
    with open_board() as board, reading(board.engine) as session:
        tokens = list_tokens(session)
    if as_json:
        typer.echo(json.dumps([asdict(token) for token in tokens], indent=2, default=lambda time: time.isoformat()))
        return
    width = max((len(token.id) for token in tokens), default=0)
    for token in tokens:
        state = f"revoked {token.revoked_at:%Y-%m-%d}" if token.revoked_at else "valid"
        role = "admin" if token.is_admin else ""
        typer.echo(f"{token.id:{width}}  {token.created_at:%Y-%m-%d}  {state:18}  {role:5}  {token.name}")


@token_app.command("revoke")
def token_revoke(token_id: Annotated[str, typer.Argument(help="Its id, as token list shows it.")]) -> None:
    """Make a token useless; what it submitted stays.

    Example: vdc leaderboard token revoke 1f2e3d4c5b6a
    """
    from leaderboard.settings import require_extra

    require_extra()
    from leaderboard.db.session import writing
    from leaderboard.services import open_board
    from leaderboard.tokens import revoke_token

    quiet_libraries()
    _refuse_a_key(token_id)
    with open_board() as board, writing(board.engine) as session:
        token = revoke_token(session, token_id)
    typer.echo(f"token {token.id} of {token.name} is revoked")


def _refuse_a_key(text: str) -> None:
    """A key in place of an id is not to be shown again: only its id is quoted."""
    from vdc.errors import InputError, Problem

    # An id has at most 32 letters and digits: what is longer may be a secret.
    if len(text) <= 32 and "_" not in text:
        return
    key = re.fullmatch(r"vdc_([0-9a-f]{12}|[0-9a-f]{32})_.*", text, re.DOTALL)
    found = f"a whole key, of the token {key[1]}" if key else "a text that is no id (not shown: it may be a secret)"
    expected = "the id alone, the part of the key between its first two underscores"
    do_next = f"vdc leaderboard token revoke {key[1]}" if key else "vdc leaderboard token list shows the ids"
    raise InputError(Problem(found, expected, do_next))
