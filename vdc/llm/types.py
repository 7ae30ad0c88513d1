"""The words in which any part of the project asks an LLM: request, reply, sampling."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

ReplyStatus = Literal["ok", "failed"]


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
        seed: Sent to servers that take one; None sends nothing.
        repeat: Number of the repetition, from 0: the same request drawn again is another entry of the store.
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
            either way.
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
        """Hex digest that identifies the call in the reply store; does not depend on the server's address."""
        sampling = self.sampling
        head = json.dumps(
            [
                self.model,
                self.revision,
                sampling.temperature,
                sampling.max_tokens,
                sampling.top_p,
                sampling.seed,
                sampling.repeat,
                self.json_schema,
                self.scope,
                [(message.role, message.content) for message in self.messages],
            ],
            ensure_ascii=False,
            separators=(",", ":"),
        )
        return hashlib.blake2b(head.encode(), digest_size=20).hexdigest()


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of one call.

    Args:
        key: The request's key.
        status: ``ok`` or ``failed``; a failed reply has no text and is never stored.
        text: The model's text, as received.
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
