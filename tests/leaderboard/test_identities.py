from __future__ import annotations

import pytest

from leaderboard.db.session import reading, writing
from leaderboard.failures import NotAllowed
from leaderboard.identities import Identity, holder_of
from leaderboard.services import Services
from leaderboard.tokens import find_holder, list_tokens, renew_key, revoke_token
from vdc.errors import InputError

ADA = Identity("https://id.example.org", "42", "Ada")


def test_the_first_login_makes_one_record_and_the_next_finds_it(sqlite_board: Services) -> None:
    first = holder_of(sqlite_board.engine, ADA)
    again = holder_of(sqlite_board.engine, Identity(ADA.issuer, ADA.subject, "Ada, renamed"))
    assert first == again and not first.is_admin
    with reading(sqlite_board.engine) as session:
        assert [token.name for token in list_tokens(session)] == ["Ada"]


@pytest.mark.parametrize(
    "other",
    [
        Identity(ADA.issuer, "43", "Ada"),
        Identity("https://other.example.org", "42", "Ada"),
        Identity("https://id.example.org4", "2", "Ada"),
    ],
    ids=["subject", "provider", "border"],
)
def test_other_people_are_others(other: Identity, sqlite_board: Services) -> None:
    assert holder_of(sqlite_board.engine, other).token_id != holder_of(sqlite_board.engine, ADA).token_id


def test_no_key_fits_until_one_is_made_and_a_new_one_ends_it(sqlite_board: Services) -> None:
    holder = holder_of(sqlite_board.engine, ADA)
    with writing(sqlite_board.engine) as session:
        assert find_holder(session, f"vdc_{holder.token_id}_") is None
        first = renew_key(session, holder.token_id).key
        assert find_holder(session, first) == holder
        second = renew_key(session, holder.token_id).key
        assert find_holder(session, first) is None and find_holder(session, second) == holder


def test_a_revoked_login_stays_out(sqlite_board: Services) -> None:
    holder = holder_of(sqlite_board.engine, ADA)
    with writing(sqlite_board.engine) as session:
        revoke_token(session, holder.token_id)
        with pytest.raises(InputError):
            renew_key(session, holder.token_id)
    with pytest.raises(NotAllowed):
        holder_of(sqlite_board.engine, ADA)


@pytest.mark.parametrize("name", ["", "\u202eadA", "x" * 500, "\x00", "<script>"])
def test_no_name_keeps_anybody_out(name: str, sqlite_board: Services) -> None:
    assert holder_of(sqlite_board.engine, Identity("i", "s", name)).name
