"""Bipartite soft matching (ToMe): merge the most similar tokens, by a metric that need not be the tokens themselves.

    tokens     0 1 2 3 4 5 6      even positions are A (sources), odd ones B (destinations); 0 is the class token
    match      2 -> 5, 4 -> 3     each A token's most similar B token, best ``count`` pairs
    merged     0 6 | 1 3' 5'      surviving A in order, then all of B; 3' and 5' are size-weighted means

The order of the merged tokens is part of what released weights expect. Sizes travel with the tokens, so that a later
merge weighs right and attention can count how many patches a token stands for.

Source: Bolya et al., Token Merging, ICLR 2023, section 3, and AuroraCap's use of it; no code shared. Sums over tokens
are products with a thin matrix and not scatters: deterministic on every device.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from vdc.errors import InputError, Problem


@dataclass(frozen=True, slots=True)
class Matching:
    """Which tokens merge into which; the same for every tensor that lies along the same tokens.

    Args:
        kept: ``(batch, sources - count)`` places in A of the tokens that stay.
        merged: ``(batch, count)`` places in A of the tokens that merge.
        target: ``(batch, count)`` places in B they merge into.
        scores: ``(batch, sources)`` each source's best similarity, sorted falling.
        tokens: Tokens before merging.
        distill_token: Position 1 is a distillation token, which stays in place.
    """

    kept: Tensor
    merged: Tensor
    target: Tensor
    scores: Tensor
    tokens: int
    distill_token: bool = False

    @property
    def count(self) -> int:
        """Tokens that disappear."""
        return self.merged.shape[1]


def mergeable(tokens: int, count: int, *, class_token: bool = True, distill_token: bool = False) -> int:
    """How many of ``count`` merges are possible on that many tokens; 0 or more."""
    protected = int(class_token) + int(distill_token)
    return max(0, min(count, (tokens - protected) // 2))


@torch.no_grad()
def match_tokens(
    metric: Tensor, count: int, *, class_token: bool = True, distill_token: bool = False
) -> Matching | None:
    """Pair the ``count`` most similar tokens across the two halves.

    Args:
        metric: ``(batch, tokens, channels)``, any scale; compared by cosine. A zero vector has no direction and its
            similarities are NaN, as in the published code.
        count: Merges wanted; cut to what is possible.
        class_token: Position 0 never merges and stays first.
        distill_token: Position 1 neither receives nor merges.

    Returns:
        The matching, or None where nothing merges. No gradient flows through the choice.
    """
    tokens = metric.shape[1]
    count = mergeable(tokens, count, class_token=class_token, distill_token=distill_token)
    if count == 0:
        return None
    unit = metric / metric.norm(dim=-1, keepdim=True)
    similarity = unit[:, ::2] @ unit[:, 1::2].transpose(1, 2)  # (batch, sources, destinations)
    if class_token:
        similarity[:, 0] = -torch.inf
    if distill_token:
        similarity[:, :, 0] = -torch.inf
    best, target = similarity.max(dim=-1)
    scores, order = best.sort(dim=-1, descending=True, stable=True)
    merged, kept = order[:, :count], order[:, count:]
    if class_token:
        kept = kept.sort(dim=-1).values
    return Matching(kept, merged, target.gather(1, merged), scores, tokens, distill_token)


def merge_sum(values: Tensor, matching: Matching) -> Tensor:
    """Add each merged token to its target.

    Args:
        values: ``(batch, tokens, channels)``.
        matching: From :func:`match_tokens` on the same tokens.

    Returns:
        ``(batch, tokens - count, channels)``: kept sources, then destinations.

    Raises:
        InputError: The number of tokens differs from the matching's.
    """
    destinations = matching.tokens // 2
    ones = torch.ones_like(matching.target, dtype=values.dtype)
    return _combine(values, matching, _assignment(matching, ones, destinations), None)


def merge_weighted(values: Tensor, sizes: Tensor | None, matching: Matching | None) -> tuple[Tensor, Tensor]:
    """Merge by the size-weighted mean and add up the sizes.

    Args:
        values: ``(batch, tokens, channels)``.
        sizes: ``(batch, tokens, 1)``, how many original tokens each stands for; None means one each.
        matching: From :func:`match_tokens`; None leaves the tokens unchanged.

    Returns:
        Tokens ``(batch, tokens - count, channels)`` and their sizes ``(batch, tokens - count, 1)``; sizes made here are
        float32 whatever the tokens are, because half precision cannot count far.

    Raises:
        InputError: The number of tokens differs from the matching's.
    """
    if sizes is None:
        sizes = torch.ones_like(values[..., :1], dtype=torch.float32)
    if matching is None:
        return values, sizes
    counts = sizes[..., 0]
    moved = counts.gather(1, 2 * matching.merged)
    before = counts[:, 1::2]
    total = before.scatter_add(1, matching.target, moved)
    # new = (size * value + sum of size_i * value_i) / total, with the weights divided instead of the sum: that leaves
    # one pass over the tokens and one product with a thin matrix.
    weights = _assignment(matching, moved, before.shape[1]) / total[..., None]
    merged = _combine(values, matching, weights.to(values.dtype), (before / total)[..., None].to(values.dtype))
    kept = counts.gather(1, 2 * matching.kept)
    return merged, _join(kept[..., None], total[..., None], matching)


def unmerge(values: Tensor, matching: Matching, *, as_published: bool = False) -> Tensor:
    """Give every original token the value of the token it is now part of.

    Args:
        values: ``(batch, tokens - count, channels)`` as :func:`merge_sum` orders them.
        matching: The matching they were merged with.
        as_published: Read the tokens as if there were no distillation token, as the published function does although
            its own merge moves that token. Without one there is no difference.

    Returns:
        ``(batch, tokens, channels)``.
    """
    kept, destinations = _split(values, matching, distill_token=matching.distill_token and not as_published)
    whole = values.new_empty(values.shape[0], matching.tokens, values.shape[2])
    whole[:, 1::2] = destinations
    channels = values.shape[2]
    whole.scatter_(1, _expand(2 * matching.kept, channels), kept)
    whole.scatter_(1, _expand(2 * matching.merged, channels), _rows(destinations, matching.target))
    return whole


def trace_sources(matching: Matching | None, tokens: int, batch: int, previous: Tensor | None = None) -> Tensor:
    """Which original tokens each token holds.

    Args:
        matching: The latest merge; None for none.
        tokens: Tokens before it.
        batch: Rows.
        previous: Result for the merges before it.

    Returns:
        0/1 matrix ``(batch, tokens now, original tokens)``.
    """
    if previous is None:
        previous = torch.eye(tokens).expand(batch, tokens, tokens)
    return previous if matching is None else merge_sum(previous.to(matching.kept.device), matching)


def margin(matching: Matching) -> Tensor:
    """Gap between the last pair that merges and the first that does not, per row: how near the choice was to another.

    Returns:
        ``(batch,)``; infinite where only the class token is left over, NaN where every source merges.
    """
    if matching.count == matching.scores.shape[1]:
        return matching.scores.new_full((matching.scores.shape[0],), torch.nan)
    return matching.scores[:, matching.count - 1] - matching.scores[:, matching.count]


def _combine(values: Tensor, matching: Matching, weights: Tensor, scale: Tensor | None) -> Tensor:
    """Kept sources, then ``scale * destinations + weights @ rest``, weights ``(batch, destinations, count)``."""
    batch, tokens, channels = values.shape
    if tokens != matching.tokens:
        raise InputError(
            Problem(f"{tokens} tokens", f"the {matching.tokens} that were matched", "match these tokens first")
        )
    flat = values.reshape(batch * tokens, channels)
    first = torch.arange(batch, device=values.device)[:, None] * tokens
    odd = torch.arange(1, tokens, 2, device=values.device).expand(batch, -1)
    order = torch.cat([2 * matching.kept, odd], dim=1)
    kept = matching.kept.shape[1]
    # A fresh tensor in the order of the result, changed in place: joining pieces would copy every token once more.
    out = flat.index_select(0, (first + order).flatten()).view(batch, -1, channels)
    moved = flat.index_select(0, (first + 2 * matching.merged).flatten()).view(batch, -1, channels)
    destinations = out[:, kept:]
    if scale is not None:
        destinations.mul_(scale)
    destinations.baddbmm_(weights, moved)
    return _join(out[:, :kept], out[:, kept:], matching) if matching.distill_token else out


def _assignment(matching: Matching, weights: Tensor, destinations: int) -> Tensor:
    """``(batch, destinations, count)`` with each merged token's weight in the row of its target."""
    batch, count = matching.target.shape
    matrix = weights.new_zeros(batch, destinations, count)
    return matrix.scatter_(1, matching.target[:, None, :], weights[:, None, :])


def _rows(values: Tensor, places: Tensor) -> Tensor:
    return values.gather(1, _expand(places, values.shape[2]))


def _expand(places: Tensor, channels: int) -> Tensor:
    return places[:, :, None].expand(-1, -1, channels)


def _join(kept: Tensor, destinations: Tensor, matching: Matching) -> Tensor:
    if matching.distill_token:
        return torch.cat([kept[:, :1], destinations[:, :1], kept[:, 1:], destinations[:, 1:]], dim=1)
    return torch.cat([kept, destinations], dim=1)


def _split(values: Tensor, matching: Matching, *, distill_token: bool) -> tuple[Tensor, Tensor]:
    kept = matching.kept.shape[1]
    if distill_token:
        return (
            torch.cat([values[:, :1], values[:, 2 : kept + 1]], dim=1),
            torch.cat([values[:, 1:2], values[:, kept + 1 :]], dim=1),
        )
    return values[:, :kept], values[:, kept:]
