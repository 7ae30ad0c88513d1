"""EVA-CLIP's vision transformer as BLIP-2 uses it: every token of the last block, nothing after it.

    pixels (frames, 3, 224, 224) -> 16 x 16 patches + class token = (frames, 257, 1408) -> 39 blocks -> the same shape

Parameters keep the names of the released file. The key part of the attention has no bias.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from baselines.llama_vid.config import EvaVisionConfig
from vdc.errors import InputError, Problem


class EvaAttention(nn.Module):
    """Self-attention with a bias on queries and values and none on keys."""

    def __init__(self, config: EvaVisionConfig) -> None:
        super().__init__()
        width = config.hidden_size
        self.heads = config.num_attention_heads
        self.q_bias = nn.Parameter(torch.zeros(width))
        self.v_bias = nn.Parameter(torch.zeros(width))
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.proj = nn.Linear(width, width)

    def forward(self, hidden: Tensor) -> Tensor:
        """``(frames, tokens, dim)`` to the same."""
        frames, tokens, width = hidden.shape
        mixed = self.qkv(hidden)
        queries, keys, values = mixed.view(frames, tokens, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        # added after the product, so that a quantised weight and an unquantised bias need not meet
        queries = queries + self.q_bias.view(self.heads, 1, -1)
        values = values + self.v_bias.view(self.heads, 1, -1)
        attended = nn.functional.scaled_dot_product_attention(queries, keys, values)
        return self.proj(attended.transpose(1, 2).reshape(frames, tokens, width))


class EvaMlp(nn.Module):
    """Two linear layers with the exact GELU between."""

    def __init__(self, config: EvaVisionConfig) -> None:
        super().__init__()
        self.fc1 = nn.Linear(config.hidden_size, config.intermediate_size)
        self.fc2 = nn.Linear(config.intermediate_size, config.hidden_size)

    def forward(self, hidden: Tensor) -> Tensor:
        """``(frames, tokens, dim)`` to the same."""
        return self.fc2(nn.functional.gelu(self.fc1(hidden)))


class EvaBlock(nn.Module):
    """Attention and MLP, each behind a norm and beside a skip connection."""

    def __init__(self, config: EvaVisionConfig) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.attn = EvaAttention(config)
        self.norm2 = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.mlp = EvaMlp(config)

    def forward(self, hidden: Tensor) -> Tensor:
        """``(frames, tokens, dim)`` to the same."""
        hidden = hidden + self.attn(self.norm1(hidden))
        return hidden + self.mlp(self.norm2(hidden))


class EvaPatches(nn.Module):
    """Pictures to patches."""

    def __init__(self, config: EvaVisionConfig) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, config.hidden_size, config.patch_size, config.patch_size)

    def forward(self, pixels: Tensor) -> Tensor:
        """``(frames, 3, height, width)`` to ``(frames, patches, dim)``, row-major."""
        return self.proj(pixels).flatten(2).transpose(1, 2)


class EvaVisionTower(nn.Module):
    """The tower; always without gradient, in every published stage of training.

    Args:
        config: Its shape.
    """

    def __init__(self, config: EvaVisionConfig) -> None:
        super().__init__()
        self.config = config
        self.cls_token = nn.Parameter(torch.zeros(1, 1, config.hidden_size))
        self.pos_embed = nn.Parameter(torch.zeros(1, config.grid_side**2 + 1, config.hidden_size))
        self.patch_embed = EvaPatches(config)
        self.blocks = nn.ModuleList(EvaBlock(config) for _ in range(config.num_hidden_layers))

    def position_table(self, side: int) -> Tensor:
        """Positions for ``side`` times ``side`` patches, ``(1, 1 + patches, dim)``; resized where the size differs."""
        return resize_positions(self.pos_embed, side)

    @torch.no_grad()
    def forward(self, pixel_values: Tensor, **_: Any) -> Tensor:
        """Features of every token.

        Args:
            pixel_values: ``(frames, 3, side, side)``, normalised.

        Returns:
            ``(frames, 1 + patches, dim)``, class token first.

        Raises:
            InputError: Pictures that are not square, or smaller than a patch.
        """
        height, width = pixel_values.shape[-2:]
        patch = self.config.patch_size
        if height != width or height < patch:
            raise InputError(
                Problem(
                    f"pictures of {height} x {width} pixels",
                    f"squares of {patch} pixels or more",
                    "prepare them with the processor",
                )
            )
        patches = self.patch_embed(pixel_values.to(self.patch_embed.proj.weight.dtype))
        hidden = torch.cat([self.cls_token.expand(len(patches), -1, -1), patches], dim=1)
        hidden = hidden + self.position_table(height // patch)
        for block in self.blocks:
            hidden = block(hidden)
        return hidden


def resize_positions(table: Tensor, side: int) -> Tensor:
    """A position table for another number of patches.

    Args:
        table: ``(1, 1 + n * n, dim)``, class token first.
        side: Patches along one side.

    Returns:
        ``(1, 1 + side * side, dim)``; ``table`` itself where nothing changes.
    """
    old = int((table.shape[1] - 1) ** 0.5)
    if old == side:
        return table
    patches = table[:, 1:].transpose(1, 2).reshape(1, -1, old, old)
    # in float32, because bicubic resampling has no half-precision kernel everywhere
    resized = nn.functional.interpolate(patches.float(), size=(side, side), mode="bicubic", align_corners=False)
    return torch.cat([table[:, :1], resized.flatten(2).transpose(1, 2).to(table.dtype)], dim=1)
