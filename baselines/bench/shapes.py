"""Model shapes to measure with: the released 7B model's, and one small enough for a CPU."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from baselines.token_reduction.interface import EncoderShape

if TYPE_CHECKING:
    from baselines.auroracap.config import AuroraCapConfig


@dataclass(frozen=True, slots=True)
class TowerShape:
    """A vision transformer.

    Args:
        image_size: Side of the square picture, pixels.
        patch_size: Side of a patch, pixels.
        width: Channels.
        heads: Attention heads.
        mlp: Channels inside the MLP.
        layers: Layers.
        feature_layer: Layers that run.
    """

    image_size: int
    patch_size: int
    width: int
    heads: int
    mlp: int
    layers: int
    feature_layer: int

    @property
    def encoder(self) -> EncoderShape:
        """The part that token reductions ask for."""
        return EncoderShape(self.image_size, self.patch_size, self.layers, self.feature_layer)


@dataclass(frozen=True, slots=True)
class DecoderShape:
    """A Llama.

    Args:
        width: Channels.
        heads: Attention heads, also of keys and values.
        mlp: Channels inside the gated MLP.
        layers: Layers.
        vocabulary: Rows of the embedding table.
    """

    width: int
    heads: int
    mlp: int
    layers: int
    vocabulary: int


@dataclass(frozen=True, slots=True)
class ReaderShape:
    """A query transformer that reads a picture together with a question, as LLaMA-VID has it.

    Args:
        width: Channels.
        heads: Attention heads.
        mlp: Channels inside the MLP.
        layers: Layers; every second attends to the picture.
        queries: Queries.
        question_tokens: Tokens of the question.
        vocabulary: Rows of the embedding table.
    """

    width: int
    heads: int
    mlp: int
    layers: int
    queries: int
    question_tokens: int
    vocabulary: int


@dataclass(frozen=True, slots=True)
class BenchShape:
    """Everything that decides the cost of one video.

    Args:
        name: ``toy`` or ``7b``.
        tower: Vision tower.
        decoder: Language model.
        frames: Frames of the video.
        text_tokens: Tokens of the prompt beside the visual ones.
        reductions: Reductions of :mod:`baselines.token_reduction`, with settings that suit the shape.
        reader: Query transformer of the lines that read the question.
        pooled: ``compress_type`` of those lines.
        published_layers: Decoder layers of the published compressing models; their layers are scaled to this shape's.
    """

    name: str
    tower: TowerShape
    decoder: DecoderShape
    frames: int
    text_tokens: int
    reductions: tuple[tuple[str, dict[str, float]], ...]
    reader: ReaderShape = ReaderShape(96, 4, 384, 4, queries=8, question_tokens=16, vocabulary=1000)
    pooled: tuple[str, ...] = ()
    published_layers: int = 32

    def config(self) -> AuroraCapConfig:
        """The model's configuration."""
        from transformers import CLIPVisionConfig, LlamaConfig

        from baselines.auroracap.config import AuroraCapConfig

        vision = CLIPVisionConfig(
            hidden_size=self.tower.width,
            intermediate_size=self.tower.mlp,
            num_hidden_layers=self.tower.layers,
            num_attention_heads=self.tower.heads,
            image_size=self.tower.image_size,
            patch_size=self.tower.patch_size,
            hidden_act="quick_gelu",
        )
        text = LlamaConfig(
            hidden_size=self.decoder.width,
            intermediate_size=self.decoder.mlp,
            num_hidden_layers=self.decoder.layers,
            num_attention_heads=self.decoder.heads,
            num_key_value_heads=self.decoder.heads,
            vocab_size=self.decoder.vocabulary,
            max_position_embeddings=32768,
        )
        return AuroraCapConfig(
            vision_config=vision.to_dict(),
            text_config=text.to_dict(),
            vision_feature_layer=self.tower.feature_layer - self.tower.layers - 1,
        )


def _reductions(
    grid: tuple[int, int], keep: int, pooled: tuple[int, int, int], sampled: int
) -> tuple[tuple[str, dict[str, float]], ...]:
    merging = tuple(("merging", {"token_kept_ratio": ratio}) for ratio in (0.8, 0.6, 0.4, 0.2, 0.1))
    return (
        ("none", {}),
        *merging,
        ("pooling", {"rows": grid[0], "columns": grid[1]}),
        ("frames", {"keep": keep}),
        ("image_grid", {"rows": 3, "columns": 2}),
        ("space_time_pooling", {"frames": pooled[0], "rows": pooled[1], "columns": pooled[2]}),
        ("thumbnail_and_sampling", {"sampled": sampled, "rows": 3, "columns": 2}),
    )


SHAPES: Final[dict[str, BenchShape]] = {
    "toy": BenchShape(
        "toy",
        TowerShape(image_size=224, patch_size=14, width=192, heads=6, mlp=768, layers=8, feature_layer=7),
        DecoderShape(width=256, heads=8, mlp=704, layers=4, vocabulary=1000),
        frames=8,
        text_tokens=64,
        reductions=_reductions((8, 8), 2, (4, 8, 8), 512),
        pooled=("mean", "grid:2", "grid:4", "none"),
    ),
    "7b": BenchShape(
        "7b",
        TowerShape(image_size=378, patch_size=14, width=1280, heads=16, mlp=5120, layers=32, feature_layer=31),
        DecoderShape(width=4096, heads=32, mlp=11008, layers=32, vocabulary=32000),
        frames=8,
        text_tokens=64,
        reductions=_reductions((12, 12), 2, (8, 12, 12), 2880),
        reader=ReaderShape(768, 12, 3072, 12, queries=32, question_tokens=16, vocabulary=30523),
        pooled=("mean", "grid:3", "grid:9", "none"),
    ),
}
"""``7b``: CLIP ViT-H/14 at 378 pixels and a Llama of 7 billion parameters, as AuroraCap-7B has them; the
query transformer is LLaMA-VID's. Its grids are those that divide 27 patches."""
