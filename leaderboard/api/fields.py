"""What may come in: every text and number of a request has a form and a limit."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import Path, Query
from pydantic import AfterValidator

from leaderboard.names import check_text
from vdc.errors import InputError

MAX_TEXT: Final = 200


def clean(text: str) -> str:
    """The text, if a database and a page can be trusted with it."""
    try:
        return check_text(text, "value", most=MAX_TEXT)
    except InputError as error:
        # pydantic turns a ValueError into the field's own error.
        raise ValueError(str(error)) from error


CleanQuery = Annotated[str | None, Query(max_length=MAX_TEXT), AfterValidator(lambda text: text and clean(text))]
Identifier = Annotated[str, Path(pattern=r"^[0-9a-f]{32}$", description="32 hexadecimal digits.")]
Slug = Annotated[str, Path(max_length=MAX_TEXT), AfterValidator(clean)]
PageNumber = Annotated[int, Query(ge=1, le=1_000_000)]
PageSize = Annotated[int, Query(ge=1, le=500)]

Problems = dict[str, Any]
"""The body of every refusal: ``{"error": {"kind": ..., "message": ..., "problems": [...]}}``."""
