"""Tower, projector and compressing decoder together."""

from __future__ import annotations

from typing import Any

from torch import Tensor
from transformers import CLIPVisionModel
from transformers.models.llava.modeling_llava import LlavaPreTrainedModel

from baselines.llavolta.config import LlavoltaConfig
from baselines.llavolta.decoder import CompressedOutput, CompressingLlama
from baselines.llavolta.projector import make_projector
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
        self.multi_modal_projector = make_projector(
            config.projector_type, config.vision_config.hidden_size, config.text_config.hidden_size
        )
        self.language_model = CompressingLlama(config.text_config, learned_pooling=config.learned_pooling)
        self.post_init()

    @property
    def drop_seed(self) -> int | None:
        """Seed of random dropping; None in training, where every pass draws anew."""
        return None if self.training else int(self.config.compression_seed)

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
        tokens: Tensor = self.multi_modal_projector(self.tower_features(pixel_values))
        if not compression.before_decoder:
            return tokens
        compressor = self.language_model.compressor_of(compression.grouping, compression.stride, self.drop_seed)
        return compressor.features(tokens)

    def forward(self, inputs_embeds: Tensor, **kwargs: Any) -> CompressedOutput:
        """The decoder on spliced embeddings."""
        output: CompressedOutput = self.language_model(inputs_embeds=inputs_embeds, **kwargs)
        return output
