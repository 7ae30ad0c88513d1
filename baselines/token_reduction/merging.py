"""Bipartite soft matching (ToMe): merge the most similar tokens, by a metric that need not be the tokens themselves.

    tokens     0 1 2 3 4 5 6      even positions are A (sources), odd ones B (destinations); 0 is the class token
    match      2 -> 5, 4 -> 3     each A token's most similar B token, best ``count`` pairs
    merged     0 6 | 1 3' 5'      surviving A in order, then all of B; 3' and 5' are size-weighted means

The order of the merged tokens is part of what released weights expect. Sizes travel with the tokens, so that a later merge
weighs right and attention can count how many patches a token stands for.

Source: Bolya et al., Token Merging, ICLR 2023, section 3, and AuroraCap's use of it; no code shared. Sums are written as
a product with a 0/1 matrix instead of a scatter: same result, deterministic on every device.
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
    _check(values, matching)
    sources, destinations = values[:, ::2], values[:, 1::2]
    moved = _rows(sources, matching.merged)
    destinations = destinations + _assignment(matching, destinations) @ moved
    return _join(_rows(sources, matching.kept), destinations, matching)


def merge_weighted(values: Tensor, sizes: Tensor | None, matching: Matching | None) -> tuple[Tensor, Tensor]:
    """Merge by the size-weighted mean and add up the sizes.

    Args:
        values: ``(batch, tokens, channels)``.
        sizes: ``(batch, tokens, 1)``, how many original tokens each stands for; None means one each.
        matching: From :func:`match_tokens`; None leaves the tokens unchanged.

    Returns:
        Tokens ``(batch, tokens - count, channels)`` and their sizes ``(batch, tokens - count, 1)``.
    """
    if sizes is None:
        sizes = torch.ones_like(values[..., :1])
    if matching is None:
        return values, sizes
    _check(values, matching)
    sources, destinations = values[:, ::2], values[:, 1::2]
    source_sizes, target_sizes = sizes[:, ::2], sizes[:, 1::2]
    moved_sizes = _rows(source_sizes, matching.merged)
    assignment = _assignment(matching, destinations)
    total = target_sizes + assignment @ moved_sizes
    mean = destinations * target_sizes + assignment @ (_rows(sources, matching.merged) * moved_sizes)
    return (
        _join(_rows(sources, matching.kept), mean / total, matching),
        _join(_rows(source_sizes, matching.kept), total, matching),
    )


def unmerge(values: Tensor, matching: Matching) -> Tensor:
    """Give every original token the value of the token it is now part of.

    Args:
        values: ``(batch, tokens - count, channels)`` as :func:`merge_sum` orders them.
        matching: The matching they were merged with.

    Returns:
        ``(batch, tokens, channels)``.
    """
    kept, destinations = _split(values, matching)
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


def _rows(values: Tensor, places: Tensor) -> Tensor:
    return values.gather(1, _expand(places, values.shape[2]))


def _expand(places: Tensor, channels: int) -> Tensor:
    return places[:, :, None].expand(-1, -1, channels)


def _assignment(matching: Matching, destinations: Tensor) -> Tensor:
    places = torch.arange(destinations.shape[1], device=destinations.device)
    return (places[None, :, None] == matching.target[:, None, :]).to(destinations.dtype)  # (batch, destinations, count)


def _join(kept: Tensor, destinations: Tensor, matching: Matching) -> Tensor:
    if matching.distill_token:
        return torch.cat([kept[:, :1], destinations[:, :1], kept[:, 1:], destinations[:, 1:]], dim=1)
    return torch.cat([kept, destinations], dim=1)


def _split(values: Tensor, matching: Matching) -> tuple[Tensor, Tensor]:
    kept = matching.kept.shape[1]
    if matching.distill_token:
        return (
            torch.cat([values[:, :1], values[:, 2 : kept + 1]], dim=1),
            torch.cat([values[:, 1:2], values[:, kept + 1 :]], dim=1),
        )
    return values[:, :kept], values[:, kept:]


def _check(values: Tensor, matching: Matching) -> None:
    if values.shape[1] != matching.tokens:
        raise InputError(
            Problem(f"{values.shape[1]} tokens", f"the {matching.tokens} that were matched", "match these tokens first")
        )
