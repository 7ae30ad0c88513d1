"""What every page shows while its database cannot be reached: a sentence, not Streamlit's own report of an error."""

from __future__ import annotations

from typing import Any, NoReturn

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError

from leaderboard.services import Services


@pytest.mark.parametrize("name", ["board", "model", "compare", "efficiency", "arena", "audit"])
def test_a_page_without_its_database_says_so(
    own_filled: Services, open_page, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def away(*_given: Any, **_named: Any) -> NoReturn:
        raise OperationalError("select secret", {}, ConnectionError("password"))

    monkeypatch.setattr(Engine, "connect", away)
    page = open_page(name)
    assert not page.exception
    assert len(page.error) == 1
    said = "\n".join(text.value for text in page.text)
    assert "cannot reach its database" in said and "password" not in said
