"""What differs between this project's models when they answer, and how each is put on a device."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import torch
from torch import Tensor

from baselines.captioning.streaming import chat_messages
from baselines.captioning.types import Media, ModelSettings, Turn
from baselines.common.prompts import encode_with_placeholders
from vdc.errors import InputError, Problem

if TYPE_CHECKING:
    from baselines.captioning.checkpoints import Checkpoint
    from baselines.common.images import Picture, Pixels
    from baselines.common.marked_processor import MarkedProcessor
    from baselines.common.splice import Spliced


@dataclass(frozen=True, slots=True)
class Prompt:
    """One question, ready to be joined.

    Args:
        ids: Token ids with placeholders.
        visual: The visual tokens of each placeholder, ``(tokens, text dim)`` on any device.
    """

    ids: list[int]
    visual: Sequence[Tensor]


class OwnModel(Protocol):
    """A loaded model of this project; :class:`baselines.captioning.own_captioner.OwnCaptioner` does the rest."""

    model: Any
    tokenizer: Any

    def frame(self, picture: Picture) -> Pixels:
        """What the tower sees of a frame of a video, ``(3, side, side)``."""
        ...

    def still(self, picture: Picture) -> Pixels:
        """What the tower sees of a picture, same shape."""
        ...

    def encode(self, pixels: Tensor) -> Sequence[Tensor]:
        """Pixels ``(frames, 3, side, side)`` on the model's device to one tensor per frame, before any question."""
        ...

    def prompts(self, media: Media, features: Sequence[Tensor], talks: Sequence[Sequence[Turn]]) -> list[Prompt]:
        """A prompt per conversation about one clip.

        Args:
            media: The clip.
            features: What :meth:`encode` made of its frames; none for stored features.
            talks: Conversations; the last turn of each is the question.

        Raises:
            InputError: Media that this model cannot be shown.
        """
        ...

    def generation_options(self, spliced: Spliced) -> dict[str, Any]:
        """What its generation needs beside the embeddings of prompts that are padded on the left."""
        ...

    def facts(self) -> dict[str, Any]:
        """What it spends on a frame and how, as JSON values."""
        ...


def load_placed(load: Callable[..., Any], checkpoint: Checkpoint, settings: ModelSettings, device: str) -> Any:
    """A model where it is wanted, in the dtype or number of bits that is wanted.

    Args:
        load: As :func:`baselines.common.loading.load_native`, without the class.
        checkpoint: What to load.
        settings: Dtype and quantisation.
        device: Where to; ``auto`` spreads the model over all GPUs.
    """
    quantized = settings.quantize is not None
    model = load(
        checkpoint.source,
        revision=checkpoint.revision,
        dtype="auto" if settings.dtype == "auto" else getattr(torch, settings.dtype),
        # a quantised model is placed while it loads and cannot be moved afterwards
        device_map=device if quantized or device == "auto" else None,
        bits=None if settings.quantize is None else (4 if settings.quantize == "4bit" else 8),
    )
    return model if quantized or device == "auto" else model.to(device)


def refuse_options(settings: ModelSettings, who: str, *names: str) -> None:
    """Refuse options that only another family follows.

    Args:
        settings: What the user said.
        who: The model, for the message.
        names: Fields of the settings.

    Raises:
        InputError: One of them is set.
    """
    owners = {"token_kept_ratio": "AuroraCap, which merges tokens", "compressor": "LLaVolta, which compresses tokens"}
    problems = [
        Problem(
            f"--{name.replace('_', '-')} {getattr(settings, name)} with {who}",
            f"a checkpoint of {owners[name]}",
            "leave the option out",
        )
        for name in names
        if getattr(settings, name) is not None
    ]
    if problems:
        raise InputError(problems)


def marked_prompts(
    processor: MarkedProcessor, features: Sequence[Tensor], talks: Sequence[Sequence[Turn]]
) -> list[Prompt]:
    """Prompts of a model that sees a placeholder per frame, all of them in the first turn.

    Args:
        processor: Its processor.
        features: Visual tokens of each frame.
        talks: Conversations.
    """
    texts = (processor.apply_chat_template(chat_messages(len(features), turns), tokenize=False) for turns in talks)
    return [Prompt(encode_with_placeholders(text, processor.encode), features) for text in texts]
