"""One browser, one filled site and one empty site for the tests of a file; a window for each test."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("streamlit", reason="the extra leaderboard is not installed")

from tests.leaderboard.browser_kit import Site, Window, launched_browser, open_window, running_site
from tests.leaderboard.filled_board import copy_filled, held_board

if TYPE_CHECKING:
    from playwright.sync_api import Browser

OpenWindow = Callable[..., Window]


# For a module: the driver's event loop runs in this thread, and must have ended before other tests start theirs.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launched_browser() as opened:
        yield opened


@pytest.fixture(scope="module")
def site(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The filled board with one worker. Tests may add to it, never take away."""
    with running_site(copy_filled(tmp_path_factory.mktemp("site")), workers=1) as running:
        yield running


@pytest.fixture(scope="module")
def empty_site(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A board without a row. Stays so."""
    folder = tmp_path_factory.mktemp("empty")
    with held_board(folder):
        pass
    with running_site(folder) as running:
        yield running


@pytest.fixture
def window(browser: Browser, site: Site) -> Iterator[Window]:
    """A window on the filled site; the test fails if a script of the page fails or asks for anything elsewhere."""
    with open_window(browser, site) as opened:
        yield opened
        assert opened.errors == [] and opened.foreign == []


@pytest.fixture
def windows(browser: Browser) -> Iterator[OpenWindow]:
    """Opens windows: ``windows(site, "dark")``."""
    with contextlib.ExitStack() as stack:
        opened: list[Window] = []

        def open_one(site: Site, look: str = "light") -> Window:
            opened.append(stack.enter_context(open_window(browser, site, look)))
            return opened[-1]

        yield open_one
        assert all(one.errors == [] and one.foreign == [] for one in opened)
