"""Prompts and pictures to model inputs, and ids back to text, as AuroraCap was trained and evaluated."""

from __future__ import annotations

from functools import partial

from baselines.common.chat_template import chat_template
from baselines.common.images import centre_crop_pixels, padded_pixels
from baselines.common.marked_processor import Fit, MarkedProcessor
from baselines.common.processor import ExactImageProcessor
from baselines.common.prompts import load_format
from baselines.common.visual_inputs import Prepare

IMAGE_PROCESSOR = "AuroraCapImageProcessor"
PROCESSOR = "AuroraCapProcessor"
FORMAT_PACKAGE = "baselines.auroracap"
CHAT_TEMPLATE = chat_template(load_format(FORMAT_PACKAGE))


class AuroraCapImageProcessor(ExactImageProcessor):
    """Image settings of AuroraCap; a class of its own, because saved settings name it."""


class AuroraCapProcessor(MarkedProcessor):
    """Tokenizer and image processor together; see :class:`baselines.common.marked_processor.MarkedProcessor`.

    ``fit="crop"`` is the published inference and what a call without ``fit`` does; ``fit="pad"`` is the published
    training. The published sampling adds the last frame of a video where it is not among ``num_frames``.
    """

    format_package = FORMAT_PACKAGE
    default_sampling = "uniform_with_last"

    @property
    def model_input_names(self) -> list[str]:
        """What the model is given."""
        return ["input_ids", "attention_mask", "pixel_values", "frame_counts"]

    def preparation(self, fit: Fit | None) -> Prepare:
        """From a picture to pixels, by the road of inference or of training."""
        return partial(padded_pixels if fit == "pad" else centre_crop_pixels, spec=self.image_processor.spec)
