"""Prompts and pictures to model inputs, and ids back to text, as LLaVA-1.5 and LLaVolta were trained."""

from __future__ import annotations

from functools import partial
from typing import Any, Literal

from baselines.common.images import centre_crop_pixels, square_pixels
from baselines.common.marked_processor import Fit, MarkedProcessor
from baselines.common.processor import ExactImageProcessor
from baselines.common.prompts import Encode
from baselines.common.visual_inputs import Prepare
from baselines.llavolta.tokenizer import tokenizer_encode


class LlavoltaImageProcessor(ExactImageProcessor):
    """Image settings of LLaVolta; a class of its own, because saved settings name it."""


class LlavoltaProcessor(MarkedProcessor):
    """Tokenizer and image processor together; see :class:`baselines.common.marked_processor.MarkedProcessor`.

    Every prompt starts with the system sentence, as in training. Frames of a video are pictures of their own. The paper
    asks about 8 of them and its repository holds no code for videos: that they are evenly spaced is our choice.

    Args:
        image_processor: A :class:`LlavoltaImageProcessor`.
        tokenizer: The language model's tokenizer.
        chat_template: Jinja template; None takes the published turn format.
        image_aspect_ratio: As ``LlavoltaConfig.image_aspect_ratio``; what a call without ``fit`` does.
    """

    format_package = "baselines.llavolta"
    default_sampling = "uniform"

    def __init__(
        self,
        image_processor: Any = None,
        tokenizer: Any = None,
        chat_template: str | None = None,
        image_aspect_ratio: Literal["pad", "square"] = "pad",
        **_: Any,
    ) -> None:
        self.image_aspect_ratio = image_aspect_ratio
        super().__init__(image_processor, tokenizer, chat_template)

    @property
    def model_input_names(self) -> list[str]:
        """What the model is given."""
        return ["input_ids", "attention_mask", "pixel_values"]

    @property
    def encode(self) -> Encode:
        """Text to ids, with SentencePiece's mark in front of every piece."""
        return tokenizer_encode(self.tokenizer)

    def preparation(self, fit: Fit | None) -> Prepare:
        """From a picture to pixels: on a square of the mean colour, or its centre."""
        padded = self.image_aspect_ratio == "pad" if fit is None else fit == "pad"
        return partial(square_pixels if padded else centre_crop_pixels, spec=self.image_processor.spec)
