"""The gate before the pages' uploads: only sessions that a page has let in, and each only so much."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("streamlit", reason="the extra leaderboard is not installed")

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from leaderboard.site import uploads

PATH = "/_stcore/upload_file/session-a/file"


@pytest.fixture
def client() -> Iterator[TestClient]:
    async def take(request: Request) -> PlainTextResponse:
        return PlainTextResponse(str(len(await request.body())))

    routes = [Route("/{path:path}", take, methods=["GET", "PUT", "DELETE"])]
    app: Any = Starlette(routes=routes, middleware=[Middleware(uploads.UploadGate, upload_bytes=100)])
    with TestClient(app) as opened:
        yield opened
    uploads._sessions._spent.clear()


def test_a_session_that_nobody_let_in_sends_nothing(client: TestClient) -> None:
    refused = client.put(PATH, content=b"x" * 10)
    assert refused.status_code == 403 and refused.headers["connection"] == "close"
    uploads._sessions.allow("session-b")
    assert client.put(PATH, content=b"x").status_code == 403


@pytest.mark.parametrize("path", [PATH, f"/base{PATH}"])
def test_a_session_that_was_let_in_sends_until_it_has_sent_enough(client: TestClient, path: str) -> None:
    uploads._sessions.allow("session-a")
    for _ in range(8):
        assert client.put(path, content=b"x" * 100).text == "100"
    assert client.put(path, content=b"x").status_code == 413


def test_everything_else_passes(client: TestClient) -> None:
    assert client.get(PATH).status_code == 200
    assert client.delete(PATH).status_code == 200
    assert client.put("/api/v1/submissions", content=b"xy").text == "2"


def test_old_sessions_are_forgotten(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "_KEPT", 2)
    for name in ("session-a", "session-b", "session-c"):
        uploads._sessions.allow(name)
    assert client.put(PATH, content=b"x").status_code == 403
