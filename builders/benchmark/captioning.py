"""Step ``captions``: five captions per clip by a vision model, in two rounds.

Round one writes the four sections that look at one thing each; round two writes the detailed caption and is given the
four. Every call sends the pictures first.

Source:
    The order of the rounds is the published benchmark's; the wording is our own (``builders/prompts``).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from builders.benchmark.calls import CallFailed, Model, ask_text, image_part
from builders.benchmark.context import Context, Settings, StepOutcome
from builders.benchmark.manifest import read_rows
from builders.benchmark.model import Clip, ClipCaptions, ClipFrames, Dropped
from builders.prompts.catalog import PromptTexts, load_texts
from vdc.llm.types import Ask, Message
from vdc.sections import SECTIONS, Section

FIRST_ROUND: Final[tuple[Section, ...]] = ("short", "background", "main_object", "camera")
SECOND_ROUND: Final[Section] = "detailed"

_REFUSAL: Final = re.compile(
    r"(?:i['’]?m sorry|i am sorry|sorry,|i can['’]?t|i cannot|i['’]?m unable|i am unable|as an ai\b|unable to)",
    re.IGNORECASE,
)
_REASONING: Final = re.compile(r"<think(?:ing)?>.*?</think(?:ing)?>", re.DOTALL | re.IGNORECASE)


class UnusableCaption(Exception):
    """No usable caption after all draws.

    Args:
        section: Of the caption.
        why: In words.
    """

    def __init__(self, section: Section, why: str) -> None:
        self.section = section
        self.why = why
        super().__init__(f"{section}: {why}")


@dataclass(frozen=True, slots=True)
class _Task:
    clip: Clip
    frames: ClipFrames


def caption_settings(context: Context) -> Settings:
    """Model, sampling and prompts."""
    settings = context.config.captions
    texts = texts_of(context)
    facts = {"prompts": texts.name, "sha256": texts.sha256, "attempts": settings.attempts}
    return {**context.model().facts, **facts}


def texts_of(context: Context) -> PromptTexts:
    """The prompt set of the captions; a file's path is relative to the configuration."""
    name = context.config.captions.prompts
    return load_texts("captions", str(context.file.resolve(name)) if name.endswith(".toml") else name)


def run_captions(context: Context) -> StepOutcome:
    """Caption every clip."""
    clips = {clip.clip_id: clip for clip in read_rows(context.folder, "clips", Clip)}
    tasks = [_Task(clips[row.clip_id], row) for row in read_rows(context.folder, "frames", ClipFrames)]
    captioner = Captioner(context.model(), texts_of(context), context.config.captions.attempts, context.folder)
    rows: list[ClipCaptions] = []
    dropped: list[Dropped] = []
    for result in captioner.model.run(tasks, captioner.caption, "clips captioned"):
        if isinstance(result, Dropped):
            dropped.append(result)
        else:
            rows.append(result)
    return StepOutcome(len(tasks), rows, dropped)


@dataclass(frozen=True, slots=True)
class Captioner:
    """Writes the captions of clips.

    Args:
        model: Whom to ask.
        texts: The prompt set.
        attempts: Draws per caption.
        folder: The build's folder, where the pictures lie.
    """

    model: Model
    texts: PromptTexts
    attempts: int
    folder: Path

    async def caption(self, task: _Task, ask: Ask) -> ClipCaptions | Dropped:
        """The five captions of a clip, or why there are none."""
        clip_id = task.clip.clip_id
        try:
            pictures = tuple(image_part(self.folder / frame.path) for frame in task.frames.frames)
            values = {"duration": f"{task.clip.duration_s:.3g}"}
            first = await asyncio.gather(
                *(self._section(clip_id, section, pictures, values, ask) for section in FIRST_ROUND)
            )
            captions: dict[Section, str] = dict(zip(FIRST_ROUND, first, strict=True))
            known = values | {str(section): text for section, text in captions.items()}
            captions[SECOND_ROUND] = await self._section(clip_id, SECOND_ROUND, pictures, known, ask)
        except CallFailed as error:
            return Dropped(clip_id, "call_failed", "failure", str(error), "repeat the command", again=True)
        except UnusableCaption as error:
            found = f"{self.attempts} unusable {error.section} captions, the last {error.why}"
            return Dropped(clip_id, "unusable_caption", "failure", found, "try another model, or leave the clip out")
        except OSError as error:
            found = f"a picture that cannot be read ({error.strerror})"
            do_next = "repeat the command with --redo frames"
            return Dropped(clip_id, "unreadable", "failure", found, do_next, again=True)
        return ClipCaptions(clip_id, {section: captions[section] for section in SECTIONS})

    async def _section(
        self, clip_id: str, section: Section, pictures: tuple[Any, ...], values: Mapping[str, str], ask: Ask
    ) -> str:
        text = {"type": "text", "text": self.texts.fill(section, **values)}
        messages = (Message("system", self.texts.pieces["system"]), Message("user", (*pictures, text)))
        why = ""
        for attempt in range(self.attempts):
            reply, cut = await ask_text(ask, self.model.request(messages, f"{clip_id}/{section}/caption", attempt))
            caption = clean_caption(reply)
            why = unusable(caption, cut)
            if not why:
                return caption
        raise UnusableCaption(section, why)


def clean_caption(text: str) -> str:
    """A reply as a caption: without the model's reasoning, a fence or quotation marks around it, or line breaks."""
    text = _REASONING.sub("", text).strip().strip("`").strip()
    if len(text) > 1 and text[0] in '"“' and text[-1] in '"”':
        text = text[1:-1]
    return " ".join(text.split())


def unusable(caption: str, cut: bool) -> str:
    """Why a caption cannot be used, in words; empty when it can."""
    if cut:
        return "is cut at the token limit"
    if len(caption.split()) < 3:
        return f"is {caption[:40]!r}"
    if _REFUSAL.match(caption):
        return f"is a refusal ({caption[:40]!r})"
    return ""
