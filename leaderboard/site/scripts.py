"""Streamlit's scripts from memory, packed, and a page that asks for all it needs at once.

A page asks for about 130 scripts, and opening each takes longer than sending it. Left alone, it learns only from the
server what it will show, and only then asks for the scripts that draw it: the pages here name those from the start.
"""

from __future__ import annotations

import gzip
import mimetypes
import re
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

_PREFIX: Final = "/static/"
_FOLDERS: Final = ("js", "css")
_HEAD_END: Final = b"</head>"
_IMPORT: Final = re.compile(rb"(?:from|import)[\"']\./([\w.-]+\.js)[\"']")
# Smaller ones gain nothing.
_PACKED_BYTES: Final = 1_000

_NOTHING: Final = re.compile(rb"q\s*=\s*0(\.0*)?")

# Their names change with their content.
_FOR_EVER: Final = "public, immutable, max-age=31536000"
# The page itself must be looked at again: its scripts have other names after an upgrade.
_ASK_AGAIN: Final = "no-cache"

TABLES: Final = ("DataFrame", "DownloadButton", "Selectbox", "TextInput", "ButtonGroup", "Checkbox")
CHARTS: Final = ("ArrowVegaLiteChart", "embed")
"""Streamlit's names for the scripts that draw its elements."""


@dataclass(frozen=True, slots=True)
class _Answer:
    """A file as it is sent, packed where that makes it smaller."""

    kind: str
    keep: str
    body: bytes
    packed: bytes | None = None

    def headers(self, body: bytes) -> list[tuple[bytes, bytes]]:
        """The headers of one of the two forms."""
        texts = {
            "content-type": self.kind,
            "content-length": str(len(body)),
            "x-content-type-options": "nosniff",
            "cache-control": self.keep,
            "vary": "accept-encoding",
            **({"content-encoding": "gzip"} if body is self.packed else {}),
        }
        return [(name.encode(), value.encode()) for name, value in texts.items()]


class ScriptsFromMemory:
    """Answers for Streamlit's scripts, its styles and the named pages; everything else goes on to the application.

    Only files that lie in the folder when the process starts are known, so no path can lead out of it. A file is read
    when it is first asked for, or by a thread that reads and packs all of them meanwhile.

    Args:
        app: The pages.
        pages: Path of a page -> elements that it is made of, see ``TABLES`` and ``CHARTS``.
        folder: Streamlit's ``static``; None finds the installed one.
    """

    def __init__(
        self, app: ASGIApp, pages: Mapping[str, Sequence[str]] | None = None, folder: Path | None = None
    ) -> None:
        self._app = app
        self._root = folder if folder is not None else _installed()
        self._paths = {
            f"{_PREFIX}{name}/{path.name}": path
            for name in _FOLDERS
            for path in (self._root / "static" / name).glob("*")
            if path.is_file()
        }
        self._pages = dict(pages or {})
        self._ready: dict[str, _Answer] = {}
        threading.Thread(target=self._prepare, name="scripts", daemon=True).start()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a plain GET for a known file or page; pass on what is anything else."""
        asked = scope["path"].removeprefix(scope.get("root_path", "")) if scope["type"] == "http" else ""
        headers = dict(scope.get("headers", ()))
        plain = scope.get("method") == "GET" and not headers.keys() & {
            b"range",
            b"if-none-match",
            b"if-modified-since",
        }
        if not plain or not (asked in self._paths or asked in self._pages):
            await self._app(scope, receive, send)
            return
        answer = self._ready.get(asked) or self._load(asked)
        body = answer.body
        if answer.packed is not None and _takes_gzip(headers.get(b"accept-encoding", b"")):
            body = answer.packed
        await send({"type": "http.response.start", "status": 200, "headers": answer.headers(body)})
        await send({"type": "http.response.body", "body": body})

    def _load(self, asked: str) -> _Answer:
        if asked in self._pages:
            body = page_with_scripts(self._root, self._pages[asked])
            answer = _Answer("text/html; charset=utf-8", _ASK_AGAIN, body)
        else:
            path = self._paths[asked]
            kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
            answer = _Answer(kind, _FOR_EVER, path.read_bytes())
        self._ready[asked] = answer
        return answer

    def _prepare(self) -> None:
        for asked in (*self._pages, *self._paths):
            answer = self._load(asked)
            if len(answer.body) >= _PACKED_BYTES:
                packed = gzip.compress(answer.body, 6, mtime=0)
                self._ready[asked] = _Answer(answer.kind, answer.keep, answer.body, packed)


def _takes_gzip(accepted: bytes) -> bool:
    """Whether an ``accept-encoding`` names gzip, and not with a weight of nothing."""
    for one in accepted.lower().split(b","):
        coding, *settings = (piece.strip() for piece in one.split(b";"))
        if coding == b"gzip":
            return not any(_NOTHING.fullmatch(setting) for setting in settings)
    return False


def page_with_scripts(root: Path, elements: Iterable[str]) -> bytes:
    """Streamlit's page with the scripts of these elements named in its head, those that it names itself left out.

    Args:
        root: Streamlit's ``static``.
        elements: As in ``TABLES``; one that this Streamlit does not have is left out, it is then fetched when needed.
    """
    page = (root / "index.html").read_bytes()
    named = [name for name in scripts_of(root / "static" / "js", elements) if name.encode() not in page]
    # After what the page needs to start at all.
    links = "".join(
        f'<link rel="modulepreload" crossorigin fetchpriority="low" href="./static/js/{name}">\n' for name in named
    )
    return page.replace(_HEAD_END, links.encode() + _HEAD_END, 1)


def scripts_of(folder: Path, elements: Iterable[str]) -> list[str]:
    """The scripts that elements need, with all that these import; each after the one that asks for it.

    Args:
        folder: Streamlit's scripts, ``NAME.HASH.js``.
        elements: Their names.
    """
    left = [path.name for element in elements for path in sorted(folder.glob(f"{element}.*.js"))]
    found: dict[str, None] = {}
    while left:
        name = left.pop(0)
        if name in found or not (folder / name).is_file():
            continue
        found[name] = None
        left += [one.decode() for one in _IMPORT.findall((folder / name).read_bytes())]
    return list(found)


def _installed() -> Path:
    import streamlit

    return Path(streamlit.__file__).parent / "static"
