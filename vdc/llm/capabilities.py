"""What a server and model take: which request parameters to leave out or rename, and whether schemas are obeyed."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from json.encoder import encode_basestring_ascii as _quote
from typing import Any, Final, Literal

from vdc.llm.types import ChatRequest, Message, replace_surrogates, request_head

StructuredOutput = Literal["honoured", "refused", "ignored", "not requested"]
"""What a server does with ``response_format``; *ignored* means status 200 and a reply that is no such JSON."""

_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "response_format": ("response_format", "json_schema", "guided", "structured output", "structured_output"),
    "max_tokens": ("max_tokens",),
    "temperature": ("temperature",),
    "seed": ("seed",),
    "top_p": ("top_p",),
}
"""Parameters we can do without, with the words by which servers call them in a refusal."""

_REFUSALS: Final = (
    "unsupported",
    "not support",
    "n't support",
    "not permitted",
    "not allowed",
    "not implemented",
    "not available",
    "unrecognized",
    "unrecognised",
    "unknown",
    "unexpected",
    "extra inputs",
    "extra fields",
    "extra_forbidden",
    "forbidden",
    "instead",
    "only the default",
    "invalid",
)
_TAILS_KEPT: Final = 64
_TOO_LONG: Final = ("context length", "context_length", "maximum context", "too long", "too large", "reduce the length")


@dataclass(frozen=True, slots=True)
class Capabilities:
    """How the request body is changed for a server that refuses part of it.

    Args:
        dropped: Parameters that are left out.
        max_completion_tokens: The limit on new tokens goes under this newer name.
    """

    dropped: frozenset[str] = frozenset()
    max_completion_tokens: bool = False

    def without(self, parameter: str) -> Capabilities:
        """The same, made to suit a server that has just refused the parameter."""
        if parameter == "max_tokens" and not self.max_completion_tokens:
            return replace(self, max_completion_tokens=True)
        return replace(self, dropped=self.dropped | {parameter})

    def union(self, other: Capabilities) -> Capabilities:
        """What suits both."""
        return Capabilities(self.dropped | other.dropped, self.max_completion_tokens or other.max_completion_tokens)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON, for the store and the run record."""
        renamed = {"max_tokens": "max_completion_tokens"} if self.max_completion_tokens else {}
        return {"dropped": sorted(self.dropped), "renamed": renamed}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Capabilities:
        """The inverse of :meth:`to_json`; names this release does not know are ignored."""
        dropped = frozenset(name for name in value.get("dropped", ()) if name in _NAMES)
        return cls(dropped, "max_tokens" in value.get("renamed", {}))


DEFAULT: Final = Capabilities()


def chat_body(request: ChatRequest, capabilities: Capabilities = DEFAULT) -> dict[str, Any]:
    """The JSON body of a chat-completions call; the same online and in a batch file.

    Lone surrogates in message texts become U+FFFD, because no server accepts them.
    """
    sampling = request.sampling
    dropped = capabilities.dropped
    body: dict[str, Any] = {"model": request.model, "messages": [_message(message) for message in request.messages]}
    if "temperature" not in dropped:
        body["temperature"] = sampling.temperature
    if "max_tokens" not in dropped:
        body["max_completion_tokens" if capabilities.max_completion_tokens else "max_tokens"] = sampling.max_tokens
    if sampling.top_p is not None and "top_p" not in dropped:
        body["top_p"] = sampling.top_p
    if sampling.seed is not None and "seed" not in dropped:
        body["seed"] = sampling.seed + sampling.repeat
    if request.json_schema is not None and "response_format" not in dropped:
        body["response_format"] = {
            "type": "json_schema",
            "json_schema": {"name": "reply", "strict": True, "schema": dict(request.json_schema)},
        }
    return body


class BodyEncoder:
    """:func:`chat_body` as bytes, with the part that all requests of a run share encoded once."""

    def __init__(self) -> None:
        self._tails: dict[tuple[str, Capabilities], str] = {}

    def encode(self, request: ChatRequest, capabilities: Capabilities = DEFAULT) -> bytes:
        """The bytes to send; as JSON equal to ``chat_body(request, capabilities)``."""
        place = (request_head(request), capabilities)
        tail = self._tails.get(place)
        if tail is None:
            if len(self._tails) >= _TAILS_KEPT:
                self._tails.clear()
            bare = chat_body(replace(request, messages=()), capabilities)
            del bare["messages"]
            tail = self._tails[place] = "]," + json.dumps(bare)[1:]
        messages = ",".join([_encoded_message(message) for message in request.messages])
        return f'{{"messages":[{messages}{tail}'.encode("ascii")


def refused_parameter(body: Mapping[str, Any] | None, message: str, sent: Collection[str]) -> str | None:
    """Which of the parameters we sent a 400 or 422 complains about.

    Args:
        body: The error reply where it is a JSON object.
        message: The error in words.
        sent: Keys of the request body.

    Returns:
        One of the names we can do without (``max_tokens`` also for its newer name), or None.
    """
    words = message.lower()
    if any(mark in words for mark in _TOO_LONG):
        return None
    named = _named_by_server(body)
    if not named and not any(mark in words for mark in _REFUSALS):
        return None
    for parameter, aliases in _NAMES.items():
        if parameter not in sent and not (parameter == "max_tokens" and "max_completion_tokens" in sent):
            continue
        if named:
            if any(alias in named for alias in aliases) or (parameter == "max_tokens" and "max_completion" in named):
                return parameter
        elif any(alias in words for alias in aliases):
            return parameter
    return None


def follows_schema(text: str, schema: Mapping[str, Any]) -> bool:
    """Whether a reply is a JSON object with the schema's required keys: enough to tell a server that ignores it."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(value, dict) and all(name in value for name in schema.get("required", ()))


def _encoded_message(message: Message) -> str:
    content = message.content
    if isinstance(content, str):
        return f'{{"role":{_quote(message.role)},"content":{_quote(replace_surrogates(content))}}}'
    return json.dumps(_message(message))


def _message(message: Message) -> dict[str, Any]:
    content = message.content
    if isinstance(content, str):
        return {"role": message.role, "content": replace_surrogates(content)}
    return {"role": message.role, "content": [dict(part) for part in content]}


def _named_by_server(body: Mapping[str, Any] | None) -> str:
    """The parameter in the places where OpenAI (``error.param``) and FastAPI (``detail[].loc``) put it."""
    if body is None:
        return ""
    error = body.get("error")
    if isinstance(error, dict) and isinstance(error.get("param"), str):
        return str(error["param"])
    details = body.get("detail")
    if isinstance(details, list):
        places = [part for detail in details if isinstance(detail, dict) for part in detail.get("loc", ())]
        return " ".join(str(part) for part in places)
    return ""
