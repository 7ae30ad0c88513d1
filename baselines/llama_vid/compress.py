"""LLaMA-VID's idea: a frame becomes one token for what the question asks and a few for what the picture shows.

    queries  (32, 768)   what the question makes the query transformer look for
    patches  (256, 1408) of one frame
    context  = mean over queries of softmax(queries Wq (patches Wk)^T / sqrt(1408)) patches, then Wv   -> (1, 4096)
    content  = projector(pool(patches)): mean -> (1, 4096); grid:n -> (n * n, 4096); none -> (256, 4096)

Functions over tensors; no part of the model is needed to call them.

Source: LLaMA-VID (arXiv 2311.17043), section 3.2; repository dvlab-research/LLaMA-VID at b3d3ae2b.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from torch import Tensor, nn

from vdc.errors import InputError, Problem


@dataclass(frozen=True, slots=True)
class Compression:
    """What becomes of the patches of a frame.

    Args:
        kind: ``none`` keeps them, ``mean`` averages all, ``grid`` averages squares of them.
        side: Cells along one side of the grid; 0 otherwise.
    """

    kind: Literal["none", "mean", "grid"]
    side: int = 0

    def content_tokens(self, grid_side: int) -> int:
        """Content tokens of a frame of ``grid_side`` times ``grid_side`` patches."""
        if self.kind == "none":
            return grid_side * grid_side
        if self.kind == "mean":
            return 1
        stride = grid_side // self.side
        return ((grid_side - stride) // stride + 1) ** 2

    def tokens_per_frame(self, grid_side: int) -> int:
        """Visual tokens of a frame: its content tokens and the context token."""
        return 1 + self.content_tokens(grid_side)


def parse_compression(name: str | None) -> Compression:
    """What a ``compress_type`` of a configuration means, names of released configurations included.

    Args:
        name: ``mean``, ``grid:n``, ``none`` or nothing. Released configurations also say ``mean_concat``.

    Raises:
        InputError: Another name, or a grid of one cell or none.
    """
    if name is None or name.lower() == "none" or not name:
        return Compression("none")
    if "grid" in name:
        found = re.search(r"grid:(\d+)$", name)
        if not found or int(found[1]) < 2:
            raise InputError(Problem(f"compress_type {name!r}", "grid:2 or more", "use mean for a single token"))
        return Compression("grid", int(found[1]))
    if "mean" in name:
        return Compression("mean")
    raise InputError(Problem(f"compress_type {name!r}", "none, mean or grid:n", "correct config.json"))


def check_grid(compression: Compression, grid_side: int, *, uneven: bool = False) -> None:
    """Whether the patches of a frame can be pooled so.

    Args:
        compression: What is wanted.
        grid_side: Patches along one side of a frame.
        uneven: Allow a grid that does not divide the side.

    Raises:
        InputError: More cells than patches; or a side that the cells do not divide, which the published code pools
            into another number of tokens (6 patches, grid:4 -> 36) or without the last row (5 patches, grid:2).
    """
    if compression.kind != "grid":
        return
    if compression.side > grid_side or (grid_side % compression.side and not uneven):
        whole = [str(side) for side in range(2, grid_side + 1) if grid_side % side == 0]
        raise InputError(
            Problem(
                f"grid:{compression.side} on {grid_side} x {grid_side} patches",
                f"a grid that divides them: {', '.join(whole) or 'none does'}",
                "choose one of those, or mean",
            )
        )


def pool_patches(patches: Tensor, compression: Compression) -> Tensor:
    """Pool the patches of frames.

    Args:
        patches: ``(frames, side * side, dim)``, row-major, no class token.
        compression: How.

    Returns:
        ``(frames, content tokens, dim)``.

    Raises:
        InputError: A grid over patches that form no square, or with more cells than there are patches.
    """
    if compression.kind == "none":
        return patches
    if compression.kind == "mean":
        return patches.mean(dim=1, keepdim=True)
    frames, count, dim = patches.shape
    side = int(count**0.5)
    if side * side != count:
        raise InputError(Problem(f"{count} patches", "a square number", "use mean, or square pictures"))
    check_grid(compression, side, uneven=True)
    stride = side // compression.side
    square = patches.transpose(1, 2).reshape(frames, dim, side, side)
    pooled: Tensor = nn.functional.avg_pool2d(square, kernel_size=stride, stride=stride)
    return pooled.flatten(2).transpose(1, 2)


def attend_context(queries: Tensor, keys: Tensor, patches: Tensor) -> Tensor:
    """What each question sees in its frame.

    Averaging the attention over the queries before it meets the patches gives the same sum with 32 times less work.

    Args:
        queries: ``(rows, queries, dim)``, projected.
        keys: ``(rows, patches, dim)``, projected patches.
        patches: ``(rows, patches, dim)``, as the tower made them.

    Returns:
        ``(rows, dim)``.
    """
    scores = queries @ keys.transpose(1, 2) / keys.shape[-1] ** 0.5  # (rows, queries, patches)
    weights = scores.softmax(dim=-1).mean(dim=1, keepdim=True)  # (rows, 1, patches)
    return (weights.to(patches.dtype) @ patches)[:, 0]
