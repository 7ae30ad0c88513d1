"""Configuration of AuroraCap: a CLIP tower, a projector, a Llama, and how tokens are merged between them."""

from __future__ import annotations

from typing import Any, Literal

from huggingface_hub.dataclasses import strict
from transformers import LlavaConfig

from baselines.common.constants import IMAGE_PLACEHOLDER
from baselines.token_reduction.schedule import check_ratio


@strict
class AuroraCapConfig(LlavaConfig):  # type: ignore[misc, unused-ignore]
    """Everything :class:`AuroraCapForConditionalGeneration` needs to be built.

    Args (beside those of ``LlavaConfig``, of which ``vision_config``, ``text_config``, ``projector_hidden_act``,
    ``multimodal_projector_bias`` and ``vision_feature_layer`` are used):
        token_kept_ratio: Fraction of visual tokens to keep where a call names none.
        slow_fast: Whether the first frame stays unmerged where a call does not say.
        projector_depth: Linear layers of the projector.
        attention_size_bias: ``none`` is what the published weights were trained with (its bias is constant along each
            softmax row and has no effect); ``proportional`` adds ``log(size)`` to the keys, as ToMe defines it.
        train_position_embedding: Whether the tower's position table gets a gradient. In the published training it never
            does, because every forward pass replaces the parameter.
    """

    model_type = "auroracap"

    image_token_index: int = IMAGE_PLACEHOLDER
    token_kept_ratio: float | int = 0.2  # what the published captioning command uses
    slow_fast: bool = False
    projector_depth: int = 2
    attention_size_bias: Literal["none", "proportional"] = "none"
    train_position_embedding: bool = False

    def __post_init__(self, **kwargs: Any) -> None:
        """Refuse a ratio outside [0, 1] where it is set, not where it is used."""
        super().__post_init__(**kwargs)
        check_ratio(self.token_kept_ratio)
