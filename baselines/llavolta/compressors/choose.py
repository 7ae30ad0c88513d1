"""From the name of a compressor to its decision about a span."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from baselines.llavolta.compressors.kmeans import cluster
from baselines.llavolta.compressors.learned import LearnedPooling
from baselines.llavolta.compressors.reduction import Kept, Neighbours, Reduction
from baselines.llavolta.compressors.selection import drop_at_random, keep_attended
from baselines.llavolta.setting import Grouping
from vdc.errors import InputError, Problem


@dataclass(frozen=True, slots=True)
class Compressor:
    """One compressor with what it needs beside the states.

    Args:
        grouping: Which.
        stride: Tokens per token that is kept.
        seed: For random dropping; see :func:`baselines.llavolta.compressors.selection.drop_at_random`.
        learned: The model's pooling with parameters; None where it has none.
    """

    grouping: Grouping
    stride: int
    seed: int | None = 0
    learned: LearnedPooling | None = None

    def reduce(self, span: Tensor, received: Tensor | None = None) -> Reduction:
        """Decide about one span.

        Args:
            span: ``(tokens, dim)`` states.
            received: ``(tokens,)`` attention that each token receives; for the compressor by attention alone.

        Raises:
            InputError: Pooling with parameters in a model without them.
        """
        kept = len(span) // self.stride
        if kept == 0:
            return Kept(span.new_zeros(0).long())
        if self.grouping == "random":
            return drop_at_random(len(span), kept, seed=self.seed, device=span.device)
        if self.grouping == "kmeans":
            return cluster(span, kept)
        if self.grouping == "attention":
            assert received is not None  # noqa: S101  (the decoder computes it wherever this name is set)
            return keep_attended(received, kept)
        if self.grouping == "learned1d":
            return self._weights(span)
        return Neighbours(self.stride)

    def features(self, features: Tensor) -> Tensor:
        """Compress the projector's output, each picture for itself.

        Args:
            features: ``(pictures, tokens, dim)``.

        Returns:
            ``(pictures, tokens // stride, dim)``.
        """
        return torch.stack([self.reduce(picture).states(picture) for picture in features])

    def _weights(self, span: Tensor) -> Reduction:
        if self.learned is None:
            raise InputError(
                Problem(
                    "learned1d in a model without its parameters",
                    "learned_pooling=True in the model's configuration",
                    "load the model with learned_pooling=True, or choose another grouping",
                )
            )
        weighted: Reduction = self.learned(span, self.stride)
        return weighted
