"""Whether the process lives, whether it can work, and how much it does."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Final

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector
from sqlalchemy.exc import DBAPIError

from leaderboard.api.access import Board
from leaderboard.db.migrate import is_current
from leaderboard.db.queries import state_counts
from leaderboard.db.session import reading
from leaderboard.queue.heartbeats import live_workers
from leaderboard.services import Services

access_log = logging.getLogger("leaderboard.access")
logger = logging.getLogger(__name__)

_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0)
router = APIRouter(tags=["operations"])


@router.get("/healthz")
def alive() -> dict[str, str]:
    """The process answers; says nothing about what it needs."""
    return {"status": "alive"}


@router.get("/readyz", responses={503: {"description": "A part is missing; the body says which."}})
def ready(services: Board) -> Response:
    """The database has this release's tables and the file store can be written. Workers are told, not required."""
    checks: dict[str, Any] = {"database": False, "files": False, "workers": 0}
    try:
        checks["database"] = is_current(services.engine)
        checks["workers"] = live_workers(services.engine, services.settings.stale_s)
    except DBAPIError as error:
        logger.warning("not ready: the database fails with %s", type(error.orig).__name__)
    try:
        services.store.check_writable()
        checks["files"] = True
    except OSError as error:
        logger.warning("not ready: the file store fails with %s", type(error).__name__)
    fine = bool(checks["database"] and checks["files"])
    return JSONResponse({"status": "ready" if fine else "not ready", **checks}, status_code=200 if fine else 503)


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
def metrics(request: Request) -> Response:
    """Numbers for Prometheus."""
    return Response(generate_latest(request.app.state.registry), media_type=CONTENT_TYPE_LATEST)


class BoardCollector(Collector):
    """Submissions by state and live workers, counted when somebody asks."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Names only: registering must not ask the database."""
        yield GaugeMetricFamily("vdc_board_submissions", "Submissions by state", labels=["state"])
        yield GaugeMetricFamily("vdc_board_workers", "Workers that gave a sign of life")

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The present numbers."""
        states = GaugeMetricFamily("vdc_board_submissions", "Submissions by state", labels=["state"])
        workers = GaugeMetricFamily("vdc_board_workers", "Workers that gave a sign of life")
        try:
            with reading(self._services.engine) as session:
                for state, count in state_counts(session).items():
                    states.add_metric([state.value], count)
            workers.add_metric([], live_workers(self._services.engine, self._services.settings.stale_s))
        except DBAPIError as error:
            logger.warning("no numbers: the database fails with %s", type(error.orig).__name__)
        yield states
        yield workers


def add_observation(app: FastAPI, services: Services) -> None:
    """Count, time and log every request."""
    registry = CollectorRegistry()
    requests = Counter("vdc_http_requests", "Requests", ["method", "route", "status"], registry=registry)
    seconds = Histogram("vdc_http_seconds", "Seconds to answer", ["route"], buckets=_BUCKETS, registry=registry)
    registry.register(BoardCollector(services))
    app.state.registry = registry

    @app.middleware("http")
    async def observe(request: Request, call: Callable[[Request], Awaitable[Response]]) -> Response:
        started = time.perf_counter()
        status = 500
        try:
            response = await call(request)
            status = response.status_code
            response.headers["X-Content-Type-Options"] = "nosniff"
            response.headers["Referrer-Policy"] = "no-referrer"
            return response
        finally:
            elapsed = time.perf_counter() - started
            # The pattern, not the address: addresses hold ids and have no end.
            route = getattr(request.scope.get("route"), "path", "unknown")
            requests.labels(request.method if status != 405 else "other", route, status).inc()
            seconds.labels(route).observe(elapsed)
            fields = {"method": request.method, "route": route, "status": status, "seconds": round(elapsed, 4)}
            access_log.info("request", extra=fields)
