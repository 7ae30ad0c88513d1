"""LLaMA-VID's lines: a token per frame that a query transformer makes for the question, and pooled patches."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import torch
from torch import Tensor
from transformers import InstructBlipQFormerConfig, LlamaConfig

from baselines.bench.lines import Video
from baselines.bench.shapes import BenchShape
from baselines.llama_vid.backbone import LlamaVidModel
from baselines.llama_vid.compress import parse_compression
from baselines.llama_vid.config import EvaVisionConfig, LlamaVidConfig
from baselines.token_reduction.interface import EncoderShape, TokenBudget


class ContextContentLine:
    """One way to pool, with the context token beside it.

    The query transformer, context attention and projector are those of :class:`LlamaVidModel`, with random weights and
    on the tower that all lines share; they are made when they are first needed.

    Args:
        shape: Of tower, query transformer and decoder.
        pooled: ``mean``, ``grid:n`` or ``none``.
    """

    model = "LLaMA-VID"

    def __init__(self, shape: BenchShape, pooled: str) -> None:
        self.shape = shape
        self.pooled = pooled
        self._compression = parse_compression(pooled)

    @property
    def name(self) -> str:
        """See :class:`baselines.bench.lines.Line`."""
        return f"context + {self.pooled}"

    def budget(self, frames: int, shape: EncoderShape) -> TokenBudget:
        """See :class:`baselines.bench.lines.Line`."""
        tokens = self._compression.tokens_per_frame(shape.grid[0])
        lengths = (shape.patches + 1,) * shape.feature_layer
        return TokenBudget(frames, lengths, frames * tokens, questioned=frames)

    def embed(self, video: Video) -> Tensor:
        """See :class:`baselines.bench.lines.Line`."""
        reader = self.reader.to(video.pixels.device, video.pixels.dtype)
        ids = torch.ones(1, self.shape.reader.question_tokens, dtype=torch.long, device=video.pixels.device)
        features = video.encode(video.pixels)  # (frames, patches, channels)
        tokens: Tensor = reader.visual_tokens([features], [ids], [torch.ones_like(ids)])[0]
        return tokens[0]  # of the only question

    def compression(self, frames: int, patches: int, positions: int) -> None:
        """Nothing; see :class:`baselines.bench.lines.Line`."""
        del frames, patches, positions

    @cached_property
    def reader(self) -> Any:
        """LLaMA-VID around the shared tower, without tower and decoder of its own."""
        with torch.random.fork_rng():
            torch.manual_seed(0)
            return LlamaVidModel(reader_config(self.shape, self.pooled)).eval()


def reader_config(shape: BenchShape, pooled: str) -> LlamaVidConfig:
    """LLaMA-VID around a tower and a decoder of that shape, both of which are left as small as they can be.

    Args:
        shape: Of tower, query transformer and decoder.
        pooled: ``mean``, ``grid:n`` or ``none``.
    """
    tower, reader, decoder = shape.tower, shape.reader, shape.decoder
    return LlamaVidConfig(
        vision_config=EvaVisionConfig(
            hidden_size=tower.width,
            intermediate_size=1,
            num_hidden_layers=0,
            num_attention_heads=tower.heads,
            image_size=tower.image_size,
            patch_size=tower.patch_size,
        ),
        qformer_config=InstructBlipQFormerConfig(
            vocab_size=reader.vocabulary,
            hidden_size=reader.width,
            num_hidden_layers=reader.layers,
            num_attention_heads=reader.heads,
            intermediate_size=reader.mlp,
            encoder_hidden_size=tower.width,
        ),
        text_config=LlamaConfig(
            hidden_size=decoder.width,
            intermediate_size=1,
            num_hidden_layers=0,
            num_attention_heads=decoder.heads,
            vocab_size=3,  # the special ids of a Llama
        ),
        num_query=reader.queries,
        compress_type=pooled,
        drop_class="never",  # the shared tower's features have no class token
    )
