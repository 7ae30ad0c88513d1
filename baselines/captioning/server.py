"""Captioning through an OpenAI-compatible server that takes images; replies are stored, so nothing is asked twice."""

from __future__ import annotations

import asyncio
import base64
import io
from collections.abc import Awaitable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from baselines.captioning.clips import pictures_of, read_clip
from baselines.captioning.frame_choice import choose_frames
from baselines.captioning.types import CaptionJob, ClipCaptions, Media, ModelSettings, Turn, View
from vdc.errors import InputError, Problem, RunFailed
from vdc.llm.types import Ask, ChatRequest, Message, Reply, Sampling
from vdc.sections import Section

if TYPE_CHECKING:
    from vdc.llm.endpoint import Endpoint
    from vdc.llm.store import ReplyStore

JPEG_QUALITY: Final = 90
LONGEST_SIDE: Final = 768
"""Larger frames are shrunk before they are sent, pixels: servers shrink them anyway, and requests have size limits."""


@dataclass(frozen=True, slots=True)
class ServerEngine:
    """Runs jobs on a server; see :class:`baselines.captioning.types.CaptionEngine`.

    Args:
        endpoint: The server.
        store: Replies, looked up before anything is asked.
        settings: See :class:`ModelSettings`; dtype and quantisation are the server's business.
        concurrency: Most calls in flight.
        timeout_s: Longest wait for one reply.
    """

    endpoint: Endpoint
    store: ReplyStore
    settings: ModelSettings
    concurrency: int = 16
    timeout_s: float = 120.0

    def facts(self) -> dict[str, Any]:
        """What identifies the model, as far as a server says."""
        return {"kind": "server", "architecture": None, "revision": self.settings.revision, "sha256": None}

    def run(self, jobs: Sequence[CaptionJob]) -> Iterator[ClipCaptions]:
        """One result per job, in order; a call that fails after all attempts is a failure of its caption alone.

        Raises:
            RunFailed: The server refuses everything or has not answered for long.
        """
        from vdc.llm.client import ChatClient
        from vdc.llm.ordered import run_ordered
        from vdc.llm.runner import RunnerConfig

        config = RunnerConfig(concurrency=self.concurrency, timeout_s=self.timeout_s)
        client = ChatClient(self.endpoint, self.store)
        with run_ordered(
            jobs, self._caption, client=client, store=self.store, config=config, total=len(jobs)
        ) as results:
            yield from results

    async def _caption(self, job: CaptionJob, ask: Ask) -> ClipCaptions:
        try:
            media = await asyncio.to_thread(read_clip, job.clip, _view(self.settings))
        except InputError as error:
            return job.failed(error.problems[0])
        pictures = await asyncio.to_thread(image_parts, media)
        replies = await asyncio.gather(
            *(self._section(job, pictures, section, text, ask) for section, text in job.instructions)
        )
        captions: dict[Section, str] = {}
        failures: dict[Section, Problem] = {}
        for (section, _), reply in zip(job.instructions, replies, strict=True):
            if reply.status == "ok":
                captions[section] = reply.text.strip()
            else:
                failures[section] = Problem(
                    f"a call that failed ({reply.error})", "a reply of the server", "repeat the command"
                )
        return ClipCaptions(job.clip.video_id, captions, failures)

    def _section(
        self, job: CaptionJob, pictures: list[dict[str, Any]], section: Section, text: str, ask: Ask
    ) -> Awaitable[Reply]:
        message = Message("user", (*pictures, {"type": "text", "text": text}))
        return ask(chat_request(self.settings, (message,), f"{job.clip.video_id}/{section}/caption"))


@dataclass(frozen=True, slots=True)
class ServerChat:
    """A model on a server that can be talked to; see :class:`baselines.captioning.types.ChatModel`.

    Args:
        endpoint: The server.
        settings: See :class:`ModelSettings`.
    """

    endpoint: Endpoint
    settings: ModelSettings

    @property
    def view(self) -> View:
        """Pictures as they are."""
        return _view(self.settings)

    def stream(self, media: Media, turns: Sequence[Turn]) -> Iterator[str]:
        """The answer in one piece.

        Raises:
            InputError: Stored features, which no server takes.
            RunFailed: There is no answer.
        """
        from vdc.llm.client import ChatClient

        messages: list[Message] = []
        for number, turn in enumerate(turns):
            pictures = image_parts(media) if number == 0 else []
            messages.append(Message("user", (*pictures, {"type": "text", "text": turn.question})))
            if turn.answer is not None:
                messages.append(Message("assistant", turn.answer))
        request = chat_request(self.settings, tuple(messages), "")

        async def send() -> str:
            async with ChatClient(self.endpoint) as client:
                outcome = await client.send(request)
            if outcome.kind != "ok":
                raise RunFailed(
                    f"found no answer ({outcome.error}); expected one from {self.settings.model}; do next: check "
                    "--base-url and --model, then ask again"
                )
            return outcome.text

        yield asyncio.run(send())


def chat_request(settings: ModelSettings, messages: tuple[Message, ...], scope: str) -> ChatRequest:
    """A greedy call."""
    sampling = Sampling(temperature=0.0, max_tokens=settings.max_new_tokens, seed=settings.seed)
    return ChatRequest(settings.model, messages, sampling, settings.revision, scope=scope)


def _view(settings: ModelSettings) -> View:
    return View(choose_frames(settings, "server"))


def image_parts(media: Media) -> list[dict[str, Any]]:
    """The pictures of a clip as content parts.

    Raises:
        InputError: Stored features, which no server takes.
    """
    return [image_part(frame) for frame in pictures_of(media, "a server").frames]


def image_part(frame: Any) -> dict[str, Any]:
    """A picture as a content part that carries it as JPEG."""
    from baselines.common.images import to_pil

    picture = to_pil(frame)
    if max(picture.size) > LONGEST_SIDE:
        scale = LONGEST_SIDE / max(picture.size)
        picture = picture.resize((max(1, round(picture.width * scale)), max(1, round(picture.height * scale))))
    target = io.BytesIO()
    picture.save(target, format="JPEG", quality=JPEG_QUALITY)
    data = base64.b64encode(target.getvalue()).decode("ascii")
    return {"type": "image_url", "image_url": {"url": f"data:image/jpeg;base64,{data}"}}
