"""The words in which any part of the project asks an LLM: request, reply, sampling."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

ReplyStatus = Literal["ok", "failed"]

_SURROGATES = re.compile("[\ud800-\udfff]")
_JSON: Final = json.JSONEncoder(separators=(",", ":"), default=dict)
_HEADS_KEPT: Final = 64
_heads: dict[tuple[str, str | None, Sampling, int], tuple[Mapping[str, Any] | None, str]] = {}


@dataclass(frozen=True, slots=True)
class Message:
    """One chat message.

    Args:
        role: ``system``, ``user`` or ``assistant``.
        content: Text, or a list of OpenAI content parts (images) as plain JSON values.
    """

    role: str
    content: str | tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Sampling:
    """How the model draws its reply. Every field is part of the reply store's key.

    Args:
        temperature: 0 is greedy.
        max_tokens: Limit on new tokens.
        top_p: Nucleus mass; None leaves the server's default.
        seed: Sent, plus ``repeat``, to servers that take one; None sends nothing.
        repeat: Number of the repetition, from 0: the same request drawn again is another entry of the store, and
            another draw even on a server that obeys seeds.
    """

    temperature: float = 0.0
    max_tokens: int = 256
    top_p: float | None = None
    seed: int | None = 0
    repeat: int = 0


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """One call.

    Args:
        model: Model name as the server knows it.
        messages: The full rendered conversation.
        sampling: See :class:`Sampling`.
        revision: Revision of the model where the user knows it; part of the key.
        json_schema: Schema the reply must follow; sent only to servers that know ``response_format``, part of the key
            either way. Must not be changed once used.
        scope: What the call is about, for example ``video/section/index``. Two questions with the same text are two
            draws, so that the verdict of one never decides the other.
    """

    model: str
    messages: tuple[Message, ...]
    sampling: Sampling = Sampling()
    revision: str | None = None
    json_schema: Mapping[str, Any] | None = field(default=None)
    scope: str = ""

    def key(self) -> str:
        """Hex digest (40 digits) that identifies the call in the reply store; independent of the server's address.

        It stands for every field: two requests that differ in any of them have different keys.
        """
        head = [request_head(self), self.scope]
        for message in self.messages:
            content = message.content
            if isinstance(content, str):
                head += (message.role, "text", content)
            else:
                head += (message.role, "parts", _JSON.encode(content))
        # lengths keep two lists of texts apart that would read the same in one row; captions in the wild carry lone
        # surrogates, and they must have a key like any other text
        lengths = ",".join([str(len(text)) for text in head])
        whole = "\0".join([lengths, *head]).encode("utf-8", "surrogatepass")
        return hashlib.blake2b(whole, digest_size=20).hexdigest()


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of one call.

    Args:
        key: The request's key.
        status: ``ok`` or ``failed``; a failed reply has no text and is never stored.
        text: The model's text, as received (lone surrogates replaced by U+FFFD).
        error: Why it failed, in words; empty when ok.
        from_store: No call was made for it in this run.
        finish_reason: As the server says (``stop``, ``length``, ...).
        input_tokens, output_tokens: As the server counted them; 0 when it does not.
        latency_s: Seconds of the attempt that succeeded.
        attempts: Calls made for it in this run; 0 when from the store.
    """

    key: str
    status: ReplyStatus
    text: str = ""
    error: str = ""
    from_store: bool = False
    finish_reason: str | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    latency_s: float = 0.0
    attempts: int = 0


Ask: TypeAlias = Callable[[ChatRequest], Awaitable[Reply]]
"""How a job asks: ``reply = await ask(request)``."""


def request_head(request: ChatRequest) -> str:
    """Everything that the requests of a run have in common, as JSON: model, revision, sampling, schema.

    Kept from call to call, because encoding it anew took a fifth of the time that a call costs us.
    """
    schema = request.json_schema
    place = (request.model, request.revision, request.sampling, id(schema))
    known = _heads.get(place)
    # the schema is kept with its head, so an id seen again is the same object's
    if known is not None and known[0] is schema:
        return known[1]
    sampling = request.sampling
    # 0 and 0.0 are the same temperature but not the same JSON
    temperature, top_p = float(sampling.temperature), None if sampling.top_p is None else float(sampling.top_p)
    drawn = [temperature, sampling.max_tokens, top_p, sampling.seed, sampling.repeat]
    head = _JSON.encode([request.model, request.revision, drawn, schema])
    if len(_heads) >= _HEADS_KEPT:
        _heads.clear()
    _heads[place] = (schema, head)
    return head


def replace_surrogates(text: str) -> str:
    """The text with every lone surrogate replaced by U+FFFD, so that it can be encoded; most texts come back as is."""
    if text.isascii():
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return _SURROGATES.sub("\ufffd", text)
    return text
