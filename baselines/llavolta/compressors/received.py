"""How much attention every position of a prompt receives in one decoder layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from transformers.models.llama.modeling_llama import apply_rotary_pos_emb, repeat_kv

from baselines.common.constants import IGNORED_LABEL
from baselines.common.splice import Span


@torch.no_grad()
def received_attention(
    layer: Any, states: Tensor, angles: tuple[Tensor, Tensor], attention_mask: Tensor | None, queries: Tensor
) -> Tensor:
    """Attention that one query of each row pays to every position, averaged over heads.

    The layer's own kernel does not hand out its weights, so those of one query are computed beside it.

    Args:
        layer: A Llama layer.
        states: ``(batch, positions, dim)``, its input.
        angles: Cosines and sines of the positions, ``(batch or 1, positions, head dim)``.
        attention_mask: ``(batch, positions)``, non-zero on real ones; None means that all are real.
        queries: ``(batch,)`` position of each row's query.

    Returns:
        ``(batch, positions)``; 0 behind the query and on padding. Each row adds up to 1.
    """
    attention, queries = layer.self_attn, queries.to(states.device)
    normed = layer.input_layernorm(states)
    rows = torch.arange(len(states), device=states.device)
    heads = (*states.shape[:2], -1, attention.head_dim)
    query = attention.q_proj(normed[rows, queries])[:, None].unflatten(-1, (-1, attention.head_dim)).transpose(1, 2)
    key = attention.k_proj(normed).view(heads).transpose(1, 2)
    cos, sin = (angle.expand(len(states), -1, -1) for angle in angles)
    query, _ = apply_rotary_pos_emb(query, query, cos[rows, queries][:, None], sin[rows, queries][:, None])
    key, _ = apply_rotary_pos_emb(key, key, cos, sin)
    key = repeat_kv(key, attention.num_key_value_groups)
    scores = (query.float() @ key.float().transpose(2, 3))[:, :, 0] * attention.scaling
    seen = torch.arange(states.shape[1], device=states.device)[None] <= queries[:, None]
    if attention_mask is not None:
        seen &= attention_mask.bool()
    weights: Tensor = scores.masked_fill(~seen[:, None], -torch.inf).softmax(dim=-1).mean(dim=1)
    return weights


def last_of_prompt(
    spans: Sequence[Sequence[Span]], *, positions: int, attention_mask: Tensor | None, labels: Tensor | None
) -> Tensor:
    """The position of each row from which attention is counted: the one that makes the first answered token.

    Tokens that have to be predicted must not help to choose what is kept. So the prompt ends before the first label
    behind the last picture; without labels the whole row is the prompt.

    Args:
        spans: Visual spans of each row in coordinates of the padded batch.
        positions: Positions of the batch, padding included.
        attention_mask: ``(batch, positions)``; None means that all are real.
        labels: ``(batch, positions)``; None where nothing is supervised.

    Returns:
        ``(batch,)`` positions.
    """
    device = next((given.device for given in (attention_mask, labels) if given is not None), None)
    place = torch.arange(positions, device=device)
    found = []
    for row, row_spans in enumerate(spans):
        ends = [min(span.start + span.length, positions) for span in row_spans]
        real = place.new_ones(positions, dtype=torch.bool) if attention_mask is None else attention_mask[row].bool()
        last = int(place[real].max()) if bool(real.any()) else 0
        if labels is not None:
            answered = place[(labels[row] != IGNORED_LABEL) & (place >= max(ends, default=0))]
            last = max(int(answered.min()) - 1, 0) if len(answered) else last
        found.append(last)
    return torch.tensor(found, device=device)
