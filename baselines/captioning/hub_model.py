"""Any vision-language model of the Hub as a captioner, through transformers' image-text-to-text pipeline."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import torch
from transformers import pipeline

from baselines.captioning.checkpoints import Checkpoint
from baselines.captioning.streaming import chat_messages, stream_text
from baselines.captioning.types import ClipQuestions, Frames, ModelSettings, Turn
from baselines.common.images import to_pil
from vdc.errors import InputError, MissingExtra, Problem


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
        if settings.token_kept_ratio is not None:
            raise InputError(
                Problem(
                    f"--token-kept-ratio {settings.token_kept_ratio} with {checkpoint.architecture}",
                    "a model of this project, which can merge tokens",
                    "leave the option out",
                )
            )
        self._checkpoint = checkpoint
        self._settings = settings
        quantized = settings.quantize is not None
        model_options: dict[str, Any] = {}
        if quantized:
            model_options["quantization_config"] = _quantization(settings)
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
        return {**self._checkpoint.facts(), "dtype": str(self._pipe.model.dtype).removeprefix("torch.")}

    def answer(self, clips: Sequence[ClipQuestions]) -> list[list[str]]:
        """The answers, one after the other."""
        return [[self._ask(clip.frames, [Turn(question)]) for question in clip.questions] for clip in clips]

    def stream(self, frames: Frames, turns: Sequence[Turn]) -> Iterator[str]:
        """As :meth:`ChatModel.stream`."""
        return stream_text(self._pipe.tokenizer, lambda streamer: self._run(frames, turns, {"streamer": streamer}))

    def _ask(self, frames: Frames, turns: Sequence[Turn]) -> str:
        return str(self._run(frames, turns, {})[0]["generated_text"]).strip()

    def _run(self, frames: Frames, turns: Sequence[Turn], options: dict[str, Any]) -> Any:
        pictures = [to_pil(frame) for frame in frames]
        return self._pipe(
            text=chat_messages(len(pictures), turns, pictures),
            return_full_text=False,
            generate_kwargs={"max_new_tokens": self._settings.max_new_tokens, "do_sample": False, **options},
        )


def _quantization(settings: ModelSettings) -> Any:
    from importlib.util import find_spec

    from transformers import BitsAndBytesConfig

    if find_spec("bitsandbytes") is None:
        raise MissingExtra(f"loading in {settings.quantize}", "quantization")
    return BitsAndBytesConfig(load_in_4bit=settings.quantize == "4bit", load_in_8bit=settings.quantize == "8bit")
