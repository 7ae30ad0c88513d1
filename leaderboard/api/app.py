"""The API as an application: alone, or mounted beside the pages."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.responses import RedirectResponse
from starlette.routing import Mount, Route

from leaderboard.api import board_routes, health, submission_routes
from leaderboard.api.errors import add_error_handlers
from leaderboard.board import BoardReader
from leaderboard.services import Services
from leaderboard.verdict_pages import VerdictReader
from vdc._version import __version__

API_PATH = "/api/v1"

_ABOUT = (
    "Submit captions or runs, follow them, read the board. Accuracies are fractions in [0, 1], scores 0 to 5, times "
    "UTC. Every refusal has the form {error: {kind, message, problems}}. All names, captions and answers are text from "
    "outside: show them as text, never as HTML."
)


def create_api(services: Services) -> FastAPI:
    """The API over an open board; its routes have no prefix, mount it at ``API_PATH``."""
    app = FastAPI(title="VDC board", version=__version__, description=_ABOUT)
    app.state.services = services
    app.state.board = BoardReader(services.engine)
    app.state.verdicts = VerdictReader(services.store)
    add_error_handlers(app)
    health.add_observation(app, services)
    app.include_router(submission_routes.router)
    app.include_router(board_routes.router)
    app.include_router(health.router)
    return app


def create_site(services: Services) -> Starlette:
    """The API at ``API_PATH``, the checks also at the root, where load balancers look for them."""
    api = create_api(services)

    async def to_docs(_request: object) -> RedirectResponse:
        return RedirectResponse(f"{API_PATH}/docs")

    checks = [Route(path, api) for path in ("/healthz", "/readyz", "/metrics")]
    return Starlette(routes=[Mount(API_PATH, app=api), Route("/", to_docs), *checks])
