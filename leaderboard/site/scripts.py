"""Streamlit's scripts from memory: a page asks for about 130, and opening each takes longer than sending it."""

from __future__ import annotations

import mimetypes
from pathlib import Path
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

_PREFIX: Final = "/static/"
_FOLDERS: Final = ("js", "css")
# Their names change with their content.
_FOR_EVER: Final = (b"cache-control", b"public, immutable, max-age=31536000")


class ScriptsFromMemory:
    """Answers for Streamlit's scripts and styles; everything else goes on to the application.

    Only files that lie in the folder when the process starts are known, so no path can lead out of it. A file is read
    when it is first asked for.

    Args:
        app: The pages.
        folder: Streamlit's ``static/static``; None finds the installed one.
    """

    def __init__(self, app: ASGIApp, folder: Path | None = None) -> None:
        self._app = app
        root = folder if folder is not None else _installed()
        self._paths = {
            f"{_PREFIX}{name}/{path.name}": path
            for name in _FOLDERS
            for path in (root / name).glob("*")
            if path.is_file()
        }
        self._read: dict[str, tuple[list[tuple[bytes, bytes]], bytes]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a plain GET for a known file; pass on what is anything else."""
        asked = scope["path"].removeprefix(scope.get("root_path", "")) if scope["type"] == "http" else ""
        plain = scope.get("method") == "GET" and not any(
            name in (b"range", b"if-none-match", b"if-modified-since") for name, _ in scope.get("headers", ())
        )
        if asked not in self._paths or not plain:
            await self._app(scope, receive, send)
            return
        if asked not in self._read:
            self._read[asked] = _load(self._paths[asked])
        headers, body = self._read[asked]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def _load(path: Path) -> tuple[list[tuple[bytes, bytes]], bytes]:
    body = path.read_bytes()
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    headers = [
        (b"content-type", kind.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"x-content-type-options", b"nosniff"),
        _FOR_EVER,
    ]
    return headers, body


def _installed() -> Path:
    import streamlit

    return Path(streamlit.__file__).parent / "static" / "static"
