"""Configuration of LLaMA-VID: an EVA tower, a text-guided query transformer, a projector, a Llama."""

from __future__ import annotations

from typing import Any, Literal

from huggingface_hub.dataclasses import strict
from transformers import InstructBlipQFormerConfig, LlamaConfig, PreTrainedConfig

from baselines.common.constants import IMAGE_PLACEHOLDER
from baselines.llama_vid.compress import check_grid, parse_compression
from vdc.errors import InputError, Problem

PUBLISHED_CONTEXT = 4096
"""Positions of the released language models before any extension."""


@strict
class EvaVisionConfig(PreTrainedConfig):  # type: ignore[misc, unused-ignore]
    """Shape of the EVA-CLIP tower; the defaults are ViT-g without its last block.

    Args:
        hidden_size: Width.
        intermediate_size: Width inside the MLP.
        num_hidden_layers: Blocks.
        num_attention_heads: Heads.
        image_size: Side of a picture, pixels.
        patch_size: Side of a patch, pixels.
        layer_norm_eps: Of every norm.
    """

    model_type = "eva_vit"
    base_config_key = "vision_config"

    hidden_size: int = 1408
    intermediate_size: int = 6144  # int(1408 * 4.3637), the ratio of the 1B model
    num_hidden_layers: int = 39  # of 40: the last block is not used
    num_attention_heads: int = 16
    image_size: int = 224
    patch_size: int = 14
    layer_norm_eps: float = 1e-6
    initializer_range: float = 0.02

    @property
    def grid_side(self) -> int:
        """Patches along one side of a picture."""
        return int(self.image_size) // int(self.patch_size)


@strict
class LlamaVidConfig(PreTrainedConfig):  # type: ignore[misc, unused-ignore]
    """Everything :class:`LlamaVidForConditionalGeneration` needs to be built.

    Args:
        vision_config: The tower.
        qformer_config: The query transformer that reads frame and question.
        text_config: The language model.
        num_query: Queries of the query transformer.
        compress_type: What becomes of a frame's patches: ``none``, ``mean`` or ``grid:n``; beside them stands one
            context token.
        projector_depth: Linear layers of the projector.
        drop_class: ``odd`` drops the first visual token where their number is odd, as the published code does;
            ``never`` keeps all, for features without one.
        uneven_grid: ``refuse`` a grid that does not divide the patches' side; ``published`` pools with the stride
            rounded down, which yields another number of tokens than the name says.
        frame_block: Frames and questions that pass the query transformer together; bounds memory on long videos.
        image_aspect_ratio: ``pad`` pictures to a square or crop (``square``); videos are always cropped.
        bert_type: What the published code calls the query transformer; says which parts a stage froze and is written
            back.
    """

    model_type = "llama_vid"
    sub_configs = {  # noqa: RUF012  (transformers reads a dictionary)
        "vision_config": EvaVisionConfig,
        "qformer_config": InstructBlipQFormerConfig,
        "text_config": LlamaConfig,
    }

    # Any: given as dictionaries or None, always configurations afterwards
    vision_config: Any = None
    qformer_config: Any = None
    text_config: Any = None
    num_query: int = 32
    compress_type: str | None = "mean"
    projector_depth: int = 2
    drop_class: Literal["odd", "never"] = "odd"
    uneven_grid: Literal["refuse", "published"] = "refuse"
    frame_block: int = 64
    image_aspect_ratio: Literal["pad", "square"] = "pad"
    bert_type: str = "qformer_pretrain"
    image_token_index: int = IMAGE_PLACEHOLDER
    tie_word_embeddings: bool = False

    def __post_init__(self, **kwargs: Any) -> None:
        """Refuse parts that do not fit together where they are set, not where they are used."""
        for name, kind in self.sub_configs.items():
            given = getattr(self, name)
            if not isinstance(given, PreTrainedConfig):
                table = {key: value for key, value in (given or _DEFAULTS.get(name, {})).items() if key != "model_type"}
                setattr(self, name, kind(**table))
        super().__post_init__(**kwargs)
        self.check()

    def check(self) -> None:
        """Whether the parts fit together.

        Raises:
            InputError: An unknown way to compress, a grid that does not fit, or widths that differ.
        """
        vision, qformer = self.vision_config, self.qformer_config
        compression = parse_compression(self.compress_type)
        check_grid(compression, vision.grid_side, uneven=self.uneven_grid == "published")
        problems = []
        if qformer.encoder_hidden_size != vision.hidden_size:
            problems.append(
                Problem(
                    f"a query transformer that reads features of width {qformer.encoder_hidden_size}",
                    f"{vision.hidden_size}, the width of the tower",
                    "use the parts of one checkpoint",
                )
            )
        if self.num_query < 1 or self.frame_block < 1 or self.projector_depth < 1:
            problems.append(
                Problem(
                    f"num_query {self.num_query}, frame_block {self.frame_block}, projector_depth "
                    f"{self.projector_depth}",
                    "one or more of each",
                    "correct config.json",
                )
            )
        if problems:
            raise InputError(problems)


_DEFAULTS: dict[str, dict[str, Any]] = {
    "qformer_config": {"vocab_size": 30523},  # BERT's and the one added token
}


def extended_rope(text_config: Any, max_length: int) -> dict[str, Any]:
    """Position settings that let a language model see ``max_length`` positions.

    The positions are divided by the smallest whole factor that suffices; where they already suffice nothing changes.

    Args:
        text_config: The language model's configuration.
        max_length: Positions wanted.

    Source: LLaMA-VID's third stage, 65,536 positions from 4,096 by factor 16.
    """
    current = dict(getattr(text_config, "rope_parameters", None) or {"rope_type": "default", "rope_theta": 10000.0})
    factor = float(current.get("factor", 1.0)) if current.get("rope_type") == "linear" else 1.0
    reach = text_config.max_position_embeddings * factor
    if max_length <= reach:
        return current
    return current | {"rope_type": "linear", "factor": float(-(-max_length // int(reach)))}
