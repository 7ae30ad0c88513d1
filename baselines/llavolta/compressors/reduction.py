"""What a compressor decides about one span of visual tokens, ready to be applied to states and positions.

A decision is made once, from the states of the span, and then applied to the states and to their position ids alike:

    Neighbours   the means of neighbours                                  average pooling
    Weighted     the same groups, some neighbours counting more           learned pooling
    Kept         some tokens as they are, the others gone                 random drop, attention
    Clusters     the means of tokens that are alike, wherever they lie    k-means

Every decision leaves the tokens in the order of their positions, because the decoder's mask is causal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from baselines.llavolta.setting import PositionRounding


class Reduction(Protocol):
    """A decision about one span."""

    def states(self, span: Tensor) -> Tensor:
        """``(tokens, dim)`` to ``(kept, dim)``; gradients reach the tokens that are used."""
        ...

    def positions(self, span: Tensor, rounding: PositionRounding) -> Tensor:
        """``(tokens,)`` whole numbers to ``(kept,)``; the rounding is for positions that are means."""
        ...


@dataclass(frozen=True, slots=True)
class Neighbours:
    """Means of neighbours; what does not fill a group at the end is dropped.

    Args:
        stride: Neighbours per group.
    """

    stride: int

    def states(self, span: Tensor) -> Tensor:
        """See :class:`Reduction`."""
        return grouped(span, self.stride).mean(dim=1)

    def positions(self, span: Tensor, rounding: PositionRounding) -> Tensor:
        """Means of the positions; see :class:`Reduction`."""
        groups = grouped(span, self.stride)
        if rounding == "float16":
            # The sum is exact in float32 for any stride in use; only its ends are rounded.
            return groups.half().float().mean(dim=1).half().long()
        return groups.sum(dim=1) // self.stride


@dataclass(frozen=True, slots=True)
class Weighted:
    """Weighted means of neighbours; a pooled token lies where the plain mean would.

    Args:
        weights: ``(groups, stride)``, each row adding up to 1.
    """

    weights: Tensor

    def states(self, span: Tensor) -> Tensor:
        """See :class:`Reduction`; gradients reach the weights as well."""
        groups = grouped(span, self.weights.shape[1])
        return (groups * self.weights[..., None].to(span.dtype)).sum(dim=1)

    def positions(self, span: Tensor, rounding: PositionRounding) -> Tensor:
        """As :class:`Neighbours`."""
        return Neighbours(self.weights.shape[1]).positions(span, rounding)


@dataclass(frozen=True, slots=True)
class Kept:
    """Some tokens, unchanged, at the positions they had.

    Args:
        indices: ``(kept,)`` places in the span, rising.
    """

    indices: Tensor

    def states(self, span: Tensor) -> Tensor:
        """See :class:`Reduction`."""
        return span[self.indices]

    def positions(self, span: Tensor, rounding: PositionRounding) -> Tensor:  # noqa: ARG002  (nothing is averaged)
        """See :class:`Reduction`."""
        return span[self.indices.to(span.device)]  # a model on several devices has positions on another


@dataclass(frozen=True, slots=True)
class Clusters:
    """Means of clusters, in the order of their mean positions.

    Args:
        members: ``(tokens,)`` number of each token's cluster; every cluster has a member.
        count: Clusters.
    """

    members: Tensor
    count: int

    def states(self, span: Tensor) -> Tensor:
        """See :class:`Reduction`."""
        # A product with a matrix of shares and not a scatter: the same numbers in every run, on a GPU too.
        chosen = torch.nn.functional.one_hot(self.members, self.count).T.to(torch.float32)
        shares = chosen / chosen.sum(dim=1, keepdim=True)
        return (shares @ span.float()).to(span.dtype)

    def positions(self, span: Tensor, rounding: PositionRounding) -> Tensor:  # noqa: ARG002  (published for none)
        """Floor of the mean position of each cluster's members."""
        members = self.members.to(span.device)
        sums = span.new_zeros(self.count).index_add(0, members, span)
        sizes = torch.bincount(members, minlength=self.count)
        return sums // sizes


def grouped(span: Tensor, stride: int) -> Tensor:
    """``(tokens, ...)`` to ``(tokens // stride, stride, ...)``, without the remainder."""
    count = len(span) // stride
    return span[: count * stride].unflatten(0, (count, stride))
