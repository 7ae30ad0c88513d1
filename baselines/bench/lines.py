"""A line of the table: one way from a video to what the decoder computes on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from baselines.llavolta.decoder import DecoderCompression
from baselines.token_reduction.interface import EncoderShape, FrameEncoder, TokenBudget, TokenReduction
from baselines.token_reduction.methods import TokenMerging


@dataclass(frozen=True, slots=True)
class Video:
    """One video, and the parts of the measured model that see it.

    Args:
        pixels: ``(frames, 3, height, width)``.
        encode: The vision tower.
        project: The projector, ``(..., channels)`` to ``(..., text dim)``.
        grid: Rows and columns of patches of one picture.
    """

    pixels: Tensor
    encode: FrameEncoder
    project: Callable[[Tensor], Tensor]
    grid: tuple[int, int]


class Line(Protocol):
    """One line of the table."""

    @property
    def model(self) -> str:
        """The paper it is from; empty for what every paper compares with."""
        ...

    @property
    def name(self) -> str:
        """Short name with its setting, once per table."""
        ...

    def budget(self, frames: int, shape: EncoderShape) -> TokenBudget:
        """Sequence lengths for a video of ``frames`` frames, without running anything."""
        ...

    def embed(self, video: Video) -> Tensor:
        """``(visual tokens, text dim)``, as many as ``budget`` says."""
        ...

    def compression(self, frames: int, patches: int, positions: int) -> DecoderCompression | None:
        """What the decoder does to its visual tokens, which come first; None: nothing.

        Args:
            frames: Frames of the video.
            patches: Patches of a frame.
            positions: Visual and text tokens.
        """
        ...


@dataclass(frozen=True, slots=True)
class ReductionLine:
    """A reduction of :mod:`baselines.token_reduction` before the projector.

    Args:
        reduction: The reduction.
    """

    reduction: TokenReduction

    @property
    def model(self) -> str:
        """See :class:`Line`."""
        return "AuroraCap" if isinstance(self.reduction, TokenMerging) else ""

    @property
    def name(self) -> str:
        """See :class:`Line`."""
        return self.reduction.name

    def budget(self, frames: int, shape: EncoderShape) -> TokenBudget:
        """See :class:`Line`."""
        return self.reduction.budget(frames, shape)

    def embed(self, video: Video) -> Tensor:
        """See :class:`Line`."""
        return video.project(self.reduction.reduce(video.pixels, video.encode, video.grid))

    def compression(self, frames: int, patches: int, positions: int) -> None:
        """Nothing; see :class:`Line`."""
        del frames, patches, positions
