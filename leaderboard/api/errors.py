"""Every refusal has one form, whichever part of the API it comes from."""

from __future__ import annotations

import logging
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from sqlalchemy.exc import DBAPIError
from starlette.exceptions import HTTPException

from leaderboard.failures import LimitReached, NotAllowed, NotFound, TooLarge
from vdc.errors import InputError, VdcError

logger = logging.getLogger(__name__)


class ErrorBody(BaseModel):
    """What was wrong."""

    kind: str
    message: str
    problems: list[dict[str, Any]] = []


class ErrorReply(BaseModel):
    """The body of every refusal."""

    error: ErrorBody


RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    status: {"model": ErrorReply, "description": text}
    for status, text in {
        400: "The request cannot be read.",
        401: "No token, or one that is not known.",
        403: "The token may not do this.",
        404: "No such thing, or not for this token.",
        413: "Too large.",
        422: "A value cannot be used.",
        429: "Too much at once; the header Retry-After says when to come back.",
        503: "The board cannot reach a part of itself.",
    }.items()
}


_ROUTING: Final = {
    "Not Found": "found no such address; expected one of this API; do next: see openapi.json or docs beside it",
    "Method Not Allowed": "found a method that this address does not take; expected one of the header Allow; do next: "
    "see openapi.json or docs beside it",
}
"""What the framework says of addresses it does not know, in the words of every other refusal."""


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The documented refusals of a route."""
    return {status: RESPONSES[status] for status in statuses}


def error_reply(status: int, kind: str, message: str, problems: Any = (), **headers: str) -> JSONResponse:
    """A refusal."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    body = {"error": {"kind": kind, "message": message, "problems": list(problems)}}
    return JSONResponse(body, status_code=status, headers=named)


def add_error_handlers(app: FastAPI) -> None:
    """Teach an application to answer every failure with :class:`ErrorReply`."""

    @app.exception_handler(RequestValidationError)
    def wrong_request(_request: Request, error: RequestValidationError) -> JSONResponse:
        problems = [
            {"where": ".".join(str(part) for part in item["loc"]), "found": item["msg"]} for item in error.errors()
        ]
        return error_reply(422, "invalid", f"{len(problems)} values cannot be used", problems)

    @app.exception_handler(VdcError)
    def expected_failure(_request: Request, error: VdcError) -> JSONResponse:
        return _known(error)

    @app.exception_handler(HTTPException)
    def http_failure(_request: Request, error: HTTPException) -> JSONResponse:
        headers = {name.replace("-", "_"): value for name, value in (error.headers or {}).items()}
        return error_reply(error.status_code, "http", _ROUTING.get(error.detail, str(error.detail)), **headers)

    @app.exception_handler(DBAPIError)
    def database_failure(_request: Request, error: DBAPIError) -> JSONResponse:
        logger.error("database failure: %s", type(error.orig).__name__, exc_info=error)
        return error_reply(503, "unavailable", "the board cannot reach its database; try again", Retry_After="5")

    @app.exception_handler(Exception)
    def unexpected_failure(_request: Request, error: Exception) -> JSONResponse:
        logger.error("unexpected failure: %s", type(error).__name__, exc_info=error)
        return error_reply(500, "internal", "something unexpected happened here; tell the people who run this board")

    @app.exception_handler(OSError)
    def system_failure(_request: Request, error: OSError) -> JSONResponse:
        logger.error("the file store or the disk fails: %s", type(error).__name__, exc_info=error)
        return error_reply(503, "unavailable", "the board cannot reach its files; try again", Retry_After="30")


def _known(error: VdcError) -> JSONResponse:
    if isinstance(error, LimitReached):
        return error_reply(429, "limit", str(error), Retry_After=str(error.retry_after_s))
    if isinstance(error, TooLarge):
        # Without this the server would go on reading, and throwing away, what is refused.
        return error_reply(413, "too large", str(error), Connection="close")
    for kind, status, name in ((NotFound, 404, "not found"), (NotAllowed, 403, "not allowed")):
        if isinstance(error, kind):
            return error_reply(status, name, str(error))
    if isinstance(error, InputError):
        problems = [
            {"where": one.where, "found": one.found, "expected": one.expected, "do_next": one.do_next}
            for one in error.problems[:100]
        ]
        return error_reply(422, "invalid", str(error), problems)
    logger.error("%s", error)
    return error_reply(503, "unavailable", "the board cannot do this now; try again later", Retry_After="30")
