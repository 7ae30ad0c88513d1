"""Streamlit's scripts from memory."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("streamlit", reason="the extra leaderboard is not installed")

from leaderboard.site.scripts import ScriptsFromMemory


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "js").mkdir()
    (tmp_path / "js" / "Table.abc.js").write_text("export const a = 1;")
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
    asyncio.run(ScriptsFromMemory(behind, folder)(scope, receive, send))
    return sent


def test_a_known_script_is_answered_whole_and_may_be_kept(folder: Path) -> None:
    start, body = ask(folder, "/static/js/Table.abc.js")
    assert start["status"] == 200
    assert body["body"] == b"export const a = 1;"
    headers = dict(start["headers"])
    assert headers[b"content-length"] == b"19"
    assert b"javascript" in headers[b"content-type"]
    assert b"immutable" in headers[b"cache-control"]


@pytest.mark.parametrize(
    "path", ["/", "/static/js/Other.js", "/static/js/../../secret.txt", "/static/js/../secret.txt", "/api/v1/board"]
)
def test_everything_else_goes_on_to_the_application(folder: Path, path: str) -> None:
    assert ask(folder, path) == ["passed on"]


def test_parts_checks_and_other_methods_go_on_to_the_application(folder: Path) -> None:
    known = "/static/js/Table.abc.js"
    assert ask(folder, known, headers=[(b"range", b"bytes=0-3")]) == ["passed on"]
    assert ask(folder, known, headers=[(b"if-none-match", b'"x"')]) == ["passed on"]
    assert ask(folder, known, method="HEAD") == ["passed on"]


def test_streamlit_keeps_its_scripts_where_they_are_looked_for() -> None:
    import streamlit

    index = (Path(streamlit.__file__).parent / "static" / "index.html").read_text(encoding="utf-8")
    known = ScriptsFromMemory(lambda *_: None)._paths  # type: ignore[arg-type, return-value]
    assert any(path.removeprefix("/") in index for path in known)
