"""What every token reduction answers: how many tokens, at what cost, and the tokens themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from torch import Tensor


@dataclass(frozen=True, slots=True)
class EncoderShape:
    """The parts of a vision tower that decide token counts.

    Args:
        image_size: Side of the square picture, pixels.
        patch_size: Side of a patch, pixels.
        layers: Encoder layers.
        feature_layer: Layers that run before the features are taken (31 of 32 for the second-to-last hidden state).
    """

    image_size: int
    patch_size: int
    layers: int
    feature_layer: int

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of patches."""
        side = self.image_size // self.patch_size
        return side, side

    @property
    def patches(self) -> int:
        """Patches of one picture."""
        return self.grid[0] * self.grid[1]


@dataclass(frozen=True, slots=True)
class TokenBudget:
    """Sequence lengths, from which FLOPs follow.

    Args:
        pictures: Pictures the encoder sees.
        encoder_tokens: Tokens of one picture (class token included) that enter each encoder layer that runs.
        visual_tokens: Tokens of the whole video that enter the language model.
        compressing_layer: Decoder layer whose input is compressed; None: none is.
        compressed_tokens: Visual tokens from that layer on.
        questioned: Pictures that a query transformer reads together with the question; each gives one of the visual
            tokens.
        ranked: Whether the layer before the compressing one ranks tokens by the attention they receive.
    """

    pictures: int
    encoder_tokens: tuple[int, ...]
    visual_tokens: int
    compressing_layer: int | None = None
    compressed_tokens: int | None = None
    questioned: int = 0
    ranked: bool = False

    def decoder_tokens(self, layers: int) -> tuple[int, ...]:
        """Visual tokens that enter each of ``layers`` decoder layers."""
        if self.compressing_layer is None or self.compressed_tokens is None:
            return (self.visual_tokens,) * layers
        full = min(self.compressing_layer, layers)
        return (self.visual_tokens,) * full + (self.compressed_tokens,) * (layers - full)


class FrameEncoder(Protocol):
    """A vision tower as reductions see it."""

    def __call__(self, pixels: Tensor, token_kept_ratio: float = 1.0) -> Tensor:
        """Features of pictures.

        Args:
            pixels: ``(pictures, 3, height, width)``, normalised.
            token_kept_ratio: Fraction of tokens to keep; a tower that cannot merge accepts 1.0 alone.

        Returns:
            ``(pictures, tokens, channels)`` without class token, row-major where nothing is merged.
        """
        ...


class TokenReduction(Protocol):
    """One way from the frames of a video to the tokens a language model reads."""

    @property
    def name(self) -> str:
        """Short name with its setting, for tables."""
        ...

    def budget(self, frames: int, shape: EncoderShape) -> TokenBudget:
        """Sequence lengths for a video of ``frames`` frames, without running anything."""
        ...

    def reduce(self, pixels: Tensor, encode: FrameEncoder, grid: tuple[int, int]) -> Tensor:
        """The visual tokens of one video.

        Args:
            pixels: ``(frames, 3, height, width)``.
            encode: The vision tower.
            grid: Rows and columns of patches of one picture.

        Returns:
            ``(tokens, channels)``, as many as ``budget`` says.
        """
        ...
