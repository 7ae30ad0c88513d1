"""Addresses of the site that are no pages."""

from __future__ import annotations

import asyncio

import pytest

pytest.importorskip("streamlit", reason="the extra leaderboard is not installed")

from starlette.requests import Request

from leaderboard.asgi import _to_start


@pytest.mark.parametrize(
    ("query", "target"), [(b"", "./"), (b"section=Camera&metric=score", "./?section=Camera&metric=score")]
)
def test_the_name_of_the_first_page_leads_to_it_with_its_filters(query: bytes, target: str) -> None:
    scope = {
        "type": "http",
        "path": "/board",
        "query_string": query,
        "headers": [],
        "server": ("board", 80),
        "scheme": "http",
    }
    answer = asyncio.run(_to_start(Request(scope)))
    assert answer.headers["location"] == target
