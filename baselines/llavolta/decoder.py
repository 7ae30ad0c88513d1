"""A Llama whose visual tokens get fewer before one of its layers.

    layers 0 .. K-1     see every position           mask, rotary angles and cache of the full length
    compressor          before layer K               one decision per picture, for states and positions alike
    layers K .. N-1     see the compressed rows      mask, rotary angles and cache made anew

Layers are those of transformers, unchanged. Without compression all layers see every position, which is the pass of
transformers to the last bit.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from transformers import Cache, LlamaConfig
from transformers import initialization as init
from transformers.masking_utils import create_causal_mask
from transformers.modeling_outputs import BaseModelOutputWithPast
from transformers.models.llama.modeling_llama import LlamaModel
from transformers.utils.generic import merge_with_config_defaults
from transformers.utils.output_capturing import capture_outputs

from baselines.common.cache_name import CACHE_NAME, takes_cache
from baselines.common.splice import Span
from baselines.llavolta.cache import CompressedCache
from baselines.llavolta.compress import Layout, Reductions
from baselines.llavolta.compressors.choose import Compressor
from baselines.llavolta.compressors.learned import LearnedPooling
from baselines.llavolta.compressors.received import received_attention
from baselines.llavolta.compressors.reduction import Reduction
from baselines.llavolta.setting import Grouping, PositionRounding
from vdc.errors import InputError, Problem


@dataclass(frozen=True, slots=True)
class DecoderCompression:
    """What the decoder has to do in one pass over a prompt.

    Args:
        layer: Layer whose input is compressed, from 0, below the number of layers.
        layout: The batch.
        rounding: How positions of pooled tokens are rounded.
        grouping: Which compressor.
        seed: As :class:`Compressor`.
        queries: ``(batch,)`` position from which attention is counted, for the compressor by attention alone; see
            :func:`baselines.llavolta.compressors.received.last_of_prompt`.
    """

    layer: int
    layout: Layout
    rounding: PositionRounding
    grouping: Grouping = "avgpool1d"
    seed: int | None = 0
    queries: Tensor | None = None


@dataclass
class CompressedOutput(BaseModelOutputWithPast):  # type: ignore[misc, unused-ignore]
    """Output of the decoder.

    Args (beside those of transformers):
        position_ids: ``(batch, compressed length)`` position ids of the last layer.
        attention_mask: Same shape, bool; None where nothing was compressed.
    """

    position_ids: Tensor | None = None
    attention_mask: Tensor | None = None


class CompressingLlama(LlamaModel):
    """Llama without a head; see the module.

    Args:
        config: The configuration.
        learned_pooling: Have the parameters of :class:`LearnedPooling`.
    """

    def __init__(self, config: LlamaConfig, *, learned_pooling: bool = False) -> None:
        super().__init__(config)
        self.compressor = LearnedPooling(config.hidden_size) if learned_pooling else None

    @torch.no_grad()
    def _init_weights(self, module: nn.Module) -> None:
        super()._init_weights(module)
        if isinstance(module, LearnedPooling):  # a checkpoint of LLaVA has none: then it starts as average pooling
            init.zeros_(module.direction)

    def compressor_of(self, grouping: Grouping, stride: int, seed: int | None) -> Compressor:
        """A compressor with the parameters that this model has for it."""
        return Compressor(grouping, stride, seed, self.compressor)

    @takes_cache
    @merge_with_config_defaults
    @capture_outputs
    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        position_ids: Tensor | None = None,
        cache: Any = None,
        inputs_embeds: Tensor | None = None,
        use_cache: bool | None = None,
        compression: DecoderCompression | None = None,
        **kwargs: Any,
    ) -> CompressedOutput:
        """One pass.

        Args:
            input_ids: ``(batch, positions)``; or ``inputs_embeds``.
            attention_mask: ``(batch, all positions so far)``, counted before compression.
            position_ids: ``(batch, positions)``; None counts on from the cache.
            cache: A :class:`CompressedCache` where prompts are compressed.
            inputs_embeds: ``(batch, positions, dim)``.
            use_cache: Keep keys and values.
            compression: How to compress this prompt; None for later steps and without compression.
            kwargs: As transformers.

        Returns:
            ``last_hidden_state`` of ``(batch, compressed length, dim)``; hidden states and attentions, where asked for,
            have the full length before the layer and the compressed length from it on.

        Raises:
            InputError: Compression together with a cache that cannot hold layers of different length, or with one that
                is not empty.
        """
        if use_cache and cache is None:
            cache = CompressedCache(config=self.config)
        uneven = cache if isinstance(cache, CompressedCache) else None
        if compression is not None:
            _check_cache(cache)
        embeds = inputs_embeds if inputs_embeds is not None else self.embed_tokens(input_ids)
        if position_ids is None:
            seen = cache.get_seq_length() if cache is not None else 0
            position_ids = (torch.arange(embeds.shape[1], device=embeds.device) + seen)[None]
        boundary = len(self.layers)
        if compression is not None:
            boundary = compression.layer
        elif uneven is not None and uneven.deep_layer is not None:
            boundary = uneven.deep_layer
        shared = {CACHE_NAME: cache, "use_cache": use_cache, **kwargs}

        states, received = embeds, None
        if boundary:
            mask = create_causal_mask(self.config, embeds, attention_mask, cache, position_ids, layer_idx=0)
            angles = self.rotary_emb(states, position_ids=position_ids)
            for number, layer in enumerate(self.layers[:boundary]):
                if compression is not None and compression.queries is not None and number + 1 == boundary:
                    received = received_attention(layer, states, angles, attention_mask, compression.queries)
                states = layer(
                    states, attention_mask=mask, position_embeddings=angles, position_ids=position_ids, **shared
                )
        deep_mask = None
        if uneven is not None:
            columns = None if attention_mask is None else attention_mask[:, -embeds.shape[1] :]
            deep_mask = uneven.extend(embeds, columns)
        if compression is not None:
            layout, decisions = compression.layout, self._decide(compression, states, received)
            states = layout.states(states, decisions)
            position_ids = layout.positions(position_ids, compression.rounding, decisions)
            deep_mask = layout.mask(states.device)
            if uneven is not None:
                uneven.deep_layer, uneven.deep_mask = boundary, deep_mask
        if boundary < len(self.layers):
            # No position ids from here on: those of pooled tokens jump, and masks and attention kernels would take a
            # jump for the start of another sequence packed into the row.
            mask = create_causal_mask(self.config, states, deep_mask, cache, layer_idx=boundary)
            angles = self.rotary_emb(states, position_ids=position_ids)
            for layer in self.layers[boundary:]:
                states = layer(states, attention_mask=mask, position_embeddings=angles, position_ids=None, **shared)
        return CompressedOutput(
            last_hidden_state=self.norm(states),
            position_ids=position_ids.expand(len(states), -1),
            attention_mask=None if compression is None else deep_mask,
            **{CACHE_NAME: cache},
        )

    def _decide(self, compression: DecoderCompression, states: Tensor, received: Tensor | None) -> Reductions:
        """What becomes of each picture; decided once, for states and positions alike."""
        compressor = self.compressor_of(compression.grouping, compression.layout.stride, compression.seed)

        def decide(row: int, span: Span) -> Reduction:
            place = slice(span.start, span.start + span.length)
            return compressor.reduce(states[row, place], None if received is None else received[row, place])

        return compression.layout.reductions(decide)


def _check_cache(cache: Cache | None) -> None:
    if cache is not None and not isinstance(cache, CompressedCache):
        raise InputError(
            Problem(
                f"a cache of class {type(cache).__name__}",
                "a CompressedCache, because layers of a compressed prompt have different lengths",
                "leave the cache to the model, or turn compression off",
            )
        )
    if cache is not None and cache.full_length:
        raise InputError(
            Problem(
                f"a prompt with pictures after {cache.full_length} cached positions",
                "an empty cache",
                "start anew with the whole conversation",
            )
        )
