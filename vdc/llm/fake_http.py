"""Just enough HTTP/1.1 for the fake server: keep-alive, bodies with a length, and replies that go wrong on purpose."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final, Literal, Protocol, cast

_REASONS: Final = {
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    404: "Not Found",
    429: "Too Many Requests",
    500: "Internal Server Error",
    503: "Service Unavailable",
}


@dataclass(frozen=True, slots=True)
class Response:
    """What a request gets.

    Args:
        status: HTTP status.
        body: JSON bytes.
        headers: Further header lines, each with its line end.
        action: ``send`` it; ``hang`` without a word; ``drop`` the connection; ``cut_body``: close it in mid-body.
        delay_s: Seconds until then.
        is_call: It is in flight until then.
    """

    status: int
    body: bytes
    headers: str = ""
    action: Literal["send", "hang", "drop", "cut_body"] = "send"
    delay_s: float = 0.0
    is_call: bool = False

    def encode(self) -> bytes:
        """Status line, headers and body."""
        return (
            f"HTTP/1.1 {self.status} {_REASONS.get(self.status, 'Error')}\r\nContent-Type: application/json\r\n"
            f"{self.headers}Content-Length: {len(self.body)}\r\n\r\n"
        ).encode() + self.body


class Site(Protocol):
    """Whoever answers the requests."""

    connections: set[Connection]

    def handle(self, method: bytes, path: bytes, head: bytes, content: bytes) -> Response:
        """Decides what a request gets."""
        ...

    def call_left(self) -> None:
        """A response with ``is_call`` was sent, or its connection lost."""
        ...


class Connection(asyncio.Protocol):
    """One keep-alive connection; requests are answered one after the other.

    Args:
        site: Answers them.
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        self._received = bytearray()
        self._transport: asyncio.Transport | None = None
        self._response: Response | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Asyncio's callback."""
        self._transport = cast("asyncio.Transport", transport)
        self._site.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Asyncio's callback."""
        self._site.connections.discard(self)
        self._transport = None
        self._leave()

    def abort(self) -> None:
        """Closes the connection at once."""
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Asyncio's callback."""
        self._received += data
        while self._response is None:
            head_end = self._received.find(b"\r\n\r\n")
            if head_end < 0:
                return
            head = bytes(self._received[:head_end])
            lowered = head.lower()
            length_at = lowered.find(b"content-length:")
            length = 0 if length_at < 0 else int(lowered[length_at + 15 :].split(b"\r\n", 1)[0])
            end = head_end + 4 + length
            if len(self._received) < end:
                return
            content = bytes(self._received[head_end + 4 : end])
            del self._received[:end]
            self._handle(head, content)

    def _handle(self, head: bytes, content: bytes) -> None:
        method, path, _ = head.split(b"\r\n", 1)[0].split(b" ", 2)
        self._response = response = self._site.handle(method, path, head, content)
        if response.action == "hang":
            return
        if response.delay_s:
            asyncio.get_running_loop().call_later(response.delay_s, self._finish)
        else:
            self._finish()

    def _finish(self) -> None:
        response, transport = self._response, self._transport
        if response is None or transport is None:
            return
        self._leave()
        if response.action == "drop":
            transport.abort()
        elif response.action == "cut_body":
            encoded = response.encode()
            transport.write(encoded[: len(encoded) - len(response.body) // 2])
            transport.close()
        else:
            transport.write(response.encode())
            if response.delay_s and self._received:
                self.data_received(b"")

    def _leave(self) -> None:
        response, self._response = self._response, None
        if response is not None and response.is_call:
            self._site.call_left()
