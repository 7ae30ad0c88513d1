"""Who is asking."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.exceptions import HTTPException

from leaderboard.db.session import reading
from leaderboard.services import Services
from leaderboard.tokens import Holder, find_holder

_bearer = HTTPBearer(auto_error=False, description="A token of this board: vdc_...")


def services_of(request: Request) -> Services:
    """The open board of this application."""
    services = request.app.state.services
    if not isinstance(services, Services):
        raise TypeError("the application has no board")
    return services


Board = Annotated[Services, Depends(services_of)]
Credentials = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]


def optional_holder(services: Board, credentials: Credentials) -> Holder | None:
    """The token's holder; None without a token. A wrong token is refused rather than taken for none."""
    if credentials is None:
        return None
    with reading(services.engine) as session:
        holder = find_holder(session, credentials.credentials)
    if holder is None:
        raise _unknown()
    return holder


def required_holder(holder: Annotated[Holder | None, Depends(optional_holder)]) -> Holder:
    """The token's holder."""
    if holder is None:
        raise _unknown()
    return holder


def _unknown() -> HTTPException:
    return HTTPException(
        401,
        "found no valid token; expected the header Authorization: Bearer TOKEN; do next: ask the people who run this "
        "board for a token",
        headers={"WWW-Authenticate": "Bearer"},
    )


MaybeHolder = Annotated[Holder | None, Depends(optional_holder)]
SomeHolder = Annotated[Holder, Depends(required_holder)]
