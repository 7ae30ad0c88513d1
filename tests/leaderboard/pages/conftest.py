"""A board for each test of a page, and the page on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

pytest.importorskip("streamlit", reason="the extra leaderboard is not installed")

import streamlit as st
from streamlit.testing.v1 import AppTest

import leaderboard.app_pages
from leaderboard.queue.interface import HeldQueue
from leaderboard.services import Services, open_board
from leaderboard.site import access
from tests.leaderboard.filled_board import board_settings, copy_filled, filled_folder, held_board

PAGES = Path(next(iter(leaderboard.app_pages.__path__)))
PATIENCE_S = 30

OpenPage = Callable[..., AppTest]


@pytest.fixture
def show(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Services], None]]:
    """Gives the pages a board; takes it away after the test."""
    for cache in (st.cache_data, st.cache_resource):
        cache.clear()
    yield access.provide
    access._provided.clear()
    for cache in (st.cache_data, st.cache_resource):
        cache.clear()


@pytest.fixture(scope="session")
def _read_only_board() -> Iterator[Services]:
    with open_board(board_settings(filled_folder()), HeldQueue()) as opened:
        yield opened


@pytest.fixture
def filled(_read_only_board: Services, show: Callable[[Services], None]) -> Services:
    """The filled board, shared: for tests that only read."""
    show(_read_only_board)
    return _read_only_board


@pytest.fixture
def own_filled(tmp_path: Path, show: Callable[[Services], None]) -> Iterator[Services]:
    """A filled board that the test may change."""
    with open_board(board_settings(copy_filled(tmp_path / "board")), HeldQueue()) as opened:
        show(opened)
        yield opened


@pytest.fixture
def empty(tmp_path: Path, show: Callable[[Services], None]) -> Iterator[Services]:
    """A board without a row."""
    with held_board(tmp_path / "empty") as opened:
        show(opened)
        yield opened


@pytest.fixture
def open_page() -> OpenPage:
    """Runs a page once: ``open_page("model", {"model": "harbour-7b"})``."""

    def run(name: str, query: Mapping[str, str] | None = None) -> AppTest:
        test = AppTest.from_file(str(PAGES / f"{name}.py"), default_timeout=PATIENCE_S)
        for key, value in (query or {}).items():
            test.query_params[key] = value
        return test.run()

    return run
