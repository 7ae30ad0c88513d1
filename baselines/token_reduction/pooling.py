"""Averaging neighbours: in the row of tokens, on the patch grid, or over time and grid together."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from vdc.errors import InputError, Problem


def pool_sequence(tokens: Tensor, stride: int) -> Tensor:
    """Mean of each ``stride`` neighbours in raster order; a remainder at the end is left out.

    Args:
        tokens: ``(..., tokens, channels)``.
        stride: Neighbours per mean; 1 changes nothing.

    Returns:
        ``(..., tokens // stride, channels)``.

    Raises:
        InputError: The stride is below 1 or above the number of tokens.
    """
    length = tokens.shape[-2]
    if not 1 <= stride <= length:
        raise InputError(Problem(f"stride {stride}", f"1 to {length}, the number of tokens", "choose a smaller stride"))
    groups = length // stride
    return tokens[..., : groups * stride, :].unflatten(-2, (groups, stride)).mean(dim=-2)


def pool_grid(tokens: Tensor, grid: tuple[int, int], output: tuple[int, int]) -> Tensor:
    """Adaptive average pooling on the patch grid.

    Args:
        tokens: ``(frames, rows * columns, channels)``, row-major.
        grid: Rows and columns there are.
        output: Rows and columns wanted.

    Returns:
        ``(frames, output rows * output columns, channels)``.

    Raises:
        InputError: The tokens are not that grid, or the output is larger than it.
    """
    planes = _planes(tokens, grid)
    _check_output(output, grid)
    return functional.adaptive_avg_pool2d(planes, output).flatten(2).transpose(1, 2)


def pool_space_time(tokens: Tensor, grid: tuple[int, int], output: tuple[int, int, int]) -> Tensor:
    """Adaptive average pooling over frames, rows and columns together.

    Args:
        tokens: ``(frames, rows * columns, channels)``.
        grid: Rows and columns there are.
        output: Frames, rows and columns wanted; each at most what there is.

    Returns:
        ``(output frames, output rows * output columns, channels)``.

    Raises:
        InputError: As :func:`pool_grid`.

    Source: PLLaVA (arXiv 2404.16994) section 3.2, whose setting is 16 x 12 x 12.
    """
    planes = _planes(tokens, grid)  # (frames, channels, rows, columns)
    _check_output(output, (len(tokens), *grid))
    volume = planes.transpose(0, 1)[None]  # (1, channels, frames, rows, columns)
    return functional.adaptive_avg_pool3d(volume, output)[0].flatten(2).permute(1, 2, 0)


def _planes(tokens: Tensor, grid: tuple[int, int]) -> Tensor:
    rows, columns = grid
    if tokens.ndim != 3 or tokens.shape[1] != rows * columns:
        raise InputError(
            Problem(
                f"tokens of shape {tuple(tokens.shape)}",
                f"(frames, {rows * columns}, channels) for a grid of {rows} x {columns}",
                "drop the class token, or give the grid the tokens come from",
            )
        )
    return tokens.transpose(1, 2).unflatten(2, (rows, columns))


def _check_output(output: tuple[int, ...], there: tuple[int, ...]) -> None:
    if any(not 1 <= wanted <= has for wanted, has in zip(output, there, strict=True)):
        raise InputError(
            Problem(f"pooling {there} to {output}", "1 to what there is along each side", "ask for a smaller output")
        )


def evenly(total: int, wanted: int) -> Tensor:
    """``wanted`` whole numbers spread over ``0 .. total - 1``, first and last included; rising, ``int64``.

    Raises:
        InputError: More wanted than there are, or none.
    """
    if not 1 <= wanted <= total:
        raise InputError(Problem(f"{wanted} of {total}", f"1 to {total}", "ask for fewer"))
    # Integer arithmetic: a float linspace can land a hair below a whole number and repeat an index.
    steps = torch.arange(wanted)
    return (2 * steps * (total - 1) + (wanted - 1)) // (2 * max(wanted - 1, 1))
