"""How fast are the pages of the board with a thousand rows, in a real browser?

    python benchmarks/leaderboard_pages.py [--rows 1000] [--repeats 10] [--write]

One process serves pages and API over a real socket on this machine; Chromium without a screen opens them. "first paint
after start" is the first visit of a server that has just become ready. "page ready" is a visit with an empty browser
cache to a server that has answered before: from the start of navigation until the tables are there and the script has
ended; beside it the same for a bare Streamlit page with one cell, visited in turn with them, which is what the browser
needs for Streamlit itself. "same browser" is such a visit with what the browser kept. "filter" is the time from a click
until the page shows the counts of the new rows and is at rest, measured inside the page. Exits 1 if the median page
ready is 2 s or more, or the median filter change 300 ms or more.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[1]
# The browser kit belongs to the tests, which no installation has.
sys.path.insert(0, str(ROOT))

from leaderboard_speed import fill  # noqa: E402
from playwright.sync_api import Browser, Page  # noqa: E402
from running_board import free_port  # noqa: E402

from leaderboard.db.session import writing  # noqa: E402
from leaderboard.services import open_board  # noqa: E402
from tests.leaderboard.browser_kit import Site, launched_browser, open_window, running_site, settle  # noqa: E402
from tests.leaderboard.filled_board import board_settings, held_board  # noqa: E402

PAGE_MD: Final = ROOT / "docs" / "benchmarks" / "leaderboard_pages.md"
READY_S: Final = 2.0
FILTER_MS: Final = 300.0

# Watches the page from within: the driver's own waiting polls, which would count as the page's time.
WATCH: Final = """
(expected) => new Promise((done) => {
  const app = document.querySelector('[data-testid=stApp]');
  const ready = () => {
    const counts = document.querySelector('.st-key-counts strong');
    return counts && counts.textContent.startsWith(expected)
      && app.getAttribute('data-test-script-state') === 'notRunning' && !document.querySelector('[data-stale=true]');
  };
  const started = window.clickedAt;
  const check = () => {
    if (!ready()) { return; }
    watcher.disconnect();
    requestAnimationFrame(() => requestAnimationFrame(() => done(performance.now() - started)));
  };
  const watcher = new MutationObserver(check);
  watcher.observe(document.documentElement, {subtree: true, childList: true, attributes: true, characterData: true});
  check();
})
"""
NOTE_CLICK: Final = (
    "() => ['click', 'keydown'].forEach(kind => document.addEventListener(kind,"
    " () => { window.clickedAt = performance.now(); }, {capture: true}))"
)


@dataclass
class Times:
    """Seconds, by what was done."""

    first: float = 0.0
    bare: list[float] = field(default_factory=list)
    ready: dict[str, list[float]] = field(default_factory=dict)
    filters: dict[str, list[float]] = field(default_factory=dict)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--write", action="store_true", help="replace the table in docs/benchmarks")
    options = parser.parse_args()
    before = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="vdc-pages-") as scratch:
        times = measure(Path(scratch), options.rows, options.repeats)
    lines, fine = table_of(times)
    table = "\n".join(["| what | figure | limit |", "| --- | --- | --- |", *lines])
    print(table)
    print(f"load before: {before:.1f}")
    if options.write:
        write_page(table, options, before)
    sys.exit(0 if fine else 1)


def measure(folder: Path, rows: int, repeats: int) -> Times:
    """Visits and filter changes on a board of made-up rows."""
    with held_board(folder):
        pass
    with open_board(board_settings(folder)) as board, writing(board.engine) as session:
        fill(session, rows)
    times = Times()
    with running_site(folder) as site, bare_site(folder) as bare, launched_browser() as browser:
        times.first = visit(browser, site, "/")
        visit(browser, bare, "/")
        paths = {"board": "/", "efficiency": "/efficiency", "model": "/model?model=model-7"}
        for name, path in paths.items():
            visit(browser, site, path)
            times.ready[name] = []
        for _ in range(repeats):
            # In turn, so that all of them meet the same machine.
            times.bare.append(visit(browser, bare, "/"))
            for name, path in paths.items():
                times.ready[name].append(visit(browser, site, path))
        with opened(browser, site) as page:
            times.ready["board, same browser"] = [reload_seconds(page, site) for _ in range(repeats)]
            page.evaluate(NOTE_CLICK)
            times.filters = filter_times(page, rows, repeats)
    return times


@contextmanager
def bare_site(folder: Path) -> Iterator[Site]:
    """The least that Streamlit can show with a table: what no page made with it can be faster than."""
    script, port = folder / "bare.py", free_port()
    script.write_text("import streamlit as st\nst.title('Bare')\nst.dataframe({'one': [1]})\n", encoding="utf-8")
    program = "import sys, uvicorn, streamlit as st; uvicorn.run(st.App(sys.argv[1]), port=int(sys.argv[2]))"
    command = [sys.executable, "-c", program, str(script), str(port)]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            yield Site(f"http://127.0.0.1:{port}", folder)
        finally:
            process.terminate()


def visit(browser: Browser, site: Site, path: str) -> float:
    """Seconds of a visit with an empty browser cache."""
    with open_window(browser, site) as window:
        started = time.perf_counter()
        go(window.page, site, path)
        return time.perf_counter() - started


def go(page: Page, site: Site, path: str) -> None:
    """Open a page and wait until its tables are there."""
    page.goto(f"{site.url}{path}", wait_until="commit")
    page.locator("[data-testid=stDataFrame] canvas").first.wait_for(timeout=60_000)
    settle(page, 60_000)


@contextmanager
def opened(browser: Browser, site: Site) -> Iterator[Page]:
    with open_window(browser, site) as window:
        go(window.page, site, "/")
        yield window.page


def reload_seconds(page: Page, site: Site) -> float:
    started = time.perf_counter()
    go(page, site, "/")
    return time.perf_counter() - started


def filter_times(page: Page, rows: int, repeats: int) -> dict[str, list[float]]:
    """Seconds from a click until the new rows are shown."""
    found: dict[str, list[float]] = {"metric": [], "kind of rows": [], "model name, never asked for before": []}
    every, none = f"{rows:,} rows in 5 groups by average", "0 rows in 0 groups by average accuracy"
    page.wait_for_timeout(500)
    for number in range(repeats):
        for metric in ("Score", "Accuracy"):
            found["metric"].append(timed(page, choose(page, metric), f"{every} {metric.lower()}"))
        found["kind of rows"].append(timed(page, choose(page, "verified"), none))
        found["kind of rows"].append(timed(page, choose(page, "all"), f"{every} accuracy"))
        word = str(number)
        fits = sum(word in f"model {one}" for one in range(rows))
        found["model name, never asked for before"].append(timed(page, search(page, word), f"{fits:,} row"))
        timed(page, search(page, ""), f"{every} accuracy")
    return found


def timed(page: Page, _acted: None, expected: str) -> float:
    """Seconds between the last click or key and the page at rest with counts that begin as expected."""
    return float(page.evaluate(WATCH, expected)) / 1000


def choose(page: Page, option: str) -> None:
    page.get_by_role("radio", name=option, exact=True).click()


def search(page: Page, word: str) -> None:
    box = page.get_by_label("Model", exact=True)
    box.fill(word)
    box.press("Enter")


def table_of(times: Times) -> tuple[list[str], bool]:
    """Lines of the table, and whether the limits hold."""
    lines = [f"| board, first paint after start, empty browser cache | {times.first:.2f} s | |"]
    middle = statistics.median(times.bare)
    lines.append(f"| bare Streamlit page with one cell | median {middle:.2f} s, slowest {max(times.bare):.2f} s | |")
    fine = True
    for name, seconds in times.ready.items():
        fine &= statistics.median(seconds) < READY_S
        lines.append(
            f"| {name}, page ready | median {statistics.median(seconds):.2f} s, slowest {max(seconds):.2f} s, "
            f"{statistics.median(seconds) / middle:.2f} times the bare page "
            f"| median under {READY_S:.0f} s |"
        )
    for name, seconds in times.filters.items():
        fine &= 1000 * statistics.median(seconds) < FILTER_MS
        half, worst = 1000 * statistics.median(seconds), 1000 * max(seconds)
        lines.append(
            f"| filter: {name} | median {half:.0f} ms, slowest {worst:.0f} ms | median under {FILTER_MS:.0f} ms |"
        )
    return lines, fine


def write_page(table: str, options: argparse.Namespace, load: float) -> None:
    busy = "" if load < 0.5 else f" Other work ran on the machine (load {load:.1f}): the figures are worse for it."
    PAGE_MD.write_text(
        "# Speed of the pages\n\nMade by `benchmarks/leaderboard_pages.py`: one process for pages and API, Chromium "
        f"without a screen on the same machine, SQLite, {options.rows:,} rows in five groups, {options.repeats} "
        f"repeats.\n\n{table}\n\n{platform.system()}, Python {platform.python_version()}, 2 cores of a shared x86 "
        f"machine, no GPU.{busy}\n",
        encoding="utf-8",
    )


if __name__ == "__main__":
    main()
