"""Where and how visual tokens are compressed: one small value that a call, a stage or a configuration names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from vdc.errors import InputError, Problem, unknown_name

Grouping = Literal["none", "avgpool1d", "random", "kmeans", "attention", "learned1d"]
"""Which compressor. ``avgpool1d`` is LLaVolta; the published code has no other.

``random`` keeps random tokens, ``attention`` those that the end of the prompt attends to in the layer before, as they
are; ``kmeans`` takes the means of clusters; ``learned1d`` takes means of neighbours with learned weights.
"""
GROUPINGS: tuple[Grouping, ...] = get_args(Grouping)

PositionRounding = Literal["floor", "float16"]

BEFORE_DECODER = -1
"""Layer that stands for pooling the projector's output, before text and pictures are joined."""


@dataclass(frozen=True, slots=True)
class Compression:
    """What happens to visual tokens.

    Args:
        layer: 0-based decoder layer whose input is compressed; ``BEFORE_DECODER`` compresses before the decoder. At or
            above the number of layers nothing is.
        stride: Tokens per token that is kept; 1 changes nothing. Every compressor keeps ``tokens // stride``.
        grouping: Which compressor; ``none`` compresses nothing, whatever the other two say.

    Raises:
        InputError: An unknown grouping, a layer below ``BEFORE_DECODER``, ``attention`` where no layer comes before, or
            a stride below 1; everything at once.
    """

    layer: int = 0
    stride: int = 1
    grouping: Grouping = "avgpool1d"

    def __post_init__(self) -> None:
        problems = []
        if self.grouping not in GROUPINGS:
            problems.append(unknown_name("grouping", self.grouping, GROUPINGS))
        if self.layer < BEFORE_DECODER:
            problems.append(
                Problem(f"compression layer {self.layer}", "-1 or a decoder layer, counted from 0", "correct the layer")
            )
        elif self.grouping == "attention" and self.layer < 1:
            problems.append(
                Problem(
                    f"attention at layer {self.layer}",
                    "layer 1 or above: tokens are ranked by the attention of the layer before",
                    "choose a deeper layer, or another grouping",
                )
            )
        if self.stride < 1:
            problems.append(Problem(f"stride {self.stride}", "1 or more", "1 compresses nothing, 8 is strong"))
        if problems:
            raise InputError(problems)

    @property
    def pools(self) -> bool:
        """Whether any token is merged where the layer is reached."""
        return self.grouping != "none" and self.stride > 1

    @property
    def before_decoder(self) -> bool:
        """Whether the projector's output is pooled."""
        return self.pools and self.layer == BEFORE_DECODER

    def inside_decoder(self, layers: int) -> bool:
        """Whether a decoder of ``layers`` layers meets the compressor."""
        return self.pools and 0 <= self.layer < layers


NO_COMPRESSION = Compression(grouping="none")
