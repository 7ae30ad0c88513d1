"""LLaVolta, and LLaVA-1.5, as captioners: frames are pictures, and the decoder compresses each on its own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from torch import Tensor

from baselines.captioning.checkpoints import Checkpoint
from baselines.captioning.clips import pictures_of
from baselines.captioning.own_captioner import OwnCaptioner
from baselines.captioning.own_model import Prompt, load_placed, marked_prompts, refuse_options
from baselines.captioning.types import Media, ModelSettings, Turn
from baselines.common.cache_name import CACHE_NAME
from baselines.common.splice import Spliced
from baselines.llavolta.accounting import token_layers
from baselines.llavolta.cache import CompressedCache
from baselines.llavolta.generation import spans_to_tensor
from baselines.llavolta.load import load_model, load_processor
from baselines.llavolta.setting import GROUPINGS, NO_COMPRESSION, Compression
from vdc.errors import InputError, Problem, unknown_name


def open_captioner(checkpoint: Checkpoint, settings: ModelSettings, device: str) -> OwnCaptioner:
    """LLaVolta, loaded.

    Args:
        checkpoint: In native layout.
        settings: See :class:`ModelSettings`.
        device: Where the model goes; ``auto`` spreads it over all GPUs.

    Raises:
        InputError: A ratio, a compressor that cannot be read or that this checkpoint lacks, or a broken checkpoint.
        MissingExtra: 4 or 8 bits without bitsandbytes.
    """
    refuse_options(settings, "LLaVolta", "token_kept_ratio")
    return OwnCaptioner(Llavolta(checkpoint, settings, device), checkpoint, settings)


class Llavolta:
    """See :class:`baselines.captioning.own_model.OwnModel`; arguments as :func:`open_captioner`."""

    def __init__(self, checkpoint: Checkpoint, settings: ModelSettings, device: str) -> None:
        chosen = None if settings.compressor is None else parse_compressor(settings.compressor)
        self.model = load_placed(load_model, checkpoint, settings, device)
        self._processor = load_processor(checkpoint.source, revision=checkpoint.revision)
        self.tokenizer = self._processor.tokenizer
        self.frame = self.still = self._processor.preparation(None)
        self._compression: Compression = self.model.config.compression if chosen is None else chosen
        if self._compression.grouping == "learned1d" and not self.model.config.learned_pooling:
            raise InputError(
                Problem(
                    "the compressor learned1d and a checkpoint without its weights",
                    "a checkpoint that was trained with it",
                    "leave --compressor out, or choose another",
                    settings.model,
                )
            )

    def facts(self) -> dict[str, Any]:
        """Tokens of a frame as the decoder receives them, where they become fewer, and the mean over its layers."""
        config = self.model.config
        chosen = self._compression
        layers = config.text_config.num_hidden_layers
        patches = (config.vision_config.image_size // config.vision_config.patch_size) ** 2
        tokens = patches + (config.vision_feature_select_strategy != "default")
        return {
            "visual_tokens_per_frame": tokens // chosen.stride if chosen.before_decoder else tokens,
            "visual_tokens_per_frame_mean_over_layers": token_layers(chosen, layers=layers, visual_tokens=tokens)
            / layers,
            "compressor": {"grouping": chosen.grouping, "layer": chosen.layer, "stride": chosen.stride},
            "visual_layout": "a block per frame",
        }

    def encode(self, pixels: Tensor) -> Sequence[Tensor]:
        """Frames to projected tokens, ``(tokens, text dim)`` each."""
        return list(self.model.model.encode_pictures(pixels, self._compression))

    def prompts(self, media: Media, features: Sequence[Tensor], talks: Sequence[Sequence[Turn]]) -> list[Prompt]:
        """A placeholder per frame, all of them in the first turn."""
        pictures_of(media, "LLaVolta")
        return marked_prompts(self._processor, features, talks)

    def generation_options(self, spliced: Spliced) -> dict[str, Any]:
        """Where the visual tokens lie, what becomes of them, and a cache whose layers may differ in length."""
        return {
            "visual_spans": spans_to_tensor(spliced.spans, spliced.inputs_embeds.device),
            "compression": self._compression,
            CACHE_NAME: CompressedCache(config=self.model.config.text_config),
        }


_FORM = re.compile(r"(?:(?P<grouping>[a-z0-9_]+):)?(?P<layer>-?\d+),(?P<stride>\d+)")


def parse_compressor(text: str) -> Compression:
    """The compressor that words name.

    Args:
        text: ``K,s``: before decoder layer K, s neighbours become one token; ``NAME:K,s`` by another compressor;
            ``none``: nothing is compressed.

    Raises:
        InputError: Another form, an unknown compressor, or numbers that cannot be.
    """
    if text == "none":
        return NO_COMPRESSION
    found = _FORM.fullmatch(text)
    if found is None:
        raise InputError(
            Problem(f"--compressor {text!r}", "none, or layer and stride", "write --compressor 2,8, for example")
        )
    name = found["grouping"] or "avgpool1d"
    grouping = next((known for known in GROUPINGS if known == name), None)
    if grouping is None:
        raise InputError(unknown_name("--compressor", name, GROUPINGS))
    return Compression(int(found["layer"]), int(found["stride"]), grouping)
