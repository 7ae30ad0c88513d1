"""The board in a real browser: from a filter to a question, as somebody would go."""

from __future__ import annotations

import json

from playwright.sync_api import Page, expect

from tests.leaderboard.browser_kit import FIRST_PAINT_MS, LOOKS, Site, Window, click_cell, settle, table_cells
from tests.leaderboard.filled_board import GAPS_NAME, HOSTILE_NAME, STRONG_NAME, WEAK_NAME

TABLE = "[data-testid=stDataFrame]"
NAMES = 2
NAME_X, VALUE_X = 120, 300


def expect_names(page: Page, names: list[str]) -> None:
    cells = page.locator(TABLE).first.locator(f"tbody tr td:nth-child({NAMES})")
    expect(cells).to_have_text(names, timeout=FIRST_PAINT_MS)


def test_a_filtered_board_is_shared_by_its_address_and_leads_to_a_model(windows, site: Site) -> None:
    window = windows(site)
    page = window.open("/")
    page.get_by_role("radio", name="verified", exact=True).click()
    page.get_by_label("Model", exact=True).fill("b")
    page.keyboard.press("Enter")
    expect(page.get_by_text("4 rows in 1 group by average accuracy: 4 verified, 0 reported")).to_be_visible()
    expect_names(page, [STRONG_NAME, WEAK_NAME, GAPS_NAME, HOSTILE_NAME])
    other = windows(site)
    again = other.open(page.url.removeprefix(site.url))
    expect(again.get_by_text("4 rows in 1 group by average accuracy: 4 verified, 0 reported")).to_be_visible()
    expect_names(again, [STRONG_NAME, WEAK_NAME, GAPS_NAME, HOSTILE_NAME])
    # A click on a head sorts, no number and then the lowest first; a click on a name leads to its page.
    click_cell(page.locator(TABLE).first, 0, VALUE_X)
    expect_names(page, [HOSTILE_NAME, GAPS_NAME, WEAK_NAME, STRONG_NAME])
    click_cell(page.locator(TABLE).first, 2, NAME_X)
    page.wait_for_url("**/model?*model=driftwood-1b*")
    settle(page)
    expect(page.get_by_role("heading", name=GAPS_NAME)).to_be_visible()


def test_what_is_shown_can_be_taken_away(window: Window) -> None:
    page = window.open("/?kind=verified")
    with page.expect_download() as waiting:
        page.get_by_role("button", name="JSON").click()
    document = json.loads(waiting.value.path().read_text(encoding="utf-8"))
    assert document["count"] == 4 and [row["model"] for row in document["rows"]][:2] == [STRONG_NAME, WEAK_NAME]


def test_from_a_model_to_its_questions_and_to_a_comparison(window: Window) -> None:
    page = window.open("/model?model=harbour-7b&match=no+match&within=Camera", "[data-testid=stCode]")
    expect(page.get_by_text("✗ no match, score 0")).to_be_visible()
    words = page.get_by_label("Words")
    words.fill("camera")
    words.press("Enter")
    page.wait_for_url("**words=camera*")
    settle(page)
    table = page.locator(TABLE).last
    assert set(table_cells(table, 4)) <= {"", "Camera"}
    page.get_by_role("link", name="Compare this run with another").click()
    page.wait_for_url("**/compare?*a=*")
    page.get_by_label("Run B").click()
    page.get_by_role("option").filter(has_text=WEAK_NAME).click()
    expect(page.get_by_text(f"{STRONG_NAME} is better than {WEAK_NAME}")).to_be_visible(timeout=FIRST_PAINT_MS)


def test_hostile_text_runs_nothing_and_fetches_nothing(window: Window) -> None:
    page = window.open(
        "/model?model=script-alert-1-script-x-http-127-0-0-1-9-x-png-drop-table-run", "[data-testid=stCode]"
    )
    # Headings turn two hyphens into a dash, and an address gets a joiner that is not seen, so that it is no link.
    expect(page.locator("h3").first).to_have_text(HOSTILE_NAME.replace("--", "—").replace("://", "://\u2060"))
    assert page.locator("[data-testid=stMain] a[href*='127.0.0.1:9']").count() == 0
    expect(page.get_by_text("<img src=x onerror=alert(1)>").first).to_be_visible()
    assert page.locator("[data-testid=stMain] img").count() == 0


PAGES = {
    "board": "/",
    "model": "/model?model=driftwood-1b",
    "compare": "/compare?a={a}&b={b}",
    "efficiency": "/efficiency?figures=false",
}


def test_every_page_fits_its_window_in_every_look(window: Window) -> None:
    runs = _runs(window)
    for name, path in PAGES.items():
        page = window.open(path.format(a=runs[STRONG_NAME], b=runs[WEAK_NAME]))
        expect(page.locator(f"{TABLE}, [data-testid=stVegaLiteChart]").first).to_be_visible()
        for look in LOOKS:
            window.look(look)
            assert window.overflow() <= 0, (name, look)
            window.shoot(f"{name}-{look}")


def test_empty_and_unknown_have_pages_of_their_own(windows, site: Site, empty_site: Site) -> None:
    empty = windows(empty_site)
    for name, path in {"board": "/", "model": "/model", "compare": "/compare", "efficiency": "/efficiency"}.items():
        page = empty.open(path)
        assert page.locator(TABLE).count() == 0
        empty.shoot(f"{name}-empty")
    full = windows(site)
    for name, path in {"board": "/?q=zzz", "model": "/model?model=harbor", "compare": "/compare?a=1&b=2"}.items():
        full.open(path)
        full.shoot(f"{name}-error")


def _runs(window: Window) -> dict[str, str]:
    reply = window.page.request.get(f"{window.site.url}/api/v1/board?kind=verified")
    return {row["model"]: row["run_id"] for row in reply.json()["rows"]}
