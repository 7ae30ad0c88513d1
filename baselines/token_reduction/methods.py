"""The reductions behind the one interface. Each is a thin setting around the functions beside this file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from baselines.token_reduction.frames import drop_frames, image_grid, thumbnail_and_sampling
from baselines.token_reduction.interface import EncoderShape, FrameEncoder, TokenBudget, TokenReduction
from baselines.token_reduction.pooling import pool_grid, pool_space_time
from baselines.token_reduction.schedule import check_ratio, merges_per_layer, tokens_per_layer
from vdc.errors import InputError, unknown_name


def _plain(pictures: int, shape: EncoderShape, visual_tokens: int) -> TokenBudget:
    return TokenBudget(pictures, (shape.patches + 1,) * shape.feature_layer, visual_tokens)


@dataclass(frozen=True, slots=True)
class NoReduction:
    """Every patch of every frame."""

    name: str = "none"

    def budget(self, frames: int, shape: EncoderShape) -> TokenBudget:
        """See :class:`TokenReduction`."""
        return _plain(frames, shape, frames * shape.patches)

    def reduce(self, pixels: Tensor, encode: FrameEncoder, grid: tuple[int, int]) -> Tensor:
        """See :class:`TokenReduction`."""
        del grid
        return encode(pixels).flatten(0, 1)


@dataclass(frozen=True, slots=True)
class TokenMerging:
    """AuroraCap's merging inside the encoder.

    Args:
        token_kept_ratio: Fraction to keep, 0 to 1.

    Raises:
        InputError: The ratio is not in [0, 1].
    """

    token_kept_ratio: float

    def __post_init__(self) -> None:
        check_ratio(self.token_kept_ratio)

    @property
    def name(self) -> str:
        """Short name with its setting."""
        return f"merging {self.token_kept_ratio:g}"

    def budget(self, frames: int, shape: EncoderShape) -> TokenBudget:
        """See :class:`TokenReduction`."""
        count = merges_per_layer(
            shape.image_size, shape.image_size, shape.patch_size, shape.layers, self.token_kept_ratio
        )
        lengths = tokens_per_layer(shape.patches + 1, count, shape.feature_layer)
        return TokenBudget(frames, lengths[:-1], frames * (lengths[-1] - 1))

    def reduce(self, pixels: Tensor, encode: FrameEncoder, grid: tuple[int, int]) -> Tensor:
        """See :class:`TokenReduction`."""
        del grid
        return encode(pixels, self.token_kept_ratio).flatten(0, 1)


@dataclass(frozen=True, slots=True)
class GridPooling:
    """Average pooling of each frame's patch grid.

    Args:
        rows: Rows left.
        columns: Columns left.
    """

    rows: int
    columns: int

    @property
    def name(self) -> str:
        """Short name with its setting."""
        return f"pooling {self.rows}x{self.columns}"

    def budget(self, frames: int, shape: EncoderShape) -> TokenBudget:
        """See :class:`TokenReduction`."""
        return _plain(frames, shape, frames * self.rows * self.columns)

    def reduce(self, pixels: Tensor, encode: FrameEncoder, grid: tuple[int, int]) -> Tensor:
        """See :class:`TokenReduction`."""
        return pool_grid(encode(pixels), grid, (self.rows, self.columns)).flatten(0, 1)


@dataclass(frozen=True, slots=True)
class FrameDrop:
    """Fewer frames, spread evenly.

    Args:
        keep: Frames kept; a shorter video keeps all it has.
    """

    keep: int

    @property
    def name(self) -> str:
        """Short name with its setting."""
        return f"frames {self.keep}"

    def budget(self, frames: int, shape: EncoderShape) -> TokenBudget:
        """See :class:`TokenReduction`."""
        kept = min(self.keep, frames)
        return _plain(kept, shape, kept * shape.patches)

    def reduce(self, pixels: Tensor, encode: FrameEncoder, grid: tuple[int, int]) -> Tensor:
        """See :class:`TokenReduction`."""
        del grid
        return encode(drop_frames(pixels, min(self.keep, len(pixels)))).flatten(0, 1)


@dataclass(frozen=True, slots=True)
class ImageGrid:
    """One collage instead of a video (IG-VLM).

    Args:
        rows: Grid rows.
        columns: Grid columns.
    """

    rows: int = 3
    columns: int = 2

    @property
    def name(self) -> str:
        """Short name with its setting."""
        return f"image grid {self.rows}x{self.columns}"

    def budget(self, frames: int, shape: EncoderShape) -> TokenBudget:
        """See :class:`TokenReduction`."""
        del frames
        return _plain(1, shape, shape.patches)

    def reduce(self, pixels: Tensor, encode: FrameEncoder, grid: tuple[int, int]) -> Tensor:
        """See :class:`TokenReduction`."""
        del grid
        return encode(image_grid(pixels, self.rows, self.columns)).flatten(0, 1)


@dataclass(frozen=True, slots=True)
class SpaceTimePooling:
    """Adaptive pooling over frames and patches together (PLLaVA).

    Args:
        frames: Frames left; a shorter video keeps all it has.
        rows: Rows left.
        columns: Columns left.
    """

    frames: int = 16
    rows: int = 12
    columns: int = 12

    @property
    def name(self) -> str:
        """Short name with its setting."""
        return f"space-time pooling {self.frames}x{self.rows}x{self.columns}"

    def budget(self, frames: int, shape: EncoderShape) -> TokenBudget:
        """See :class:`TokenReduction`."""
        return _plain(frames, shape, min(self.frames, frames) * self.rows * self.columns)

    def reduce(self, pixels: Tensor, encode: FrameEncoder, grid: tuple[int, int]) -> Tensor:
        """See :class:`TokenReduction`."""
        output = (min(self.frames, len(pixels)), self.rows, self.columns)
        return pool_space_time(encode(pixels), grid, output).flatten(0, 1)


@dataclass(frozen=True, slots=True)
class ThumbnailAndSampling:
    """A collage in full and tokens sampled from every frame (TS-LLaVA).

    Args:
        sampled: Tokens taken from the frames; a shorter video gives all it has.
        rows: Grid rows of the collage.
        columns: Grid columns of the collage.
    """

    sampled: int = 2880
    rows: int = 3
    columns: int = 2

    @property
    def name(self) -> str:
        """Short name with its setting."""
        return f"thumbnail {self.rows}x{self.columns} + {self.sampled}"

    def budget(self, frames: int, shape: EncoderShape) -> TokenBudget:
        """See :class:`TokenReduction`."""
        return _plain(frames + 1, shape, shape.patches + min(self.sampled, frames * shape.patches))

    def reduce(self, pixels: Tensor, encode: FrameEncoder, grid: tuple[int, int]) -> Tensor:
        """See :class:`TokenReduction`."""
        del grid
        frame_tokens = encode(pixels)
        thumbnail = encode(image_grid(pixels, self.rows, self.columns))
        available = frame_tokens.shape[0] * frame_tokens.shape[1]
        return thumbnail_and_sampling(thumbnail, frame_tokens, min(self.sampled, available))


METHODS: dict[str, Callable[..., TokenReduction]] = {
    "none": NoReduction,
    "merging": TokenMerging,
    "pooling": GridPooling,
    "frames": FrameDrop,
    "image_grid": ImageGrid,
    "space_time_pooling": SpaceTimePooling,
    "thumbnail_and_sampling": ThumbnailAndSampling,
}
"""Name -> constructor with that reduction's settings."""


def make_reduction(name: str, **settings: float) -> TokenReduction:
    """A reduction by name.

    Args:
        name: One of ``METHODS``.
        settings: Its settings, for example ``token_kept_ratio=0.2``.

    Raises:
        InputError: Unknown name.
    """
    if name not in METHODS:
        raise InputError(unknown_name("token reduction", name, METHODS))
    return METHODS[name](**settings)
