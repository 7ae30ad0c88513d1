"""CLIP's vision transformer with token merging in every layer: between attention and MLP, by the mean of the keys.

    pixels (frames, 3, 378, 378) -> 27 x 27 patches + class token = (frames, 730, 1280)
    each of 31 layers, kept ratio 0.1:  attention on n tokens, merge 20, MLP on n - 20      730, 710, ... 110
    features: drop the class token -> (frames, 109, 1280)

Everything else is transformers' CLIP; at ratio 1.0 nothing differs from it, to the last bit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from transformers import CLIPVisionConfig, CLIPVisionModel
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS
from transformers.models.clip.modeling_clip import (
    CLIPAttention,
    CLIPEncoderLayer,
    CLIPPreTrainedModel,
    CLIPVisionEmbeddings,
    eager_attention_forward,
)

from baselines.token_reduction.merging import match_tokens, merge_weighted
from baselines.token_reduction.schedule import merges_per_layer
from vdc.errors import InputError, Problem, unknown_name

SIZE_BIASES = ("none", "proportional")


@dataclass(frozen=True, slots=True)
class VisionStates:
    """What the tower makes of a batch of pictures.

    Args:
        hidden_states: Output of the pre-layer-norm, then of each layer that ran: ``(pictures, tokens, dim)``, class
            token at index 0. Only the last one unless all were asked for.
        sizes: Patches each token stands for, ``(pictures, tokens, 1)``, beside each hidden state.
        layers_run: Layers that ran.
    """

    hidden_states: tuple[Tensor, ...]
    sizes: tuple[Tensor, ...]
    layers_run: int


class MergingEmbeddings(CLIPVisionEmbeddings):
    """CLIP's patch, class and position embeddings for any resolution."""

    train_position_embedding = True

    def position_table(self, height: int, width: int) -> Tensor:
        """Positions of a picture, ``(1 + patches, dim)``; resized where its grid is not the native square.

        The patch positions are resized by scale factors with 0.1 added to each side, as in the published code: handing
        over a target size instead gives other values.

        Args:
            height: Picture height, pixels.
            width: Picture width, pixels.
        """
        table = self.position_embedding.weight
        if not self.train_position_embedding:
            table = table.detach()
        side = int((len(table) - 1) ** 0.5)
        rows, columns = height // self.patch_size, width // self.patch_size
        if (rows, columns) == (side, side):
            return table
        patches = table[1:].T.reshape(1, -1, side, side)
        scale = ((rows + 0.1) / side, (columns + 0.1) / side)
        # Bicubic resampling has no kernel for half precision on every device.
        resized = nn.functional.interpolate(patches.float(), scale_factor=scale, mode="bicubic", align_corners=False)
        return torch.cat([table[:1], resized[0].flatten(1).T.to(table.dtype)])

    def forward(self, pixel_values: Tensor, interpolate_pos_encoding: bool = True) -> Tensor:
        """Embed pictures.

        Args:
            pixel_values: ``(pictures, 3, height, width)``.
            interpolate_pos_encoding: Accepted for CLIP's sake; other resolutions always work.

        Returns:
            ``(pictures, 1 + patches, dim)``.
        """
        del interpolate_pos_encoding
        height, width = pixel_values.shape[-2:]
        patches = self.patch_embedding(pixel_values.to(self.patch_embedding.weight.dtype))
        patches = patches.flatten(2).transpose(1, 2)  # (pictures, patches, dim)
        first = self.class_embedding.expand(len(pixel_values), 1, -1)
        return torch.cat([first, patches], dim=1) + self.position_table(height, width)


class MergingAttention(CLIPAttention):
    """CLIP's attention, which also hands out the mean of its keys over the heads: what tokens are matched by."""

    def attend(self, hidden_states: Tensor, attention_mask: Tensor | None) -> tuple[Tensor, Tensor]:
        """Attention output ``(pictures, tokens, dim)`` and key mean ``(pictures, tokens, head dim)``."""
        shape = (*hidden_states.shape[:-1], -1, self.head_dim)
        queries = self.q_proj(hidden_states).view(shape).transpose(1, 2)
        keys = self.k_proj(hidden_states).view(shape).transpose(1, 2)  # (pictures, heads, tokens, head dim)
        values = self.v_proj(hidden_states).view(shape).transpose(1, 2)
        attention: Callable[..., tuple[Tensor, Any]] = ALL_ATTENTION_FUNCTIONS.get_interface(
            self.config._attn_implementation, eager_attention_forward
        )
        dropout = self.dropout if self.training else 0.0
        mixed, _ = attention(self, queries, keys, values, attention_mask, scaling=self.scale, dropout=dropout)
        mixed = mixed.reshape(*hidden_states.shape[:-1], -1).contiguous()
        return self.out_proj(mixed), keys.detach().mean(dim=1)


class MergingLayer(CLIPEncoderLayer):
    """One CLIP block with a merge between attention and MLP."""

    def __init__(self, config: CLIPVisionConfig) -> None:
        super().__init__(config)
        self.self_attn = MergingAttention(config)

    def forward(  # type: ignore[override, unused-ignore]
        self, hidden_states: Tensor, sizes: Tensor | None, merges: int, proportional: bool
    ) -> tuple[Tensor, Tensor | None]:
        """Run the block.

        Args:
            hidden_states: ``(pictures, tokens, dim)``.
            sizes: ``(pictures, tokens, 1)``; None before the first merge.
            merges: Tokens to merge away.
            proportional: Weigh keys by their sizes.

        Returns:
            ``(pictures, tokens - merges, dim)`` and sizes.
        """
        bias = None
        if proportional and sizes is not None:
            bias = sizes.to(hidden_states.dtype).log()[:, None, None, :, 0]  # (pictures, 1, 1, keys)
        attended, metric = self.self_attn.attend(self.layer_norm1(hidden_states), bias)
        hidden_states = hidden_states + attended
        if merges:
            matching = match_tokens(metric.float(), merges)
            hidden_states, sizes = merge_weighted(hidden_states, sizes, matching)
        return hidden_states + self.mlp(self.layer_norm2(hidden_states)), sizes


class MergingEncoder(nn.Module):
    """The stack of merging layers."""

    def __init__(self, config: CLIPVisionConfig) -> None:
        super().__init__()
        self.layers = nn.ModuleList([MergingLayer(config) for _ in range(config.num_hidden_layers)])
        self.gradient_checkpointing = False


class AuroraCapVisionTower(CLIPVisionModel):
    """CLIP's vision model that merges tokens on the way.

    Args:
        config: CLIP's own configuration.
        size_bias: See ``AuroraCapConfig.attention_size_bias``.
        train_position_embedding: See ``AuroraCapConfig.train_position_embedding``.

    Raises:
        InputError: Unknown size bias.

    Source: AuroraCap (arXiv 2410.03051) section 3 and its published encoder; the layers are transformers' own.
    """

    _no_split_modules = ["MergingLayer"]  # noqa: RUF012  (transformers reads a list)

    def __init__(
        self, config: CLIPVisionConfig, *, size_bias: str = "none", train_position_embedding: bool = True
    ) -> None:
        CLIPPreTrainedModel.__init__(self, config)
        if size_bias not in SIZE_BIASES:
            raise InputError(unknown_name("attention size bias", size_bias, SIZE_BIASES))
        self.size_bias = size_bias
        self.embeddings = MergingEmbeddings(config)
        self.embeddings.train_position_embedding = train_position_embedding
        self.pre_layrnorm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.encoder = MergingEncoder(config)
        self.post_layernorm = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.post_init()

    def merges(self, height: int, width: int, token_kept_ratio: float) -> int:
        """Merges in each layer for pictures of that many pixels.

        Raises:
            InputError: The ratio is not in [0, 1].
        """
        config = self.config
        return merges_per_layer(height, width, config.patch_size, config.num_hidden_layers, token_kept_ratio)

    def states(
        self,
        pixel_values: Tensor,
        token_kept_ratio: float = 1.0,
        *,
        layers: int | None = None,
        every_state: bool = False,
    ) -> VisionStates:
        """Run the tower.

        Args:
            pixel_values: ``(pictures, 3, height, width)``, normalised.
            token_kept_ratio: Fraction of tokens to keep, 0 to 1.
            layers: How many layers to run; None runs all.
            every_state: Return every hidden state and not only the last.

        Raises:
            InputError: The ratio is not in [0, 1], or pictures smaller than a patch.
        """
        height, width = pixel_values.shape[-2:]
        if min(height, width) < self.config.patch_size:
            raise InputError(
                Problem(
                    f"pictures of {height} x {width} pixels",
                    f"at least one patch of {self.config.patch_size}",
                    "prepare them with the processor",
                )
            )
        merges = self.merges(height, width, token_kept_ratio)
        if merges and self.size_bias == "proportional" and "flash" in str(self.config._attn_implementation):
            raise InputError(
                Problem("proportional attention with flash attention", "sdpa or eager", "load with attention='sdpa'")
            )
        hidden = self.pre_layrnorm(self.embeddings(pixel_values))
        sizes: Tensor | None = None
        kept = [(hidden, sizes)]
        run = self.encoder.layers[:layers]
        for layer in run:
            hidden, sizes = layer(hidden, sizes, merges, self.size_bias == "proportional")
            kept = [*kept, (hidden, sizes)] if every_state else [(hidden, sizes)]
        return VisionStates(
            hidden_states=tuple(state for state, _ in kept),
            sizes=tuple(torch.ones_like(state[..., :1]) if size is None else size for state, size in kept),
            layers_run=len(run),
        )

    def features(self, pixel_values: Tensor, token_kept_ratio: float = 1.0, feature_layer: int = -2) -> Tensor:
        """What the projector receives: the chosen hidden state without the class token; later layers do not run.

        Args:
            pixel_values: ``(pictures, 3, height, width)``.
            token_kept_ratio: Fraction of tokens to keep, 0 to 1.
            feature_layer: Index into the ``layers + 1`` hidden states.

        Returns:
            ``(pictures, tokens, dim)``: surviving even tokens first, then odd ones; row-major where nothing merges.
        """
        count = len(self.encoder.layers)
        layers = feature_layer if feature_layer >= 0 else count + 1 + feature_layer
        return self.states(pixel_values, token_kept_ratio, layers=layers).hidden_states[-1][:, 1:]

    def forward(self, pixel_values: Tensor, token_kept_ratio: float = 1.0, **_: Any) -> Tensor:  # type: ignore[override, unused-ignore]
        """As :meth:`features` with the second-to-last hidden state."""
        return self.features(pixel_values, token_kept_ratio)
