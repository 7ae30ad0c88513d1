"""Pooling with parameters: a mean of neighbours whose weights the model learns."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from baselines.llavolta.compressors.reduction import Weighted, grouped


class LearnedPooling(nn.Module):
    """Weights neighbours by a learned direction in the space of states.

    A group's weights are the softmax of ``state . direction`` over its members. The direction starts at zero, where all
    weights are equal and this is average pooling; one direction serves every stride, so the stages of a training share
    it. It is saved with the model as ``compressor.direction``.

    Args:
        dim: Width of the states.
    """

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.direction = nn.Parameter(torch.zeros(dim))

    def forward(self, span: Tensor, stride: int) -> Weighted:
        """The weights for one span.

        Args:
            span: ``(tokens, dim)``.
            stride: Neighbours per group.
        """
        scores = span.float() @ self.direction.float()
        return Weighted(grouped(scores, stride).softmax(dim=1))
