"""Configuration of LLaVolta: LLaVA-1.5 and where its decoder compresses visual tokens."""

from __future__ import annotations

from typing import Any, Literal

from huggingface_hub.dataclasses import strict
from transformers import LlavaConfig

from baselines.common.constants import IMAGE_PLACEHOLDER
from baselines.llavolta.projector import check_projector_type
from baselines.llavolta.setting import Compression, Grouping, PositionRounding


@strict
class LlavoltaConfig(LlavaConfig):  # type: ignore[misc, unused-ignore]
    """Everything :class:`LlavoltaForConditionalGeneration` needs to be built.

    Args (beside those of ``LlavaConfig``, of which ``vision_config``, ``text_config``, ``vision_feature_layer`` and
    ``vision_feature_select_strategy`` are used):
        grouping: Compressor where a call names none; ``none`` is LLaVA-1.5. See
            :data:`baselines.llavolta.setting.Grouping`.
        compression_layer: Decoder layer whose input is compressed; -1 compresses the projector's output.
        compression_stride: Tokens per token that is kept.
        compression_seed: Decides what ``random`` keeps; in training it draws anew in every pass.
        learned_pooling: The model has the parameters of ``learned1d``. Set by itself where ``grouping`` is that.
        position_rounding: ``floor``, or ``float16`` as the published code; see
            :meth:`baselines.llavolta.compress.Layout.positions`.
        projector_type: ``mlp<n>x_gelu``, ``linear`` or ``identity``.
        image_aspect_ratio: ``pad`` puts a picture on a square of the mean colour; anything else crops its centre.
        max_sequence_length: Longest training row in positions, pictures included; None cuts nothing. Prompts to answer
            are never cut.
    """

    model_type = "llavolta"

    image_token_index: int = IMAGE_PLACEHOLDER
    grouping: Grouping = "none"
    compression_layer: int = 0
    compression_stride: int = 1
    compression_seed: int = 0
    learned_pooling: bool = False
    position_rounding: PositionRounding = "floor"
    projector_type: str = "mlp2x_gelu"
    image_aspect_ratio: Literal["pad", "square"] = "pad"
    max_sequence_length: int | None = 2048  # what all published scripts train with

    def __post_init__(self, **kwargs: Any) -> None:
        """Refuse what cannot be built where it is set, not where it is used."""
        super().__post_init__(**kwargs)
        check_projector_type(self.projector_type)
        self.learned_pooling = self.learned_pooling or self.compression.grouping == "learned1d"

    @property
    def compression(self) -> Compression:
        """The three settings of the compressor as one value.

        Raises:
            InputError: As :class:`Compression`.
        """
        return Compression(self.compression_layer, self.compression_stride, self.grouping)
