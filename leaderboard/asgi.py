"""Pages and API as one application, or the pages alone: ``uvicorn --factory leaderboard.asgi:create``."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Final

import streamlit as st
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.routing import BaseRoute, Mount, Route
from streamlit import config

from leaderboard.api.app import API_PATH, create_api
from leaderboard.logs import take_over_streamlit_logs
from leaderboard.services import Services, open_board
from leaderboard.settings import MEGABYTE
from leaderboard.site.access import provide
from leaderboard.site.memory import import_ahead
from leaderboard.site.scripts import CHARTS, TABLES, ScriptsFromMemory
from leaderboard.site.uploads import UploadGate

ENTRANCE: Final = Path(__file__).with_name("streamlit_app.py")
CHECKS: Final = ("/healthz", "/readyz", "/metrics")
PAGE_SCRIPTS: Final = {
    "/": TABLES,
    "/model": TABLES,
    "/compare": (*TABLES, *CHARTS),
    "/efficiency": (*TABLES, *CHARTS),
    "/arena": TABLES,
    "/submit": TABLES,
    "/audit": TABLES,
    "/about": TABLES,
}
"""Page -> what it is made of, for its scripts to be asked for at once."""


def create_site(services: Services, *, with_api: bool = True) -> st.App:
    """The pages at the root, the API at ``API_PATH``, the checks where load balancers look for them.

    One per process: Streamlit's sessions and configuration belong to it.

    Args:
        services: The open board.
        with_api: Without it only the pages and the checks are there, as where the API has processes of its own.
    """
    take_over_streamlit_logs()
    provide(services)
    import_ahead()
    api = create_api(services)
    routes: list[BaseRoute] = [Route(path, api) for path in CHECKS]
    routes.append(Route("/board", _to_start))
    if with_api:
        routes.append(Mount(API_PATH, app=api))
    upload_bytes = services.settings.limits.upload_bytes
    middleware = [Middleware(ScriptsFromMemory, pages=PAGE_SCRIPTS), Middleware(UploadGate, upload_bytes=upload_bytes)]
    app = st.App(ENTRANCE, routes=routes, middleware=middleware)
    # After the application: it decides which configuration file is read.
    config.set_option("server.maxUploadSize", max(1, upload_bytes // MEGABYTE))
    return app


def create() -> st.App:
    """The site over the board of the environment, open as long as the process."""
    return create_site(contextlib.ExitStack().enter_context(open_board()))


async def _to_start(request: Request) -> RedirectResponse:
    """The first page has no address of its own, but people try its name."""
    query = request.url.query
    return RedirectResponse(f"./?{query}" if query else "./")
