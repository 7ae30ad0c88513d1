"""Patterns of the ground and of the main object's body: functions from coordinates to a mask, 0 to 1."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from builders.synthetic.shapes import Image

Pattern = Callable[[Image, Image], Image]
"""(x, y), broadcast against each other -> mask of their common shape. Ground: world units. Body: radius = 1."""


def _edge(wave: Image, sharpness: float = 4.0) -> Image:
    """1 where the wave is positive, 0 where negative, with a soft border."""
    result: Image = np.clip(wave * np.float32(sharpness) + np.float32(0.5), 0, 1)
    return result


def _gap(position: Image, period: float, share: float) -> Image:
    """1 in lines that take ``share`` of each period, else 0."""
    middle = np.abs((position / np.float32(period)) % 1 - np.float32(0.5))
    return _edge(middle - np.float32(0.5 - share / 2), 24)


def _hash(column: Image, row: Image) -> Image:
    """A number in [0, 1) for each cell, always the same for a cell."""
    mixed = np.sin(column * np.float32(12.9898) + row * np.float32(78.233)) * np.float32(4375.8)
    result: Image = (mixed % 1).astype(np.float32)
    return result


def _cell_distances(x: Image, y: Image, period: float) -> tuple[Image, Image]:
    """Distance to the nearest and second nearest of points strewn one per cell, in cells."""
    x, y = np.broadcast_arrays(x / np.float32(period), y / np.float32(period))
    column, row = np.floor(x), np.floor(y)
    nearest = np.full(x.shape, 9, np.float32)
    second = nearest.copy()
    for step_x in (-1, 0, 1):
        for step_y in (-1, 0, 1):
            there_x, there_y = column + step_x, row + step_y
            point_x = there_x + np.float32(0.15) + np.float32(0.7) * _hash(there_x, there_y)
            point_y = there_y + np.float32(0.15) + np.float32(0.7) * _hash(there_y + 31, there_x)
            distance = np.hypot(x - point_x, y - point_y)
            second = np.minimum(second, np.maximum(nearest, distance))
            nearest = np.minimum(nearest, distance)
    return nearest, second


def _bricks(x: Image, y: Image) -> Image:
    row = np.floor(y / np.float32(0.05))
    return np.maximum(_gap(y, 0.05, 0.16), _gap(x + np.float32(0.06) * (row % 2), 0.12, 0.08))


def _planks(x: Image, y: Image) -> Image:
    board = np.floor(x / np.float32(0.09))
    return np.maximum(_gap(x, 0.09, 0.12), _gap(y + np.float32(0.13) * (board % 3), 0.39, 0.03))


def _honeycombs(x: Image, y: Image) -> Image:
    side = np.float32(0.075)
    x, y = np.broadcast_arrays(x / side, y / side)
    root = np.float32(3**0.5)

    def to_border(u: Image, v: Image) -> Image:
        u, v = np.abs((u + np.float32(0.5)) % 1 - np.float32(0.5)), np.abs((v + root / 2) % root - root / 2)
        return np.maximum(u, u / 2 + v * root / 2)

    nearest = np.minimum(to_border(x, y), to_border(x + np.float32(0.5), y + root / 2))
    return _edge(nearest - np.float32(0.44), 14)


def _pebbles(x: Image, y: Image) -> Image:
    return _edge(_cell_distances(x, y, 0.055)[0] - np.float32(0.36), 9)


def _cracks(x: Image, y: Image) -> Image:
    nearest, second = _cell_distances(x, y, 0.13)
    return _edge(np.float32(0.07) - (second - nearest), 14)


def _zigzag(x: Image, width: float) -> Image:
    result: Image = np.abs((x / np.float32(width)) % 1 - np.float32(0.5)) * np.float32(width)
    return result


GROUND: Final[Mapping[str, Pattern]] = {
    "bricks": _bricks,
    "planks": _planks,
    "honeycombs": _honeycombs,
    "pebbles": _pebbles,
    "ripples": lambda x, y: _edge(np.sin(y * 110 + 2.5 * np.sin(x * 14)) - np.float32(0.3), 2),
    "furrows": lambda x, y: _edge(np.sin(y * 120) + 0 * x, 3),
    "chevrons": lambda x, y: _edge(np.sin((y + _zigzag(x, 0.16)) * 100), 3),
    "tiles": lambda x, y: _edge(np.sin(x * 36) * np.sin(y * 36), 8),
    "cracks": _cracks,
    "lattices": lambda x, y: np.maximum(_gap(x + y, 0.09, 0.18), _gap(x - y, 0.09, 0.18)),
}
"""Pattern of the ground -> mask of its darker part."""

BODY: Final[Mapping[str, Pattern]] = {
    "striped": lambda x, y: _edge(np.sin(x * 11) + 0 * y),
    "chequered": lambda x, y: _edge(np.sin(x * 8) * np.sin(y * 8), 6),
    "dotted": lambda x, y: _edge(np.cos(x * 12) + np.cos(y * 12) - np.float32(0.9)),
    "speckled": lambda x, y: _edge(np.float32(0.22) - _hash(np.floor(x * 9) + 0 * y, np.floor(y * 9) + 0 * x), 40),
    "zigzagged": lambda x, y: _edge(np.sin((y + _zigzag(x, 0.6)) * 13)),
    "crosshatched": lambda x, y: np.maximum(_gap(x + y, 0.4, 0.22), _gap(x - y, 0.4, 0.22)),
    "marbled": lambda x, y: _edge(np.sin(x * 6 + 2 * np.sin(y * 5 + 2 * np.sin(x * 4)))),
    "banded": lambda x, y: _edge(np.sin(np.hypot(x, y) * 17)),
    "swirled": lambda x, y: _edge(np.sin(np.hypot(x, y) * 10 + 3 * np.arctan2(y, x))),
}
"""Finish of the main object's body -> mask of the second colour."""
