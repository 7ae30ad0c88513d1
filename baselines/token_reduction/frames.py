"""Fewer pictures instead of fewer tokens per picture: dropping frames, one collage of many, and both."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from baselines.token_reduction.pooling import evenly
from vdc.errors import InputError, Problem


def drop_frames(frames: Tensor, keep: int) -> Tensor:
    """``keep`` frames spread evenly over the video, first and last included.

    Args:
        frames: ``(frames, ...)``: pixels or tokens.
        keep: Frames to keep.

    Raises:
        InputError: Fewer than one, or more than there are.
    """
    return frames[evenly(len(frames), keep).to(frames.device)]


def image_grid(pixels: Tensor, rows: int, columns: int) -> Tensor:
    """One picture with ``rows * columns`` frames side by side, in reading order, at the size of one frame.

    Args:
        pixels: ``(frames, 3, height, width)``; as many frames as the grid has places are spread over the video, and a
            shorter video leaves the last places black (zero).
        rows: Grid rows.
        columns: Grid columns.

    Returns:
        ``(1, 3, height, width)``.

    Raises:
        InputError: Rows or columns below one.

    Source: IG-VLM (arXiv 2403.18406), which uses 3 x 2. Frames are shrunk with area averaging.
    """
    if rows < 1 or columns < 1:
        raise InputError(Problem(f"a grid of {rows} x {columns}", "one place or more", "give positive numbers"))
    places = rows * columns
    chosen = pixels if len(pixels) <= places else drop_frames(pixels, places)
    if len(chosen) < places:
        chosen = torch.cat([chosen, chosen.new_zeros(places - len(chosen), *chosen.shape[1:])])
    height, width = pixels.shape[-2:]
    lines = chosen.unflatten(0, (rows, columns)).permute(2, 0, 3, 1, 4)  # (3, rows, height, columns, width)
    collage = lines.reshape(1, pixels.shape[1], rows * height, columns * width)
    return functional.interpolate(collage, size=(height, width), mode="area")


def sample_tokens(tokens: Tensor, count: int) -> Tensor:
    """``count`` tokens spread evenly over all tokens of all frames.

    Args:
        tokens: ``(frames, tokens, channels)``.
        count: Tokens to keep.

    Returns:
        ``(count, channels)``, in the order of the video.

    Raises:
        InputError: Fewer than one, or more than there are.
    """
    flat = tokens.flatten(0, 1)
    return flat[evenly(len(flat), count).to(flat.device)]


def thumbnail_and_sampling(thumbnail_tokens: Tensor, frame_tokens: Tensor, sampled: int) -> Tensor:
    """All tokens of a collage, then tokens sampled from all frames.

    Args:
        thumbnail_tokens: ``(1, tokens, channels)``: the encoded :func:`image_grid`.
        frame_tokens: ``(frames, tokens, channels)``.
        sampled: Tokens to take from the frames.

    Returns:
        ``(tokens + sampled, channels)``.

    Raises:
        InputError: As :func:`sample_tokens`.

    Source: TS-LLaVA (arXiv 2411.11066), whose setting is a collage of 6 frames and 2880 of the tokens of 50 frames.
    """
    return torch.cat([thumbnail_tokens.flatten(0, 1), sample_tokens(frame_tokens, sampled)])
