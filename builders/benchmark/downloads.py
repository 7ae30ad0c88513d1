"""Fetching videos by address: bounded in size and time, whole or not at all."""

from __future__ import annotations

import hashlib
import os
import re
import urllib.error
import urllib.request
from http.client import HTTPException
from pathlib import Path, PurePosixPath
from typing import Final
from urllib.parse import unquote, urlsplit

from builders.media.reading import VIDEO_ENDINGS

SCHEMES: Final = ("http", "https", "file")
_CHUNK: Final = 1 << 18


class DownloadFailed(Exception):
    """An address that gave no file.

    Args:
        reason: ``bad_address``, ``download_failed`` or ``too_large``.
        found: In words.
        again: Whether it may work next time.
    """

    def __init__(self, reason: str, found: str, again: bool) -> None:
        self.reason = reason
        self.found = found
        self.again = again
        super().__init__(found)


def file_name(address: str) -> str:
    """The name an address gives its file, for example ``clip.mp4``; empty when it gives none."""
    return PurePosixPath(unquote(urlsplit(address).path)).name


def place_for(address: str, folder: Path) -> Path:
    """Where the file of an address is kept: named by the address's hash, with its ending where that is a video's."""
    ending = PurePosixPath(file_name(address)).suffix.lower()
    return (
        folder / f"{hashlib.sha256(address.encode()).hexdigest()[:24]}{ending if ending in VIDEO_ENDINGS else '.bin'}"
    )


def download(address: str, target: Path, *, max_bytes: int, timeout_s: float) -> None:
    """Fetch one file unless it is there already; it appears under its name only when it is whole.

    Args:
        address: http, https or file.
        target: Where to.
        max_bytes: Largest file.
        timeout_s: Longest silence of the server, seconds.

    Raises:
        DownloadFailed: No file came.
        OSError: The target cannot be written.
    """
    if target.is_file():
        return
    parts = urlsplit(address)
    if parts.scheme not in SCHEMES or (parts.scheme != "file" and not parts.hostname):
        raise DownloadFailed("bad_address", f"the address {address!r}, not http, https or file", again=False)
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        try:
            # the scheme was checked above, and redirects may lead to http and https only
            response = urllib.request.urlopen(_request(address), timeout=timeout_s)  # noqa: S310
        except (OSError, HTTPException, ValueError) as error:
            raise _failed(address, error) from error
        with response:
            announced = int(response.headers.get("Content-Length") or -1)
            if announced > max_bytes:
                raise DownloadFailed("too_large", f"{announced:,} bytes, more than {max_bytes:,}", again=False)
            target.parent.mkdir(parents=True, exist_ok=True)
            written = 0
            with part.open("wb") as file:
                while True:
                    try:
                        chunk = response.read(_CHUNK)
                    except (OSError, HTTPException) as error:
                        raise _failed(address, error) from error
                    if not chunk:
                        break
                    written += len(chunk)
                    if written > max_bytes:
                        raise DownloadFailed("too_large", f"more than {max_bytes:,} bytes", again=False)
                    file.write(chunk)
            if announced >= 0 and written < announced:
                found = f"{written:,} bytes of {announced:,}: the connection broke off"
                raise DownloadFailed("download_failed", found, again=True)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def read_addresses(text: str) -> list[str]:
    """The addresses of a list: one per line, blank lines and lines that begin with ``#`` left out, each once."""
    lines = (line.strip() for line in text.splitlines())
    return list(dict.fromkeys(line for line in lines if line and not line.startswith("#")))


def without_secrets(address: str) -> str:
    """The address without user, password and query, which may hold keys and do not belong in a manifest."""
    return re.sub(r"^([a-z]+://)[^/@]*@", r"\1", address.split("?")[0].split("#")[0])


def _request(address: str) -> urllib.request.Request:
    return urllib.request.Request(address, headers={"User-Agent": "vdc-toolkit"})  # noqa: S310 - scheme checked


def _failed(address: str, error: Exception) -> DownloadFailed:
    if isinstance(error, urllib.error.HTTPError):
        again = error.code >= 500 or error.code in (408, 425, 429)
        return DownloadFailed("download_failed", f"status {error.code} from {without_secrets(address)}", again)
    reason = getattr(error, "reason", None) or error
    return DownloadFailed("download_failed", f"no answer from {without_secrets(address)} ({reason})", again=True)
