"""Numbers read off a picture: sharpness, brightness, and a hash that survives scaling and compression."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, cast

import numpy as np
from numpy.typing import NDArray

HASH_SIDE: Final = 32
"""Pictures are shrunk to this side before hashing, pixels."""

_LOW: Final = 8


def sharpness(gray: NDArray[np.uint8]) -> float:
    """Variance of the Laplacian of a picture: the blurrier, the smaller; 0.0 for pictures under 3 pixels.

    Only comparable between pictures of one video at one size.

    Args:
        gray: ``(height, width)`` luma.
    """
    if min(gray.shape) < 3:
        return 0.0
    luma = gray.astype(np.float32)
    centre = luma[1:-1, 1:-1]
    laplacian = luma[:-2, 1:-1] + luma[2:, 1:-1] + luma[1:-1, :-2] + luma[1:-1, 2:] - 4.0 * centre
    return float(laplacian.var())


def block_means(gray: NDArray[np.uint8], side: int) -> NDArray[np.float32]:
    """A picture as ``(side, side)`` means of its blocks, whatever its proportions.

    Args:
        gray: ``(height, width)`` luma, at least one pixel.
        side: Blocks per side.
    """
    rows, columns = (_edges(length, side) for length in gray.shape)
    table = np.zeros((gray.shape[0] + 1, gray.shape[1] + 1), dtype=np.float64)
    table[1:, 1:] = gray.astype(np.float64).cumsum(0).cumsum(1)
    low_r, high_r, low_c, high_c = rows[:, 0], rows[:, 1], columns[:, 0], columns[:, 1]
    sums = table[np.ix_(high_r, high_c)] - table[np.ix_(low_r, high_c)]
    sums -= table[np.ix_(high_r, low_c)] - table[np.ix_(low_r, low_c)]
    areas = np.outer(high_r - low_r, high_c - low_c)
    return (sums / areas).astype(np.float32)


def perceptual_hash(gray: NDArray[np.uint8]) -> int:
    """64 bits of a picture: which of its 64 lowest frequencies lie above their median.

    Scaling, compression and brightness change few bits; another picture changes about half.

    Args:
        gray: ``(height, width)`` luma.

    Source:
        The discrete-cosine form of perceptual hashing, as in the pHash library; the median leaves out the mean of the
        picture, so that brightness alone does not decide.
    """
    from scipy.fft import dctn

    small = block_means(gray, HASH_SIDE)
    low = cast("NDArray[np.float64]", dctn(small - small.mean(), norm="ortho"))[:_LOW, :_LOW].ravel()
    # coefficients of a nearly flat picture are noise, and noise must not look like content
    low = np.where(np.abs(low) < 1e-3, 0.0, low)
    bits = low > np.median(low[1:])
    return int(sum(1 << place for place, bit in enumerate(bits) if bit))


def hash_distances(hashes: NDArray[np.uint64], other: Sequence[int]) -> NDArray[np.float64]:
    """Mean number of differing bits between one list of hashes and many.

    Args:
        hashes: ``(videos, frames)`` of the many.
        other: ``(frames,)`` of the one.

    Returns:
        ``(videos,)`` from 0 to 64.
    """
    difference: Any = np.bitwise_count(hashes ^ np.asarray(other, dtype=np.uint64))
    return cast("NDArray[np.float64]", difference.mean(axis=1))


def _edges(length: int, parts: int) -> NDArray[np.int64]:
    """``(parts, 2)``: first and last-but-one index of each part; parts of a short side share pixels."""
    starts = np.arange(parts) * length // parts
    ends = np.maximum(starts + 1, (np.arange(1, parts + 1) * length) // parts)
    return np.stack([starts, ends], axis=1).astype(np.int64)
