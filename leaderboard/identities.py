"""People who log in with an identity provider: each has a token record of their own, made at the first login."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError

from leaderboard.db.models import Token
from leaderboard.db.session import reading, writing
from leaderboard.failures import NotAllowed
from leaderboard.names import MAX_NAME, check_name
from leaderboard.tokens import Holder
from vdc.errors import InputError

_NAMELESS: Final = "somebody"


@dataclass(frozen=True, slots=True)
class Identity:
    """Who an OpenID Connect provider says somebody is.

    Args:
        issuer: The provider; two providers may use one subject for two people.
        subject: The provider's name for the person: it stays when their name or address changes.
        name: For people; may be anything and proves nothing.
    """

    issuer: str
    subject: str
    name: str

    @property
    def token_id(self) -> str:
        """Id of the person's token record: the same at every login, and it does not tell who the person is."""
        text = f"{len(self.issuer)}:{self.issuer}{self.subject}"
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def holder_of(engine: Engine, identity: Identity) -> Holder:
    """The person as a holder, with the limits of every token; the first login makes the record.

    No key fits the record until its holder asks for one (:func:`leaderboard.tokens.renew_key`).

    Raises:
        NotAllowed: The people who run the board have revoked it.
    """
    token_id = identity.token_id
    with reading(engine) as session:
        row = session.get(Token, token_id)
    if row is None:
        row = Token(id=token_id, name=_shown_name(identity.name), secret_hash=secrets.token_hex(32))
        try:
            with writing(engine) as session:
                session.add(row)
        except IntegrityError:
            # Two windows of one person, both at their first login.
            with reading(engine) as session:
                row = session.get_one(Token, token_id)
    if row.revoked_at is not None:
        raise NotAllowed(
            "found a login that the people who run this board have revoked; expected a valid one; do next: ask them"
        )
    return Holder(row.id, row.name, row.is_admin)


def _shown_name(name: str) -> str:
    try:
        return check_name(name[:MAX_NAME], "name")
    except InputError:
        # Nobody is kept out by the characters of a name that their provider lets them choose.
        return _NAMELESS
