"""Tower, projector and decoder together: frames to visual tokens, spliced embeddings to hidden states."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import AutoModel
from transformers.activations import ACT2FN
from transformers.models.llava.modeling_llava import LlavaPreTrainedModel

from baselines.auroracap.config import AuroraCapConfig
from baselines.auroracap.vision import AuroraCapVisionTower
from baselines.common.cache_name import name_cache
from baselines.common.projector import Projector


class AuroraCapPreTrainedModel(LlavaPreTrainedModel):
    """What transformers has to know about both classes below."""

    config_class = AuroraCapConfig
    config: AuroraCapConfig
    _no_split_modules = ["MergingLayer", "LlamaDecoderLayer"]  # noqa: RUF012  (transformers reads a list)


class AuroraCapModel(AuroraCapPreTrainedModel):
    """Tower, projector and decoder without a head."""

    def __init__(self, config: AuroraCapConfig) -> None:
        super().__init__(config)
        self.vision_tower = AuroraCapVisionTower(
            config.vision_config,
            size_bias=config.attention_size_bias,
            train_position_embedding=config.train_position_embedding,
        )
        self.multi_modal_projector = Projector(
            depth=config.projector_depth,
            input_dim=config.vision_config.hidden_size,
            output_dim=config.text_config.hidden_size,
            act=ACT2FN[config.projector_hidden_act],
            bias=config.multimodal_projector_bias,
        )
        self.language_model = AutoModel.from_config(config.text_config)
        self.post_init()

    def encode_frames(self, pixel_values: Tensor, token_kept_ratio: float) -> Tensor:
        """Frames to visual tokens.

        Args:
            pixel_values: ``(frames, 3, height, width)``.
            token_kept_ratio: Fraction of tokens to keep, 0 to 1.

        Returns:
            ``(frames, tokens, text dim)``.
        """
        features = self.vision_tower.features(pixel_values, token_kept_ratio, int(self.config.vision_feature_layer))
        tokens: Tensor = self.multi_modal_projector(features)
        return tokens

    def encode_videos(
        self, pixel_values: Tensor, counts: Sequence[int], token_kept_ratio: float, *, slow_fast: bool
    ) -> list[list[Tensor]]:
        """The frames of several videos, encoded together.

        Args:
            pixel_values: ``(batch, frames, 3, height, width)``.
            counts: Frames of each row that are wanted.
            token_kept_ratio: Fraction of tokens to keep, 0 to 1.
            slow_fast: Leave the first frame of each row with more than one frame unmerged.

        Returns:
            For each row its frames, each ``(tokens, text dim)``.
        """
        places = [(row, frame) for row, count in enumerate(counts) for frame in range(count)]
        slow = {(row, 0) for row, count in enumerate(counts) if slow_fast and count > 1}
        tokens: dict[tuple[int, int], Tensor] = {}
        for ratio, group in (
            (token_kept_ratio, [place for place in places if place not in slow]),
            (1.0, [place for place in places if place in slow]),
        ):
            if group:
                frames = torch.stack([pixel_values[row, frame] for row, frame in group])
                tokens.update(zip(group, self.encode_frames(frames, ratio).unbind(0), strict=True))
        return [[tokens[row, frame] for frame in range(count)] for row, count in enumerate(counts)]

    def forward(self, inputs_embeds: Tensor, **kwargs: Any) -> Any:
        """The decoder on spliced embeddings."""
        return self.language_model(inputs_embeds=inputs_embeds, **name_cache(kwargs))
