"""Any vision-language model of the Hub as a captioner, through transformers' image-text-to-text pipeline."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from transformers import pipeline

from baselines.captioning.checkpoints import Checkpoint
from baselines.captioning.clips import pictures_of
from baselines.captioning.frame_choice import choose_frames
from baselines.captioning.own_model import refuse_options
from baselines.captioning.streaming import chat_messages, stream_text
from baselines.captioning.types import ClipQuestions, Media, ModelSettings, Turn, View
from baselines.common.images import to_pil
from baselines.common.loading import quantisation
from vdc.errors import InputError, Problem


class HubCaptioner:
    """Answers questions about clips with a model that this project did not write; frames go in as pictures.

    Questions are asked one by one: how a processor pads pictures of several prompts differs from model to model.

    Args:
        checkpoint: Folder or Hub name.
        settings: See :class:`ModelSettings`.
        device: Where the model goes; ``auto`` spreads it over all GPUs.

    Raises:
        InputError: The model is no image-text-to-text model, cannot be loaded, or cannot keep a ratio of its tokens.
        MissingExtra: 4 or 8 bits without bitsandbytes.
    """

    def __init__(self, checkpoint: Checkpoint, settings: ModelSettings, device: str) -> None:
        refuse_options(settings, checkpoint.architecture, "token_kept_ratio", "compressor")
        self._checkpoint = checkpoint
        self._settings = settings
        quantized = settings.quantize is not None
        model_options: dict[str, Any] = {}
        if quantized:
            model_options["quantization_config"] = quantisation(4 if settings.quantize == "4bit" else 8)
        placed = {"device_map": device} if quantized or device == "auto" else {"device": device}
        try:
            self._pipe = pipeline(
                "image-text-to-text",
                model=checkpoint.source,
                revision=checkpoint.revision,
                dtype="auto" if settings.dtype == "auto" else getattr(torch, settings.dtype),
                model_kwargs=model_options,
                **placed,
            )
        except (OSError, ValueError, KeyError, ImportError) as error:
            reason = str(error).strip().splitlines()[0][:300] if str(error).strip() else type(error).__name__
            raise InputError(
                Problem(
                    f"a model that transformers cannot load as image-text-to-text ({reason})",
                    "a vision-language model with its processor, and all its weights",
                    "check --model; for a checkpoint of this project give the converted folder",
                    settings.model,
                )
            ) from error
        if getattr(self._pipe.processor, "chat_template", None) is None:
            raise InputError(
                Problem(
                    "a model without a chat template",
                    "one that says how its prompts are written",
                    "use the chat or instruct version of it",
                    settings.model,
                )
            )

    def facts(self) -> dict[str, Any]:
        """What identifies the model."""
        dtype = str(self._pipe.model.dtype).removeprefix("torch.")
        return {**self._checkpoint.facts(), "frame_rule": str(self.view.rule), "dtype": dtype}

    @property
    def view(self) -> View:
        """Pictures as they are."""
        return View(choose_frames(self._settings, "hub"))

    def answer(self, clips: Sequence[ClipQuestions]) -> list[list[str]]:
        """The answers, one after the other."""
        return [[self._ask(clip.media, [Turn(question)]) for question in clip.questions] for clip in clips]

    def stream(self, media: Media, turns: Sequence[Turn]) -> Iterator[str]:
        """As :meth:`ChatModel.stream`."""
        return stream_text(self._pipe.tokenizer, lambda streamer: self._run(media, turns, {"streamer": streamer}))

    def _ask(self, media: Media, turns: Sequence[Turn]) -> str:
        return str(self._run(media, turns, {})[0]["generated_text"]).strip()

    def _run(self, media: Media, turns: Sequence[Turn], options: dict[str, Any]) -> Any:
        shown: Any = pictures_of(media, self._checkpoint.architecture).frames
        pictures = [to_pil(frame) for frame in shown]
        return self._pipe(
            text=chat_messages(len(pictures), turns, pictures),
            return_full_text=False,
            generate_kwargs={"max_new_tokens": self._settings.max_new_tokens, "do_sample": False, **options},
        )
