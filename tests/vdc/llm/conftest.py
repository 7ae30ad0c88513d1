"""Fixtures of the tests of ``vdc.llm``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from vdc.llm import patience
from vdc.llm.store import ReplyStore


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ReplyStore]:
    """An empty reply store."""
    with ReplyStore(tmp_path / "replies.sqlite") as opened:
        yield opened


@pytest.fixture
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waiting times between attempts in milliseconds."""
    monkeypatch.setattr(patience, "BACKOFF_S", 0.002)
