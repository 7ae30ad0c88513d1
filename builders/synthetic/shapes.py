"""Flat shapes, drawn anti-aliased into a frame: each is one radius per angle, so a shape costs one table lookup.

Frames are ``(height, width, 3)`` float32 arrays with values 0 to 255; x grows to the right and y downward, in pixels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

import builders.synthetic.vocabulary as words

Image = NDArray[np.floating]
"""``(height, width, 3)`` or ``(height, width)``, float32."""

_ANGLES: Final = 1440


def colour(name: str) -> Image:
    """The colour's red, green and blue, ``(3,)``, 0 to 255."""
    return np.array(words.COLOURS[name], dtype=np.float32)


def coverage(shape: str, x: Image, y: Image, radius: float, angle: float = 0.0) -> Image:
    """How much of each pixel a shape covers, 0 to 1.

    Args:
        shape: A singular of ``vocabulary.SHAPES``.
        x: Pixels to the right of the shape's centre.
        y: Pixels below it; broadcast against ``x``.
        radius: Pixels from the centre to the farthest point.
        angle: Clockwise turn in radians.
    """
    if shape == "crescent":
        shift = 0.45 * radius
        bite_x, bite_y = x - shift * np.float32(np.cos(angle)), y - shift * np.float32(np.sin(angle))
        bite = _inside(np.hypot(bite_x, bite_y), np.float32(0.8 * radius))
        return _inside(np.hypot(x, y), np.float32(radius)) * (1 - bite)
    distance = np.hypot(x, y).astype(np.float32)
    turns = (np.arctan2(y, x) - np.float32(angle)) * np.float32(_ANGLES / (2 * np.pi))
    limit = _radii(shape)[turns.astype(np.int32) % _ANGLES] * np.float32(radius)
    outer = _inside(distance, limit)
    return outer * (1 - _inside(distance, np.float32(0.55 * radius))) if shape == "ring" else outer


def window(frame: Image, x: float, y: float, reach: float) -> tuple[Image, Image, Image] | None:
    """The part of a frame within ``reach`` pixels of a point, with its pixels' positions relative to the point.

    Returns:
        A view ``(rows, columns, 3)`` that changes the frame, x ``(1, columns)`` and y ``(rows, 1)``; None when the
        point is too far outside the frame.
    """
    height, width = frame.shape[:2]
    left, right = max(int(x - reach), 0), min(int(x + reach) + 2, width)
    upper, lower = max(int(y - reach), 0), min(int(y + reach) + 2, height)
    if left >= right or upper >= lower:
        return None
    across = np.arange(left, right, dtype=np.float32)[None, :] + np.float32(0.5 - x)
    down = np.arange(upper, lower, dtype=np.float32)[:, None] + np.float32(0.5 - y)
    return frame[upper:lower, left:right], across, down


def blend(view: Image, alpha: Image, paint: Image) -> None:
    """Lay ``paint`` (``(3,)`` or like the view) over ``view`` in place, with ``alpha`` ``(rows, columns)`` 0 to 1."""
    view += alpha[..., None] * (paint - view)


def draw(
    frame: Image, shape: str, x: float, y: float, radius: float, paint: Image, angle: float = 0.0, alpha: float = 1.0
) -> None:
    """Draw one shape in one colour in place; nothing happens outside the frame."""
    seen = window(frame, x, y, radius + 1)
    if seen is not None:
        view, across, down = seen
        blend(view, coverage(shape, across, down, radius, angle) * np.float32(alpha), paint)


def _inside(distance: Image, limit: Image | np.float32) -> Image:
    """Coverage of a pixel by a border: 1 inside, 0 outside, falling over one pixel."""
    result: Image = np.clip(limit - distance + np.float32(0.5), 0, 1)
    return result


@cache
def _radii(shape: str) -> Image:
    """Radius of a shape by angle, ``(_ANGLES,)``, largest 1; angle 0 points right, a quarter turn down."""
    angle = np.linspace(0, 2 * np.pi, _ANGLES, endpoint=False)
    radii = _PROFILES[shape](angle)
    profile: Image = (radii / radii.max()).astype(np.float32)
    return profile


_Angles = NDArray[np.float64]


def _polygon(*corners: tuple[float, float]) -> Callable[[_Angles], _Angles]:
    """Profile of a polygon that is seen whole from its centre (0, 0); corners in order round it."""

    def radii(angle: _Angles) -> _Angles:
        direction = np.stack([np.cos(angle), np.sin(angle)])
        reach = np.zeros_like(angle)
        for (x1, y1), (x2, y2) in zip(corners, corners[1:] + corners[:1], strict=True):
            edge_x, edge_y = x2 - x1, y2 - y1
            across = direction[0] * edge_y - direction[1] * edge_x
            with np.errstate(divide="ignore", invalid="ignore"):
                along_ray = (x1 * edge_y - y1 * edge_x) / across
                along_edge = (x1 * direction[1] - y1 * direction[0]) / across
            hit = (along_ray > 0) & (along_edge >= -1e-9) & (along_edge <= 1 + 1e-9)
            reach = np.where(hit, np.maximum(reach, along_ray), reach)
        return reach

    return radii


def _regular(corners: int, turn: float = -np.pi / 2, inner: float | None = None) -> Callable[[_Angles], _Angles]:
    """Profile of a regular polygon, or of a star with ``corners`` points when an inner radius is given."""
    count = corners if inner is None else 2 * corners
    lengths = [1.0 if inner is None or corner % 2 == 0 else inner for corner in range(count)]
    angles = [turn + 2 * np.pi * corner / count for corner in range(count)]
    return _polygon(*((size * np.cos(at), size * np.sin(at)) for size, at in zip(lengths, angles, strict=True)))


def _heart(angle: _Angles) -> _Angles:
    t = np.linspace(0, 2 * np.pi, 361)[:-1]
    x = 16 * np.sin(t) ** 3
    y = -(13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)) + 2
    return _polygon(*zip(x.tolist(), y.tolist(), strict=True))(angle)


def _teardrop(angle: _Angles) -> _Angles:
    upward = np.abs((angle + np.pi / 2 + np.pi) % (2 * np.pi) - np.pi)
    return 0.55 + 0.45 * np.clip(1 - upward / 0.9, 0, 1) ** 1.6


_PROFILES: Final[Mapping[str, Callable[[_Angles], _Angles]]] = {
    "disc": np.ones_like,
    "ring": np.ones_like,
    "square": _regular(4, np.pi / 4),
    "triangle": _regular(3),
    "pentagon": _regular(5),
    "hexagon": _regular(6, 0.0),
    "octagon": _regular(8, np.pi / 8),
    "star": _regular(5, inner=0.42),
    "heart": _heart,
    "cross": _polygon(
        (0.3, -1), (0.3, -0.3), (1, -0.3), (1, 0.3), (0.3, 0.3), (0.3, 1),
        (-0.3, 1), (-0.3, 0.3), (-1, 0.3), (-1, -0.3), (-0.3, -0.3), (-0.3, -1),
    ),
    "rhombus": _polygon((0.62, 0), (0, 1), (-0.62, 0), (0, -1)),
    "arrow": _polygon((1, 0), (0.1, 0.8), (0.1, 0.32), (-1, 0.32), (-1, -0.32), (0.1, -0.32), (0.1, -0.8)),
    "teardrop": _teardrop,
    "gear": lambda angle: 0.86 + 0.14 * np.clip(4 * np.sin(8 * angle), -1, 1),
    "oval": lambda angle: 0.55 / np.sqrt(np.sin(angle) ** 2 + (0.55 * np.cos(angle)) ** 2),
    "clover": lambda angle: 0.5 + 0.5 * np.abs(np.sin(2 * angle)),
}  # fmt: skip
"""Shape -> radius by angle. The crescent is cut from two discs instead."""
