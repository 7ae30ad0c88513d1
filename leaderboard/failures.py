"""What the submission service refuses, as kinds that the API turns into status codes."""

from __future__ import annotations

from vdc.errors import VdcError


class NotFound(VdcError):
    """There is no such thing, or not for this caller: the two are not told apart."""

    exit_code = 2


class NotAllowed(VdcError):
    """The caller's token may not do this."""

    exit_code = 2


class TooLarge(VdcError):
    """More bytes than the board takes."""

    exit_code = 2


class LimitReached(VdcError):
    """Too much at once; the same request works later.

    Args:
        message: What was found, expected, and what to do.
        retry_after_s: When it may work again, seconds.
    """

    exit_code = 2

    def __init__(self, message: str, retry_after_s: int) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(message)
