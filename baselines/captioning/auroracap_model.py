"""AuroraCap as a captioner."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor

from baselines.auroracap.load import load_model, load_processor
from baselines.captioning.checkpoints import Checkpoint
from baselines.captioning.clips import pictures_of
from baselines.captioning.own_captioner import OwnCaptioner
from baselines.captioning.own_model import Prompt, load_placed, marked_prompts, refuse_options
from baselines.captioning.types import Media, ModelSettings, Turn
from baselines.common.splice import Spliced
from baselines.token_reduction.interface import EncoderShape
from baselines.token_reduction.methods import TokenMerging
from baselines.token_reduction.schedule import check_ratio


def open_captioner(checkpoint: Checkpoint, settings: ModelSettings, device: str) -> OwnCaptioner:
    """AuroraCap, loaded.

    Args:
        checkpoint: In native layout.
        settings: See :class:`ModelSettings`.
        device: Where the model goes; ``auto`` spreads it over all GPUs.

    Raises:
        InputError: A ratio outside [0, 1], a compressor, or a broken checkpoint.
        MissingExtra: 4 or 8 bits without bitsandbytes.
    """
    refuse_options(settings, "AuroraCap", "compressor")
    if settings.token_kept_ratio is not None:
        check_ratio(settings.token_kept_ratio)
    return OwnCaptioner(AuroraCap(checkpoint, settings, device), checkpoint, settings)


class AuroraCap:
    """See :class:`baselines.captioning.own_model.OwnModel`; arguments as :func:`open_captioner`."""

    def __init__(self, checkpoint: Checkpoint, settings: ModelSettings, device: str) -> None:
        self.model = load_placed(load_model, checkpoint, settings, device)
        self._processor = load_processor(checkpoint.source, revision=checkpoint.revision)
        self.tokenizer = self._processor.tokenizer
        self.frame = self.still = self._processor.preparation(None)
        configured = float(self.model.config.token_kept_ratio)
        self._ratio = configured if settings.token_kept_ratio is None else settings.token_kept_ratio

    def facts(self) -> dict[str, Any]:
        """The share of tokens kept and what is left of a frame."""
        vision = self.model.config.vision_config
        layers = vision.num_hidden_layers
        chosen = int(self.model.config.vision_feature_layer)
        shape = EncoderShape(
            vision.image_size, vision.patch_size, layers, chosen if chosen >= 0 else layers + 1 + chosen
        )
        return {
            "token_kept_ratio": self._ratio,
            "visual_tokens_per_frame": TokenMerging(self._ratio).budget(1, shape).visual_tokens,
            "visual_layout": "a block per frame",
        }

    def encode(self, pixels: Tensor) -> Sequence[Tensor]:
        """Frames to merged and projected tokens, ``(tokens, text dim)`` each."""
        pixels = pixels.to(self.model.model.vision_tower.embeddings.patch_embedding.weight.dtype)
        return list(self.model.model.encode_videos(pixels[None], [len(pixels)], self._ratio, slow_fast=False)[0])

    def prompts(self, media: Media, features: Sequence[Tensor], talks: Sequence[Sequence[Turn]]) -> list[Prompt]:
        """A placeholder per frame, all of them in the first turn."""
        pictures_of(media, "AuroraCap")
        return marked_prompts(self._processor, features, talks)

    def generation_options(self, spliced: Spliced) -> dict[str, Any]:
        """Nothing beside the embeddings."""
        del spliced
        return {}
