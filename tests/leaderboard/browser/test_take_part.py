"""Taking part as people do: hand a file in, watch it become a row, open it, vote."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.leaderboard.board_kit import STRONG
from tests.leaderboard.browser.conftest import OpenWindow
from tests.leaderboard.browser_kit import Site, Window, settle

SCORED_MS = 300_000


def sign_in(window: Window, path: str = "/submit") -> None:
    page = window.open(path)
    page.get_by_label("Token", exact=True).fill(window.site.key)
    page.get_by_role("button", name="Use this token").click()
    page.get_by_text("Signed in as").wait_for()
    settle(page)


@pytest.fixture
def signed_in(window: Window) -> Iterator[Window]:
    sign_in(window)
    yield window


def test_a_file_is_handed_in_watched_until_published_and_opened(signed_in: Window) -> None:
    page = signed_in.page
    page.locator("input[type=file]").set_input_files(
        {"name": "bad.jsonl", "mimeType": "text/plain", "buffer": b'{"video_id": "nobody", "section": "short"}\n'}
    )
    page.get_by_text("The board would reject these files.").wait_for()
    signed_in.shoot("submit rejected before sending")
    page.get_by_role("button", name="Remove bad.jsonl").click()
    page.locator("input[type=file]").set_input_files(str(STRONG))
    page.get_by_text("The files can be sent.").wait_for()
    page.get_by_label("Name of the model").fill("Browser 1B")
    signed_in.shoot("submit form")
    loads: list[str] = []
    page.on("load", lambda _page: loads.append("load"))
    page.get_by_role("button", name="Send").click()
    page.wait_for_url(re.compile("submission=[0-9a-f]{32}"))
    # Nothing is clicked from here on: the page follows the worker by itself.
    page.get_by_text("stands on the board").wait_for(timeout=SCORED_MS)
    page.get_by_text("✓ verified").first.wait_for()
    assert loads == []
    signed_in.shoot("submit published")
    page.get_by_role("link", name="All about Browser 1B").click()
    page.wait_for_url(re.compile("/model[?]model=browser-1b"))
    page.get_by_role("heading", name="Browser 1B").wait_for()
    settle(page)
    assert loads == []


def test_a_vote_tells_the_names_and_counts(windows: OpenWindow, site: Site) -> None:
    window = windows(site)
    page = window.open("/arena")
    before = votes(window)
    window.shoot("arena light")
    page.get_by_role("button", name="Equally good").click()
    page.get_by_text("You found both equally good.").wait_for()
    settle(page)
    assert votes(window) == before + 1
    window.shoot("arena voted light")


def votes(window: Window) -> int:
    found = re.search(r"([\d,]+) votes", window.page.inner_text("[data-testid=stMain]"))
    assert found is not None
    return int(found[1].replace(",", ""))


@pytest.mark.parametrize("look", ["light", "dark", "phone"])
def test_pages_fit_every_window(windows: OpenWindow, site: Site, look: str) -> None:
    window = windows(site, look)
    for name in ("submit", "arena", "audit", "about"):
        window.open(f"/{name}")
        assert window.overflow() <= 0, name
        window.shoot(f"{name} {look}")


def test_an_empty_board_says_what_to_do(windows: OpenWindow, empty_site: Site) -> None:
    window = windows(empty_site)
    for name, words in (("arena", "There is nothing to compare yet."), ("audit", "No published rows were imported.")):
        window.open(f"/{name}").get_by_text(words).wait_for()
        window.shoot(f"{name} empty")


def test_uploads_are_refused_where_nobody_signed_in(windows: OpenWindow, site: Site) -> None:
    """The pages' own upload address takes files from every open window, unless something stops it."""
    window = windows(site)
    page = window.open("/arena")
    status = page.evaluate(
        """async () => {
            const form = new FormData(); form.append('file', new Blob(['x'.repeat(1000)]), 'a.jsonl');
            const xsrf = (document.cookie.match(/_streamlit_xsrf=([^;]*)/) || [])[1] || '';
            const reply = await fetch('/_stcore/upload_file/any-session/any-file',
                {method: 'PUT', body: form, headers: {'X-Xsrftoken': decodeURIComponent(xsrf)}});
            return reply.status; }"""
    )
    assert status == 403
