"""Keys to submit with: shown once, kept as a hash, compared in constant time."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from leaderboard.db.base import utc_now
from leaderboard.db.models import Token
from leaderboard.names import check_name
from vdc.errors import InputError, Problem

PREFIX: Final = "vdc"
_NO_HASH: Final = "0" * 64


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token just made.

    Args:
        id: Its public part.
        name: Whose it is.
        key: The whole key. It is shown to its owner once and cannot be shown again.
    """

    id: str
    name: str
    key: str


@dataclass(frozen=True, slots=True)
class Holder:
    """Who stands behind a request.

    Args:
        token_id: The token's public part.
        name: Its name.
        is_admin: May see and withdraw what others submitted.
    """

    token_id: str
    name: str
    is_admin: bool = False


@dataclass(frozen=True, slots=True)
class TokenInfo:
    """What ``token list`` shows."""

    id: str
    name: str
    is_admin: bool
    created_at: datetime
    revoked_at: datetime | None


def create_token(session: Session, name: str, *, admin: bool = False) -> NewToken:
    """Make a token.

    Raises:
        InputError: The name cannot be used.
    """
    shown = check_name(name, "token name")
    token_id, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
    session.add(Token(id=token_id, name=shown, secret_hash=_hash(secret), is_admin=admin))
    return NewToken(token_id, shown, f"{PREFIX}_{token_id}_{secret}")


def renew_key(session: Session, token_id: str) -> NewToken:
    """Give a token a new key; the old one no longer works, submissions stay.

    Raises:
        InputError: There is no such token, or it is revoked.
    """
    row = session.get(Token, token_id)
    if row is None or row.revoked_at is not None:
        found = f"no valid token {token_id[:40]!r}"
        raise InputError(Problem(found, "the id of a token", "vdc leaderboard token list shows them"))
    secret = secrets.token_urlsafe(32)
    row.secret_hash = _hash(secret)
    return NewToken(row.id, row.name, f"{PREFIX}_{row.id}_{secret}")


def find_holder(session: Session, key: str) -> Holder | None:
    """Who the key belongs to; None for a wrong, unknown or revoked one, without telling which."""
    prefix, _, rest = key.partition("_")
    token_id, _, secret = rest.partition("_")
    plain = prefix == PREFIX and token_id.isalnum() and token_id.isascii() and len(token_id) <= 32
    row = session.get(Token, token_id) if plain else None
    # An unknown id is compared too, so that the time taken does not tell which ids exist. The secret has 256 bits: a
    # slow password hash would add nothing but load.
    expected = row.secret_hash if row is not None else _NO_HASH
    matches = hmac.compare_digest(_hash(secret), expected)
    if row is None or not matches or row.revoked_at is not None:
        return None
    return Holder(row.id, row.name, row.is_admin)


def list_tokens(session: Session) -> list[TokenInfo]:
    """All tokens, oldest first; nothing secret."""
    rows = session.scalars(select(Token).order_by(Token.created_at, Token.id))
    return [TokenInfo(row.id, row.name, row.is_admin, row.created_at, row.revoked_at) for row in rows]


def revoke_token(session: Session, token_id: str) -> TokenInfo:
    """Make a token useless; what it submitted stays.

    Raises:
        InputError: There is no such token.
    """
    row = session.get(Token, token_id)
    if row is None:
        found = f"no token {token_id[:40]!r}"
        raise InputError(Problem(found, "the id of a token", "vdc leaderboard token list shows them"))
    row.revoked_at = row.revoked_at or utc_now()
    return TokenInfo(row.id, row.name, row.is_admin, row.created_at, row.revoked_at)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()
