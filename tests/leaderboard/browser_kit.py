"""What tests in a real browser share: a site as people meet it, a browser, and waiting until a page has settled."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Locator, Page

ROOT: Final = Path(__file__).parents[2]
CHROMIUM: Final = Path("/usr/bin/chromium")
# Read before the fixture that clears the environment for every test.
ARTIFACTS: Final = Path(os.environ.get("VDC_ARTIFACTS") or ROOT / "artifacts")
ARGUMENTS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
)
FIRST_PAINT_MS: Final = 20_000
ROW_PX: Final = 35
SERVE: Final = "import sys; from leaderboard.serving import serve_all; serve_all('127.0.0.1', int(sys.argv[1]), {})"
LOOKS: Final[Mapping[str, tuple[int, int, Literal["light", "dark"]]]] = {
    "light": (1280, 900, "light"),
    "dark": (1280, 900, "dark"),
    "phone": (390, 844, "light"),
}


@dataclass(frozen=True, slots=True)
class Site:
    """A running site.

    Args:
        url: Its address.
        folder: Where its board lies.
        key: A token's key; empty on an empty board.
    """

    url: str
    folder: Path
    key: str = ""


@dataclass
class Window:
    """A browser in one look, with what went wrong in it.

    Args:
        page: The page.
        site: What it shows.
        errors: Uncaught exceptions of the page's scripts.
        foreign: Addresses outside the site that were asked for.
    """

    page: Page
    site: Site
    errors: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)

    def open(self, path: str = "/", marker: str = "h1") -> Page:
        """Go to a page of the site and wait until it has settled.

        Args:
            path: With its query.
            marker: Something that the page shows once it is there.
        """
        self.page.goto(f"{self.site.url}{path}", wait_until="domcontentloaded")
        self.page.locator(marker).first.wait_for(timeout=FIRST_PAINT_MS)
        settle(self.page)
        assert self.page.locator("[data-testid=stException]").count() == 0, f"{path} shows an exception"
        return self.page

    def look(self, look: str) -> None:
        """Change the window to another one of ``LOOKS``; the page stays."""
        width, height, scheme = LOOKS[look]
        self.page.set_viewport_size({"width": width, "height": height})
        self.page.emulate_media(color_scheme=scheme)
        settle(self.page)

    def shoot(self, name: str) -> Path:
        """Write the whole page as a picture to ``artifacts/screenshots``."""
        folder = ARTIFACTS / "screenshots"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{re.sub('[^a-z0-9]+', '-', name.lower())}.png"
        settle(self.page)
        size = self.page.viewport_size
        self._grow()
        self.page.screenshot(path=path)
        if size:
            self.page.set_viewport_size(size)
        return path

    def overflow(self) -> int:
        """By how many pixels the page is wider than the window."""
        return int(
            self.page.evaluate(
                "() => { const main = document.querySelector('[data-testid=stMain]') || document.documentElement;"
                " return main.scrollWidth - main.clientWidth; }"
            )
        )

    def _grow(self) -> None:
        # Streamlit scrolls inside the page: a picture of all of it needs a window that is high enough.
        height = self.page.evaluate(
            "() => { const main = document.querySelector('[data-testid=stMain]'); return main ? main.scrollHeight : 0 }"
        )
        size = self.page.viewport_size
        if size and height > size["height"]:
            self.page.set_viewport_size({"width": size["width"], "height": min(int(height) + 60, 6000)})
            settle(self.page)


def table_cells(table: Locator, column: int) -> list[str]:
    """The texts of one column of a table, in the order shown: tables are drawn, what screen readers get is read.

    Args:
        table: A ``[data-testid=stDataFrame]``.
        column: From 1.
    """
    return table.locator(f"tbody tr td:nth-child({column})").all_text_contents()


def click_cell(table: Locator, line: int, x: int) -> None:
    """Click into a table.

    Args:
        table: A ``[data-testid=stDataFrame]``.
        line: 0 is the head.
        x: Pixels from its left edge.
    """
    table.scroll_into_view_if_needed()
    # By force: the layer above the canvas that takes the click is the table's own.
    table.locator("canvas").first.click(position={"x": x, "y": ROW_PX * line + ROW_PX // 2}, force=True)


def settle(page: Page, timeout_ms: int = FIRST_PAINT_MS) -> None:
    """Wait until the page's script has run and nothing on it is stale."""
    page.locator("[data-testid=stApp][data-test-script-state=notRunning]").wait_for(timeout=timeout_ms)
    page.wait_for_function("() => !document.querySelector('[data-stale=true], [data-testid=stSkeleton]')")
    # Charts and canvases are drawn in the frame after the data has come.
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def site_environment(folder: Path) -> dict[str, str]:
    """The settings of ``filled_board.board_settings`` as a process reads them."""
    return {
        "VDC_HOME": str(folder / "home"),
        "VDC_LEADERBOARD_DATABASE": f"sqlite:///{folder / 'board.sqlite'}",
        "VDC_LEADERBOARD_FILES": str(folder / "files"),
        "VDC_LEADERBOARD_BENCHMARKS": "sample",
        "VDC_LEADERBOARD_JUDGE": "lexical",
        "VDC_LEADERBOARD_POLL_S": "0.2",
        "OMP_NUM_THREADS": "1",
    }


@contextlib.contextmanager
def running_site(folder: Path, *, workers: int = 0, patience_s: float = 90.0) -> Iterator[Site]:
    """Serve the board in a folder as ``vdc leaderboard serve`` does, until the block is left.

    Args:
        folder: Holds a board, see ``filled_board``.
        workers: Worker processes.
        patience_s: Longest start.
    """
    port = _free_port()
    log = folder / "serve.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-c", SERVE.format(workers), str(port)],
            cwd=ROOT,
            env={**os.environ, **site_environment(folder)},
            stdout=output,
            stderr=output,
        )
    url, key = f"http://127.0.0.1:{port}", folder / "key"
    try:
        for path in ("/readyz", "/_stcore/health"):
            _wait_for(f"{url}{path}", process, log, time.monotonic() + patience_s)
        yield Site(url, folder, key.read_text(encoding="utf-8") if key.is_file() else "")
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextlib.contextmanager
def open_window(browser: Browser, site: Site, look: str = "light") -> Iterator[Window]:
    """A window with storage of its own, in one of ``LOOKS``."""
    width, height, scheme = LOOKS[look]
    context: BrowserContext = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme, reduced_motion="reduce", accept_downloads=True
    )
    window = Window(context.new_page(), site)
    window.page.on("pageerror", lambda error: window.errors.append(str(error)))
    window.page.on(
        "request",
        lambda request: (
            None
            if request.url.startswith((site.url, site.url.replace("http", "ws"), "data:", "blob:"))
            else window.foreign.append(request.url)
        ),
    )
    try:
        yield window
    finally:
        context.close()


@contextlib.contextmanager
def launched_browser() -> Iterator[Browser]:
    """Chromium without a screen; skips where it or its driver is not installed."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if not CHROMIUM.is_file():
        pytest.skip(f"{CHROMIUM} is not installed (make browser)")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=str(CHROMIUM), args=list(ARGUMENTS))
        try:
            yield browser
        finally:
            browser.close()


def _wait_for(url: str, process: subprocess.Popen[bytes], log: Path, deadline: float) -> None:
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        with contextlib.suppress(urllib.error.URLError, ConnectionError, TimeoutError), urllib.request.urlopen(url):
            return
        time.sleep(0.1)
    raise TimeoutError(f"{url} did not answer:\n{log.read_text(errors='replace')[-4000:]}")


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
