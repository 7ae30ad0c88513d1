"""Text that tries to be markup, in every place that takes text, opened in a real browser."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from leaderboard.arena import Arena
from leaderboard.db.session import writing
from leaderboard.import_rows import import_published
from leaderboard.names import slug_of
from tests.leaderboard.board_kit import WEAK, new_holder, predictions_submission, submit_and_score
from tests.leaderboard.browser_kit import Site, Window, open_window, running_site, settle
from tests.leaderboard.filled_board import held_board

if TYPE_CHECKING:
    from playwright.sync_api import Browser

LONG = "x" * 10_000


class Beacon:
    """A server that nobody may ask for anything."""

    def __init__(self) -> None:
        asked = self.asked = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.append(self.path)
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_arguments: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/beacon"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


SCRIPT = "<script>window.x=1</script> <img src=x onerror=window.x=1>"


def payloads(beacon: str) -> list[str]:
    """At most 120 characters each, so that a name can hold one."""
    return [
        SCRIPT,
        f"![p]({beacon}) [link](javascript:window.x=1) $x^2$ :red[r]",
        f"'; drop table run; -- <iframe src='{beacon}'></iframe> :material/home:",
    ]


@pytest.fixture(scope="module")
def beacon() -> Iterator[Beacon]:
    server = Beacon()
    yield server
    server.server.shutdown()
    server.server.server_close()


@pytest.fixture(scope="module")
def hostile_site(
    browser: Browser, beacon: Beacon, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Site, dict[str, str]]]:
    """A board where every name, note, caption, address and reason tries something; and names -> submissions."""
    folder = tmp_path_factory.mktemp("hostile")
    made = {}
    with held_board(folder) as board:
        holder, key = new_holder(board, payloads(beacon.url)[0])
        (folder / "key").write_text(key, encoding="utf-8")
        for number, name in enumerate(payloads(beacon.url)):
            path = write_captions(folder / f"{number}.jsonl", beacon.url, number)
            note = "\n".join(payloads(beacon.url))
            new = predictions_submission(path, name, note=note, model_url=f"{beacon.url}?javascript:window.x=1")
            made[name] = submit_and_score(board, holder, new).id
        rejected = folder / "rejected.jsonl"
        rows = [{"video_id": text, "section": text, "caption": 1} for text in payloads(beacon.url)]
        rejected.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
        made["rejected"] = board.submissions.submit(holder, predictions_submission(rejected, "Rejected"))[0].id
        with writing(board.engine) as session:
            import_published(session, write_published(folder / "published.json", beacon.url))
        arena = Arena(board)
        for seed in range(4):
            pair = arena.next_pair(seed)
            assert pair is not None
            arena.vote(pair, "left", f"voter {seed}")
    with running_site(folder) as running:
        yield running, made


def write_captions(path: Path, beacon: str, number: int) -> Path:
    rows = [json.loads(line) for line in WEAK.read_text(encoding="utf-8").splitlines()]
    extra = f" {' '.join(payloads(beacon))} \u202etxet\u202c \u05d0\u05d1 {LONG} {number}."
    for row in rows:
        row["caption"] += extra
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return path


def write_published(path: Path, beacon: str) -> Path:
    text = " ".join(payloads(beacon))[:110]
    sections = {name: ["40.1", "-"] for name in ("short", "background", "main_object", "camera", "detailed")}
    document = {
        "schema_version": 1,
        "sources": [
            {"id": "s", "name": text, "url": beacon, "date": "2026", "judge": text, "kind": "paper", "note": text}
        ],
        "rows": [{"source": "s", "model": text, "frames": "<b>", "average": ["50.0", "2.0"], "sections": sections}],
    }
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def test_no_page_runs_loads_or_hides_what_was_handed_in(
    browser: Browser, hostile_site: tuple[Site, dict[str, str]], beacon: Beacon
) -> None:
    site, made = hostile_site
    dialogs: list[str] = []
    with open_window(browser, site) as window:
        window.page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
        page = window.open("/submit")
        page.get_by_label("Token", exact=True).fill(site.key)
        page.get_by_role("button", name="Use this token").click()
        page.get_by_text("Signed in as").wait_for()
        settle(page)
        check(window)
        for path in paths(made):
            window.open(path, "h1, [data-testid=stAlert]")
            check(window)
        page = window.open(f"/submit?submission={made[SCRIPT]}")
        assert SCRIPT in page.inner_text("[data-testid=stMain]")
        page = window.open("/arena")
        page.get_by_role("button", name="Left is better").click()
        page.get_by_text("You preferred the left caption.").wait_for()
        check(window)
        window.shoot("hostile arena")
        assert window.errors == [] and window.foreign == [] and dialogs == []
    assert beacon.asked == []


def paths(made: dict[str, str]) -> list[str]:
    slugs = [slug_of(name) for name in made][:3]
    return [
        "/board?figures=true",
        *(f"/model?model={slug}" for slug in slugs),
        "/compare",
        "/efficiency",
        "/arena",
        "/audit",
        "/about",
        *(f"/submit?submission={made[name]}" for name in (SCRIPT, "rejected")),
        "/submit?submission=%3Cscript%3Ewindow.x%3D1%3C%2Fscript%3E",
    ]


def check(window: Window) -> None:
    """Nothing ran, and no element came from a text."""
    found = window.page.evaluate(
        """() => ({
            x: typeof window.x,
            elements: [...document.querySelectorAll('[data-testid=stMain] script, [data-testid=stMain] iframe, '
                + '[data-testid=stMain] img, [data-testid=stMain] a[href^=javascript]')].map(one => one.outerHTML),
        })"""
    )
    assert found == {"x": "undefined", "elements": []}, window.page.url
