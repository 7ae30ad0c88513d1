"""Answers about clips from any model of this project: frames are encoded once, questions are generated together."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor
from transformers import GenerationMixin

from baselines.captioning.checkpoints import Checkpoint
from baselines.captioning.frame_choice import choose_frames
from baselines.captioning.frame_rule import FrameRule
from baselines.captioning.own_model import OwnModel, Prompt
from baselines.captioning.seen_clips import SeenClips
from baselines.captioning.streaming import stream_text
from baselines.captioning.types import ClipQuestions, Footage, Media, ModelSettings, Turn, View
from baselines.common.images import prepare_many
from baselines.common.positions import context_length
from baselines.common.splice import Spliced, splice
from baselines.common.visual_inputs import pad_ids
from vdc.errors import InputError, Problem

logger = logging.getLogger(__name__)

ENCODED_TOGETHER: Final = 32
"""Frames that pass the tower together; bounds memory on long clips."""


TEXT_ROOM: Final = 256
"""Positions kept for the question and the sentences around it when frames are counted, tokens."""


class OwnCaptioner:
    """Answers questions about clips; see :class:`baselines.captioning.types.ClipModel`.

    A second question about the same frames does not run the tower again. Where the user names no frames, no more are
    taken than the language model has positions for.

    Args:
        own: The model.
        checkpoint: Where it came from.
        settings: See :class:`ModelSettings`.
    """

    def __init__(self, own: OwnModel, checkpoint: Checkpoint, settings: ModelSettings) -> None:
        self._own = own
        self._checkpoint = checkpoint
        self._longest = settings.max_new_tokens
        self._seen = SeenClips(self._encode)
        self._positions = context_length(own.model.config.text_config)
        self._rule = self._fitting(choose_frames(settings, checkpoint.family), settings)

    @property
    def view(self) -> View:
        """Frames are prepared while the next ones decode."""
        return View(self._rule, self._own.frame)

    def facts(self) -> dict[str, Any]:
        """What identifies the model, with the tokens it spends on a frame."""
        model = self._own.model
        return {
            **self._checkpoint.facts(),
            "frame_rule": str(self._rule),
            **self._own.facts(),
            "dtype": str(model.dtype).removeprefix("torch."),
        }

    @torch.inference_mode()
    def answer(self, clips: Sequence[ClipQuestions]) -> list[list[str]]:
        """The answers; all questions about all clips are generated together, or as many as memory holds."""
        prompts: list[Prompt] = []
        for clip in clips:
            talks = [(Turn(question),) for question in clip.questions]
            prompts += self._own.prompts(clip.media, self._features(clip.media), talks)
        texts = iter(self._answers(prompts))
        return [[next(texts) for _ in clip.questions] for clip in clips]

    def stream(self, media: Media, turns: Sequence[Turn]) -> Iterator[str]:
        """As :meth:`ChatModel.stream`."""
        with torch.inference_mode():
            [prompt] = self._own.prompts(media, self._features(media), [turns])
            spliced = self._splice([prompt])

        def generate(streamer: Any) -> None:
            # inference mode belongs to a thread
            with torch.inference_mode():
                self._generate(spliced, streamer=streamer)

        return stream_text(self._own.tokenizer, generate)

    def _fitting(self, rule: FrameRule, settings: ModelSettings) -> FrameRule:
        """The family's own rule with no more frames than the prompt has room for; the user's as it is."""
        if settings.frames is not None or settings.fps is not None:
            return rule
        room = self._positions - settings.max_new_tokens - TEXT_ROOM
        most = max(1, room // int(self._own.facts()["visual_tokens_per_frame"]))
        return replace(rule, frames=most if rule.frames is None else min(rule.frames, most))

    def _features(self, media: Media) -> list[Tensor]:
        if not isinstance(media, Footage):
            return []
        prepare = self._own.still if media.still else self._own.frame
        # frames that came through this model's view are prepared already
        ready = isinstance(media.frames[0], np.ndarray) and media.frames[0].dtype == np.float32
        pixels: Any = media.frames if ready else prepare_many(media.frames, prepare)  # type: ignore[arg-type]
        return self._seen.features(torch.from_numpy(np.stack(list(pixels))))

    def _encode(self, pixels: Tensor) -> list[Tensor]:
        device = self._own.model.device
        blocks = pixels.split(ENCODED_TOGETHER)
        return [frame.cpu() for block in blocks for frame in self._own.encode(block.to(device))]

    def _answers(self, prompts: Sequence[Prompt]) -> list[str]:
        try:
            made = self._generate(self._splice(prompts))
        except torch.OutOfMemoryError:
            if len(prompts) == 1:
                raise
            logger.warning("%d answers do not fit into memory together; half as many are tried", len(prompts))
        else:
            texts: list[str] = self._own.tokenizer.batch_decode(made, skip_special_tokens=True)
            return [text.strip() for text in texts]
        half = len(prompts) // 2
        return self._answers(prompts[:half]) + self._answers(prompts[half:])

    def _splice(self, prompts: Sequence[Prompt]) -> Spliced:
        """Prompts of any length as one batch, padded on the left: new tokens follow each row's last real one."""
        model = self._own.model
        for prompt in prompts:
            self._check_length(prompt)
        batch = pad_ids([prompt.ids for prompt in prompts], 0, "left")
        return splice(
            input_ids=batch["input_ids"].to(model.device),
            visual=[prompt.visual for prompt in prompts],
            embed=model.get_input_embeddings(),
            attention_mask=batch["attention_mask"].to(model.device),
            placeholder_ids=model.placeholder_ids,
            padding_side="left",
        )

    def _check_length(self, prompt: Prompt) -> None:
        length = len(prompt.ids) - len(prompt.visual) + sum(len(block) for block in prompt.visual)
        if length + self._longest > self._positions:
            raise InputError(
                Problem(
                    f"a prompt of {length:,} positions and room for an answer of {self._longest:,}",
                    f"at most {self._positions:,}, as many as this model was trained for",
                    "take fewer frames (--frames, --fps), shorten the answer, or begin the conversation anew",
                )
            )

    def _generate(self, spliced: Spliced, **options: Any) -> Tensor:
        assert spliced.attention_mask is not None  # noqa: S101  (a mask was given)
        # Not the models' own generate, which starts from pictures and would encode them anew for every question.
        made: Tensor = GenerationMixin.generate(
            self._own.model,
            inputs_embeds=spliced.inputs_embeds,
            attention_mask=spliced.attention_mask.long(),
            max_new_tokens=self._longest,
            do_sample=False,
            **self._own.generation_options(spliced),
            **options,
        )
        return made
