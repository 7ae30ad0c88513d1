"""``vdc leaderboard token ...``."""

from __future__ import annotations

import json
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
        typer.echo(json.dumps([asdict(token) for token in tokens], indent=2, default=str))
        return
    for token in tokens:
        state = f"revoked {token.revoked_at:%Y-%m-%d}" if token.revoked_at else "valid"
        typer.echo(
            f"{token.id}  {token.created_at:%Y-%m-%d}  {state}{'  admin' if token.is_admin else ''}  {token.name}"
        )


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
    with open_board() as board, writing(board.engine) as session:
        token = revoke_token(session, token_id)
    typer.echo(f"token {token.id} of {token.name} is revoked")
