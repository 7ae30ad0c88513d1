from __future__ import annotations

import hmac

import pytest
from sqlalchemy import text

from leaderboard.db.session import reading, writing
from leaderboard.services import Services
from leaderboard.tokens import find_holder, list_tokens, revoke_token
from tests.leaderboard.board_kit import new_holder
from vdc.errors import InputError


def test_the_key_opens_and_is_nowhere_in_the_database(board: Services) -> None:
    holder, key = new_holder(board, "vision lab")
    with reading(board.engine) as session:
        assert find_holder(session, key) == holder
        stored = session.execute(text("select * from token")).all()
    secret = key.split("_", 2)[2]
    assert secret not in repr(stored)


@pytest.mark.parametrize(
    "change",
    [lambda key: key[:-1], lambda key: key + "x", lambda key: "", lambda key: "vdc__", lambda key: key.upper(),
     lambda key: "abc_" + key, lambda key: "vdc_\x00_x", lambda key: "vdc_é_x",
     lambda key: key.replace("vdc_", "vdc_ff")],
    ids=["short", "long", "empty", "blank", "upper", "prefixed", "nul", "accent", "other-id"],
)  # fmt: skip
def test_any_other_key_opens_nothing(board: Services, change: object) -> None:
    _, key = new_holder(board)
    with reading(board.engine) as session:
        assert find_holder(session, change(key)) is None  # type: ignore[operator]


def test_a_revoked_key_opens_nothing(board: Services) -> None:
    holder, key = new_holder(board)
    with writing(board.engine) as session:
        revoke_token(session, holder.token_id)
    with reading(board.engine) as session:
        assert find_holder(session, key) is None
        assert list_tokens(session)[0].revoked_at is not None


def test_an_unknown_id_is_compared_like_a_known_one(board: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    compared = []
    real = hmac.compare_digest
    monkeypatch.setattr(hmac, "compare_digest", lambda one, other: (compared.append(1), real(one, other))[1])
    with reading(board.engine) as session:
        find_holder(session, "vdc_000000000000_guess")
    assert compared == [1]


def test_revoking_what_is_not_there_says_how_to_see_what_is(board: Services) -> None:
    with pytest.raises(InputError, match="token list"), writing(board.engine) as session:
        revoke_token(session, "nobody")
