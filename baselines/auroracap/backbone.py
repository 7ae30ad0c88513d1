"""Tower, projector and decoder together: frames to visual tokens, spliced embeddings to hidden states."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AutoModel
from transformers.activations import ACT2FN
from transformers.models.llava.modeling_llava import LlavaPreTrainedModel

from baselines.auroracap.config import AuroraCapConfig
from baselines.auroracap.vision import AuroraCapVisionTower


class AuroraCapProjector(nn.Module):
    """Linear layers with an activation between each two; ``linear_1`` to ``linear_<depth>``."""

    def __init__(self, config: AuroraCapConfig) -> None:
        super().__init__()
        self.depth = config.projector_depth
        self.act = ACT2FN[config.projector_hidden_act]
        width = config.vision_config.hidden_size
        for number in range(1, self.depth + 1):
            layer = nn.Linear(width, config.text_config.hidden_size, bias=config.multimodal_projector_bias)
            self.add_module(f"linear_{number}", layer)
            width = config.text_config.hidden_size

    def forward(self, features: Tensor) -> Tensor:
        """``(..., vision dim)`` to ``(..., text dim)``."""
        states: Tensor = self.get_submodule("linear_1")(features)
        for number in range(2, self.depth + 1):
            states = self.get_submodule(f"linear_{number}")(self.act(states))
        return states


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
        self.multi_modal_projector = AuroraCapProjector(config)
        self.language_model = AutoModel.from_config(config.text_config)
        self.post_init()

    def get_input_embeddings(self) -> nn.Module:
        """Table of the text embeddings."""
        table: nn.Module = self.language_model.get_input_embeddings()
        return table

    def set_input_embeddings(self, value: nn.Module) -> None:
        """Replace the table of the text embeddings."""
        self.language_model.set_input_embeddings(value)

    def encode_frames(self, pixel_values: Tensor, token_kept_ratio: float) -> Tensor:
        """Frames to visual tokens.

        Args:
            pixel_values: ``(frames, 3, height, width)``.
            token_kept_ratio: Fraction of tokens to keep, 0 to 1.

        Returns:
            ``(frames, tokens, text dim)``.
        """
        features = self.vision_tower.features(pixel_values, token_kept_ratio, int(self.config.vision_feature_layer))
        weight = next(self.multi_modal_projector.parameters())
        # A quantised projector holds integers; its own layer then casts.
        if weight.is_floating_point():
            features = features.to(weight.dtype)
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
        return self.language_model(inputs_embeds=inputs_embeds, **kwargs)
