"""k-means over the tokens of one span."""

from __future__ import annotations

import torch
from torch import Tensor

from baselines.llavolta.compressors.reduction import Clusters

ITERATIONS = 10
"""Rounds of assigning and averaging; fewer where nothing changes any more. The paper does not say how many it ran."""


@torch.no_grad()
def cluster(span: Tensor, count: int) -> Clusters:
    """Cluster tokens by the distance of their states.

    Centres start at evenly spaced tokens, so the same span always gives the same clusters. A cluster that loses all
    members takes the token farthest from its own centre, so that as many tokens remain as with average pooling.
    Gradients flow through the means, not through the choice of members.

    Args:
        span: ``(tokens, dim)``.
        count: Clusters, 1 to ``tokens``.
    """
    tokens = span.float()
    first = torch.arange(count, device=span.device) * len(span) // count
    centres = tokens[first]
    members = _nearest(tokens, centres)
    for _ in range(ITERATIONS):
        shares = torch.nn.functional.one_hot(members, count).T.to(tokens.dtype)
        centres = (shares @ tokens) / shares.sum(dim=1, keepdim=True)
        moved = _nearest(tokens, centres)
        if torch.equal(moved, members):
            break
        members = moved
    return Clusters(_in_order(members, count), count)


def _nearest(tokens: Tensor, centres: Tensor) -> Tensor:
    """``(tokens,)`` the nearest centre of each token, with no centre left alone."""
    distances = torch.cdist(tokens, centres, compute_mode="donot_use_mm_for_euclid_dist")
    nearest, members = distances.min(dim=1)
    sizes = torch.bincount(members, minlength=len(centres))
    for empty in (sizes == 0).nonzero().flatten().tolist():
        movable = sizes[members] > 1
        token = int(nearest.masked_fill(~movable, -1.0).argmax())
        sizes[members[token]] -= 1
        sizes[empty] += 1
        members[token], nearest[token] = empty, 0.0
    return members


def _in_order(members: Tensor, count: int) -> Tensor:
    """The same clusters, numbered by the mean place of their members; ties by the first member."""
    places = torch.arange(len(members), device=members.device)
    chosen = torch.nn.functional.one_hot(members, count).bool()
    mean = (chosen * places[:, None]).sum(dim=0).double() / chosen.sum(dim=0)
    start = chosen.int().argmax(dim=0)
    order = start.argsort()
    order = order[mean[order].argsort(stable=True)]
    number = torch.empty_like(order)
    number[order] = torch.arange(count, device=members.device)
    return number[members]
