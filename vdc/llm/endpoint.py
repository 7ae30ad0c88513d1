"""Where an OpenAI-compatible server is and which key it wants."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit, urlunsplit

from vdc.errors import InputError, Problem
from vdc.settings import API_KEYS


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A server's address and key. Build it with :func:`parse_endpoint`.

    Args:
        base_url: Up to and including the version part, without a slash at the end.
        query: Query string every call carries, without the question mark; usually empty.
        api_key: Never shown: not in ``repr``, not in an error, not in a record.
    """

    base_url: str
    query: str = ""
    api_key: str | None = field(default=None, repr=False)

    def url(self, path: str) -> str:
        """Address of a call, for example ``url("/chat/completions")``."""
        return f"{self.base_url}{path}{'?' if self.query else ''}{self.query}"

    def identity(self, model: str) -> str:
        """Digest that stands for this server and model in the reply store, so that no host name is kept."""
        return hashlib.blake2b(f"{self.base_url}\n{model}".encode(), digest_size=16).hexdigest()

    def scrub(self, text: str) -> str:
        """The text without the key, should a server echo it."""
        return text.replace(self.api_key, "***") if self.api_key else text


def parse_endpoint(base_url: str, environment: Mapping[str, str] | None = None) -> Endpoint:
    """An endpoint from what users write: with or without ``/v1``, a slash at the end, or the full path of the call.

    Args:
        base_url: For example ``http://127.0.0.1:8000`` or ``https://api.openai.com/v1/``.
        environment: Where the key is looked for; ``os.environ`` when not given. No key is fine.

    Raises:
        InputError: No http(s) address, or one with a user name or password in it.
    """
    environment = os.environ if environment is None else environment
    try:
        parts = urlsplit(base_url.strip())
        port_is_number = parts.port is None or parts.port > 0
    except ValueError:
        parts, port_is_number = urlsplit(""), False
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_is_number:
        shown = base_url.rsplit("@", 1)[-1]
        raise InputError(
            Problem(
                found=f"server address {shown!r}",
                expected="an http or https address such as http://127.0.0.1:8000/v1",
                do_next="correct --base-url (or VDC_BASE_URL)",
            )
        )
    if parts.username or parts.password:
        raise InputError(
            Problem(
                found="a user name or password in the server address",
                expected="the address alone",
                do_next=f"put the key in the environment variable {API_KEYS[0]}",
            )
        )
    path = parts.path.rstrip("/").removesuffix("/chat/completions")
    key = next((environment[name] for name in API_KEYS if environment.get(name)), None)
    if key is not None and not (key.isascii() and key.isprintable()):
        raise InputError(
            Problem(
                found=f"control or non-ASCII characters in the key of {' or '.join(API_KEYS)}",
                expected="the key as the provider shows it",
                do_next="set the variable again; a line break at its end is a common cause",
            )
        )
    return Endpoint(urlunsplit((parts.scheme, parts.netloc, path or "/v1", "", "")), parts.query, key)
