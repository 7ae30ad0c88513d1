"""Streamlit's scripts from memory."""

from __future__ import annotations

import asyncio
import gzip
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("streamlit", reason="the extra leaderboard is not installed")

from leaderboard.asgi import PAGE_SCRIPTS
from leaderboard.site.scripts import CHARTS, TABLES, ScriptsFromMemory, _installed, scripts_of

INDEX = '<html><head><script src="./static/js/index.0.js"></script></head><body></body></html>'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    scripts = tmp_path / "static" / "js"
    scripts.mkdir(parents=True)
    (scripts / "index.0.js").write_text('import{a}from"./react.1.js";')
    (scripts / "react.1.js").write_text("export const a=1;")
    (scripts / "Table.abc.js").write_text('import{a}from"./react.1.js";import"./grid.2.js";')
    (scripts / "grid.2.js").write_text('import{t}from"./Table.abc.js";' + "/* grid */" * 200)
    (scripts / "Chart.3.js").write_text("const later=()=>import('./vega.4.js');")
    (scripts / "vega.4.js").write_text("")
    (tmp_path / "index.html").write_text(INDEX)
    (tmp_path / "secret.txt").write_text("not for visitors")
    return tmp_path


def ask(folder: Path, path: str, method: str = "GET", headers: Iterable[tuple[bytes, bytes]] = ()) -> list[Any]:
    """What is sent for one request; ``passed on`` where the application behind is asked."""
    sent: list[Any] = []

    async def behind(_scope: Any, _receive: Any, _send: Any) -> None:
        sent.append("passed on")

    async def send(message: Any) -> None:
        sent.append(message)

    async def receive() -> Any:
        return {"type": "http.disconnect"}

    scope = {"type": "http", "path": path, "method": method, "headers": list(headers)}
    memory = ScriptsFromMemory(behind, {"/": ("Table",)}, folder)
    for thread in threading.enumerate():
        if thread.name == "scripts":
            thread.join(10)
    asyncio.run(memory(scope, receive, send))
    return sent


def test_a_known_script_is_answered_whole_and_may_be_kept(folder: Path) -> None:
    start, body = ask(folder, "/static/js/react.1.js")
    assert start["status"] == 200
    assert body["body"] == b"export const a=1;"
    headers = dict(start["headers"])
    assert headers[b"content-length"] == b"17"
    assert b"javascript" in headers[b"content-type"]
    assert b"immutable" in headers[b"cache-control"]


def test_a_large_script_is_packed_for_those_who_take_it(folder: Path) -> None:
    plain = (folder / "static" / "js" / "grid.2.js").read_bytes()
    start, body = ask(folder, "/static/js/grid.2.js", headers=[(b"accept-encoding", b"br, gzip")])
    headers = dict(start["headers"])
    assert headers[b"content-encoding"] == b"gzip" and headers[b"vary"] == b"accept-encoding"
    assert int(headers[b"content-length"]) == len(body["body"]) < len(plain)
    assert gzip.decompress(body["body"]) == plain
    start, body = ask(folder, "/static/js/grid.2.js")
    assert body["body"] == plain and b"content-encoding" not in dict(start["headers"])


@pytest.mark.parametrize(
    ("accepted", "packed"),
    [
        (b"gzip;q=0", False),
        (b"br, GZIP ; q=0.000", False),
        (b"xgzip", False),
        (b"gzip;q=0.1", True),
        (b"br;q=0, gzip", True),
    ],
)
def test_a_weight_of_nothing_asks_for_the_plain_file(folder: Path, accepted: bytes, packed: bool) -> None:
    start, _ = ask(folder, "/static/js/grid.2.js", headers=[(b"accept-encoding", accepted)])
    assert (b"content-encoding" in dict(start["headers"])) is packed


def test_a_page_names_the_scripts_of_its_elements_and_none_twice(folder: Path) -> None:
    start, body = ask(folder, "/")
    page = body["body"].decode()
    named = [piece.split('"')[0] for piece in page.split('href="./static/js/')[1:]]
    assert named == ["Table.abc.js", "react.1.js", "grid.2.js"]
    assert page.replace(page[page.index("<link") : page.index("</head>")], "") == INDEX
    assert dict(start["headers"])[b"cache-control"] == b"no-cache"


@pytest.mark.parametrize(
    "path",
    ["/other", "/static/js/Other.js", "/static/js/../../secret.txt", "/static/js/../secret.txt", "/api/v1/board"],
)
def test_everything_else_goes_on_to_the_application(folder: Path, path: str) -> None:
    assert ask(folder, path) == ["passed on"]


def test_parts_checks_and_other_methods_go_on_to_the_application(folder: Path) -> None:
    known = "/static/js/Table.abc.js"
    assert ask(folder, known, headers=[(b"range", b"bytes=0-3")]) == ["passed on"]
    assert ask(folder, known, headers=[(b"if-none-match", b'"x"')]) == ["passed on"]
    assert ask(folder, known, method="HEAD") == ["passed on"]


def test_what_an_element_imports_later_is_left_for_later(folder: Path) -> None:
    assert scripts_of(folder / "static" / "js", ["Chart"]) == ["Chart.3.js"]
    assert scripts_of(folder / "static" / "js", ["NoSuchElement"]) == []


def test_streamlit_keeps_its_scripts_where_they_are_looked_for() -> None:
    root = _installed()
    index = (root / "index.html").read_text(encoding="utf-8")
    known = ScriptsFromMemory(lambda *_: None)._paths  # type: ignore[arg-type, return-value]
    assert any(path.removeprefix("/") in index for path in known) and "</head>" in index
    for element in (*TABLES, *CHARTS):
        assert len(list((root / "static" / "js").glob(f"{element}.*.js"))) == 1, element


def test_every_page_of_the_site_has_its_scripts_named() -> None:
    entrance = (Path(__file__).parents[2] / "leaderboard" / "streamlit_app.py").read_text(encoding="utf-8")
    paths = [piece.split('"')[0] for piece in entrance.split('url_path="')[1:]]
    assert {"/", *(f"/{path}" for path in paths if path != "board")} == set(PAGE_SCRIPTS)
