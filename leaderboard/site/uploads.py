"""Who may send files to the pages: signed-in sessions only, and each only so much."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Final

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit.runtime.scriptrunner import get_script_run_ctx

_ROUTE: Final = "/_stcore/upload_file/"
_TIMES: Final = 8
"""Uploads of the largest size that one session may make; a new window starts again."""

_KEPT: Final = 10_000


class UploadGate:
    """ASGI middleware in front of the pages' uploads.

    The pages keep an upload in memory for as long as its session lasts, and take it from every session that is open,
    whether a page with a form was drawn or not. So a session must have been let in by a page that knows its holder.

    Args:
        app: What it guards.
        upload_bytes: Largest submission.
    """

    def __init__(self, app: ASGIApp, upload_bytes: int) -> None:
        self._app = app
        self._budget = _TIMES * upload_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse an upload."""
        is_upload = scope["type"] == "http" and scope["method"] == "PUT" and _ROUTE in scope["path"]
        if not is_upload:
            await self._app(scope, receive, send)
            return
        session_id = scope["path"].partition(_ROUTE)[2].partition("/")[0]
        spent = _sessions.spent(session_id)
        if spent is None:
            await _refusal(403, "sign in first")(scope, receive, send)
            return
        if spent >= self._budget:
            await _refusal(413, "this window has sent enough; open another")(scope, receive, send)
            return

        async def counted() -> Message:
            message = await receive()
            _sessions.add(session_id, len(message.get("body", b"")))
            return message

        await self._app(scope, counted, send)


def allow_uploads() -> None:
    """Let the session of the page that is being drawn send files."""
    context = get_script_run_ctx()
    if context is not None:
        _sessions.allow(context.session_id)


def _refusal(status: int, text: str) -> PlainTextResponse:
    # The server must not go on reading what is refused.
    return PlainTextResponse(text, status_code=status, headers={"Connection": "close"})


class _Sessions:
    """Sessions that may upload -> bytes they have sent."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._spent: OrderedDict[str, int] = OrderedDict()

    def allow(self, session_id: str) -> None:
        with self._lock:
            self._spent.setdefault(session_id, 0)
            self._spent.move_to_end(session_id)
            while len(self._spent) > _KEPT:
                self._spent.popitem(last=False)

    def spent(self, session_id: str) -> int | None:
        with self._lock:
            return self._spent.get(session_id)

    def add(self, session_id: str, count: int) -> None:
        with self._lock:
            if session_id in self._spent:
                self._spent[session_id] += count


_sessions: Final = _Sessions()
