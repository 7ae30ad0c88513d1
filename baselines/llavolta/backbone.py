"""Tower, projector and compressing decoder together."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from transformers import CLIPVisionModel
from transformers.models.llava.modeling_llava import LlavaPreTrainedModel

from baselines.llavolta.compress import pool_features
from baselines.llavolta.config import LlavoltaConfig
from baselines.llavolta.decoder import CompressedOutput, CompressingLlama
from baselines.llavolta.projector import LlavoltaProjector
from baselines.llavolta.setting import Compression


class LlavoltaPreTrainedModel(LlavaPreTrainedModel):
    """What transformers has to know about both classes."""

    config_class = LlavoltaConfig
    config: LlavoltaConfig
    _no_split_modules = ["CLIPEncoderLayer", "LlamaDecoderLayer"]  # noqa: RUF012  (transformers reads a list)


class LlavoltaModel(LlavoltaPreTrainedModel):
    """Tower, projector and decoder without a head."""

    def __init__(self, config: LlavoltaConfig) -> None:
        super().__init__(config)
        self.vision_tower = CLIPVisionModel(config.vision_config)
        self.multi_modal_projector = LlavoltaProjector(
            kind=config.projector_type,
            input_dim=config.vision_config.hidden_size,
            output_dim=config.text_config.hidden_size,
        )
        self.language_model = CompressingLlama(config.text_config)
        self.post_init()

    def get_input_embeddings(self) -> nn.Module:
        """Table of the text embeddings."""
        table: nn.Module = self.language_model.get_input_embeddings()
        return table

    def set_input_embeddings(self, value: nn.Module) -> None:
        """Replace the table of the text embeddings."""
        self.language_model.set_input_embeddings(value)

    def tower_features(self, pixel_values: Tensor) -> Tensor:
        """Features of the chosen layer.

        Args:
            pixel_values: ``(pictures, 3, height, width)``.

        Returns:
            ``(pictures, patches, vision dim)``, row-major; with the class token in front where the configuration says
            ``full``.
        """
        states = self.vision_tower(
            pixel_values.to(self.vision_tower.embeddings.patch_embedding.weight.dtype), output_hidden_states=True
        ).hidden_states
        features: Tensor = states[self.config.vision_feature_layer]
        return features[:, 1:] if self.config.vision_feature_select_strategy == "default" else features

    def encode_pictures(self, pixel_values: Tensor, compression: Compression) -> Tensor:
        """Pictures to visual tokens.

        Args:
            pixel_values: ``(pictures, 3, height, width)``.
            compression: Pools here where its layer is ``BEFORE_DECODER``.

        Returns:
            ``(pictures, tokens, text dim)``.
        """
        features = self.tower_features(pixel_values)
        weight = next(self.multi_modal_projector.parameters(), None)
        # A quantised projector holds integers; its own layer then casts.
        if weight is not None and weight.is_floating_point():
            features = features.to(weight.dtype)
        tokens: Tensor = self.multi_modal_projector(features)
        return pool_features(tokens, compression.stride) if compression.before_decoder else tokens

    def forward(self, inputs_embeds: Tensor, **kwargs: Any) -> CompressedOutput:
        """The decoder on spliced embeddings."""
        output: CompressedOutput = self.language_model(inputs_embeds=inputs_embeds, **kwargs)
        return output
