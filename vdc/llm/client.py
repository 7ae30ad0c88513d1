"""The transport: one attempt at a chat-completions call over HTTP, kept lean because a run makes 200,000 of them.

Retries, concurrency and the reply store are the runner's business; what the server cannot do is noticed here.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import ssl
from dataclasses import replace
from types import TracebackType
from typing import Any, Final
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
from yarl import URL

from vdc.llm.capabilities import (
    DEFAULT,
    BodyEncoder,
    Capabilities,
    StructuredOutput,
    chat_body,
    follows_schema,
    refused_parameter,
)
from vdc.llm.endpoint import Endpoint
from vdc.llm.outcome import Outcome, error_message, read_error, read_reply
from vdc.llm.store import ReplyStore
from vdc.llm.types import ChatRequest

logger = logging.getLogger(__name__)

CAPABILITIES_LAST_S: Final = 7 * 24 * 3600.0
"""How long a refusal is remembered: a server that is set up anew may take the parameter after all."""

SCHEMA_SAMPLE: Final = 20
"""After so many replies to requests with a schema it is decided whether the server obeys it."""

SCHEMA_SHARE: Final = 0.8
"""Share of them that must follow it; less than 1 because replies may be cut short or spoilt for other reasons."""

_MOST_ADAPTATIONS: Final = 6
_MOST_NAMES: Final = 16
_FILES_EXHAUSTED: Final = frozenset({errno.EMFILE, errno.ENFILE})


class ChatClient:
    """Sends chat requests to one OpenAI-compatible server. Use as ``async with``; it may be opened again later.

    Args:
        endpoint: Address and key.
        store: Where refusals are remembered from run to run; None forgets them.

    Attributes:
        calls_made: HTTP requests sent so far, adaptations included.
    """

    def __init__(self, endpoint: Endpoint, store: ReplyStore | None = None) -> None:
        self._endpoint = endpoint
        self._store = store
        self._session: aiohttp.ClientSession | None = None
        self._chat_url = URL(endpoint.url("/chat/completions"), encoded=True)
        self._proxy: str | None = None
        self._bodies = BodyEncoder()
        self._capabilities: dict[str, Capabilities] = {}
        self._schema_replies = 0
        self._schema_followed = 0
        self._server_models: set[str] = set()
        self._fingerprints: set[str] = set()
        self._server_kind = ""
        self.calls_made = 0

    async def __aenter__(self) -> ChatClient:
        headers = {"Content-Type": "application/json"}
        if self._endpoint.api_key:
            headers["Authorization"] = f"Bearer {self._endpoint.api_key}"
        self._proxy = _proxy_for(self._endpoint.base_url)
        self._session = aiohttp.ClientSession(
            # how many calls fly is the runner's decision, and so is how long one may take
            connector=aiohttp.TCPConnector(limit=0, ttl_dns_cache=300, keepalive_timeout=60),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=30),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=headers,
            skip_auto_headers=("Accept-Encoding",),
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def send(self, request: ChatRequest) -> Outcome:
        """One attempt at a call; every failure is an outcome, only cancellation raises.

        A parameter that the server refuses by name is left out (or renamed) and the call sent again; if that is what
        helped, later calls go out that way from the start.
        """
        capabilities = known = self._known(request.model)
        outcome = Outcome("retry")
        for _ in range(_MOST_ADAPTATIONS):
            outcome, refused = await self._post(request, capabilities)
            if outcome.kind == "ok":
                if capabilities is not known:
                    self._adopt(request.model, capabilities)
                self._notice(request, outcome, capabilities)
                return outcome
            if refused is None:
                return outcome
            adapted = capabilities.without(refused)
            if adapted == capabilities:
                return outcome
            capabilities = adapted
        return outcome

    async def list_models(self, timeout_s: float = 10.0) -> tuple[str, ...]:
        """Names the server says it serves; empty if it does not say (not every server has this call)."""
        session = self._opened()
        url = URL(self._endpoint.url("/models"), encoded=True)
        try:
            async with session.get(
                url, timeout=aiohttp.ClientTimeout(total=timeout_s), proxy=self._proxy, allow_redirects=False
            ) as response:
                content = await response.read()
                if response.status != 200:
                    logger.info("the server does not list its models (status %d)", response.status)
                    return ()
            cards = [card for card in json.loads(content)["data"] if isinstance(card.get("id"), str)]
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            logger.info("the server does not list its models (%s)", type(error).__name__)
            return ()
        self._server_kind = next((str(card["owned_by"]) for card in cards if card.get("owned_by")), "")
        return tuple(card["id"] for card in cards)

    @property
    def structured_output(self) -> StructuredOutput:
        """What the server does with ``response_format``, as far as seen."""
        if any("response_format" in known.dropped for known in self._capabilities.values()):
            return "refused"
        if not self._schema_replies:
            return "not requested"
        followed = self._schema_followed >= SCHEMA_SHARE * self._schema_replies
        return "honoured" if followed else "ignored"

    def describe(self) -> dict[str, Any]:
        """What a run record needs to know about the server; no host name, no key."""
        union = DEFAULT
        for known in self._capabilities.values():
            union = union.union(known)
        adapted = union.to_json()
        return {
            "api": "openai chat completions",
            "server_kind": self._server_kind or None,
            "structured_output": self.structured_output,
            "dropped_parameters": adapted["dropped"],
            "renamed_parameters": adapted["renamed"],
            "answered_models": sorted(self._server_models),
            "system_fingerprints": sorted(self._fingerprints),
        }

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError("the client is not open; use it in an async with block")
        return self._session

    async def _post(self, request: ChatRequest, capabilities: Capabilities) -> tuple[Outcome, str | None]:
        session = self._opened()
        content = self._bodies.encode(request, capabilities)
        self.calls_made += 1
        try:
            async with session.post(self._chat_url, data=content, proxy=self._proxy, allow_redirects=False) as response:
                received = await response.read()
                status, headers = response.status, response.headers
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            return _transport_failure(error), None
        if status == 200:
            outcome = read_reply(received)
            if outcome.kind == "ok":
                return outcome, None
        else:
            outcome, error_body = read_error(status, headers, received)
            if status in (400, 422):
                sent = chat_body(request, capabilities)
                refused = refused_parameter(error_body, error_message(error_body, received), sent)
                return self._scrubbed(outcome), refused
        return self._scrubbed(outcome), None

    def _scrubbed(self, outcome: Outcome) -> Outcome:
        return replace(outcome, error=self._endpoint.scrub(outcome.error))

    def _known(self, model: str) -> Capabilities:
        known = self._capabilities.get(model)
        if known is None:
            stored = self._store and self._store.capabilities(self._endpoint.identity(model), CAPABILITIES_LAST_S)
            known = self._capabilities[model] = Capabilities.from_json(stored) if stored else DEFAULT
            if known != DEFAULT:
                logger.warning("requests to %s are adapted as learnt earlier: %s", model, known.to_json())
        return known

    def _adopt(self, model: str, capabilities: Capabilities) -> None:
        union = self._capabilities[model].union(capabilities)
        if union == self._capabilities[model]:
            return
        self._capabilities[model] = union
        logger.warning("the server refuses parameters for %s; requests are adapted: %s", model, union.to_json())
        if self._store is not None:
            self._store.put_capabilities(self._endpoint.identity(model), union.to_json())

    def _notice(self, request: ChatRequest, outcome: Outcome, capabilities: Capabilities) -> None:
        if len(self._server_models) < _MOST_NAMES and outcome.server_model:
            self._server_models.add(outcome.server_model)
        if len(self._fingerprints) < _MOST_NAMES and outcome.fingerprint:
            self._fingerprints.add(outcome.fingerprint)
        if request.json_schema is None or self._schema_replies >= SCHEMA_SAMPLE:
            return
        if "response_format" in capabilities.dropped or outcome.finish_reason == "length":
            return
        self._schema_replies += 1
        self._schema_followed += follows_schema(outcome.text, request.json_schema)
        if self._schema_replies == SCHEMA_SAMPLE and self.structured_output == "ignored":
            logger.warning(
                "the server takes response_format but does not follow it (%d of %d replies do); replies are parsed "
                "as free text",
                self._schema_followed,
                self._schema_replies,
            )


def _transport_failure(error: Exception) -> Outcome:
    if isinstance(error, aiohttp.ClientConnectorCertificateError | ssl.SSLError | aiohttp.ClientSSLError):
        return Outcome(
            "run_failed",
            error="found a server certificate that cannot be verified; expected a valid one; do next: check --base-url "
            "(https or http) and the certificates of this machine",
        )
    congested = isinstance(error, TimeoutError) or getattr(error, "errno", None) in _FILES_EXHAUSTED
    # aiohttp's own words for a failed connection name host and port, which no record may hold.
    reason = str(error)
    if isinstance(error, aiohttp.ClientConnectorError):
        reason = os.strerror(error.errno) if isinstance(error.errno, int) else ""
    words = f"{type(error).__name__}: {reason}" if reason else type(error).__name__
    return Outcome("retry", error=f"no reply ({words[:200]})", congested=congested)


def _proxy_for(base_url: str) -> str | None:
    """The environment's proxy for the server, looked up once; servers on this machine are reached directly."""
    parts = urlsplit(base_url)
    host = parts.hostname or ""
    if host == "localhost" or host.startswith("127.") or host == "::1" or proxy_bypass(host):
        return None
    return getproxies().get(parts.scheme)
