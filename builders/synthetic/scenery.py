"""Things that stand, lie or hang in the background, each drawn by a few flat pieces in one colour and its shade.

Every drawer takes a frame, a position in pixels, a size in pixels and a colour; what the position is (foot or centre)
is said for each table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np

from builders.synthetic.shapes import Image, blend, draw, window

Drawer = Callable[[Image, float, float, float, Image], None]

_DARK: Final = np.float32(0.62)


def ellipse(frame: Image, x: float, y: float, across: float, down: float, paint: Image, alpha: float = 1.0) -> None:
    """Draw an ellipse with these half axes, in pixels, in place."""
    seen = window(frame, x, y, max(across, down) + 1)
    if seen is not None:
        view, at_x, at_y = seen
        distance = np.hypot(at_x / np.float32(across), at_y / np.float32(down))
        mask: Image = np.clip((1 - distance) * np.float32(min(across, down)) + np.float32(0.5), 0, 1)
        blend(view, mask * np.float32(alpha), paint)


def polygon(frame: Image, corners: list[tuple[float, float]], paint: Image) -> None:
    """Draw a convex polygon in place; corners in pixels, clockwise on screen."""
    xs, ys = zip(*corners, strict=True)
    x, y = sum(xs) / len(xs), sum(ys) / len(ys)
    seen = window(frame, x, y, max(max(xs) - x, x - min(xs), max(ys) - y, y - min(ys)) + 1)
    if seen is None:
        return
    view, at_x, at_y = seen
    mask = np.ones((view.shape[0], view.shape[1]), np.float32)
    for (x1, y1), (x2, y2) in zip(corners, corners[1:] + corners[:1], strict=True):
        length = max(float(np.hypot(x2 - x1, y2 - y1)), 1e-6)
        across, down = np.float32((x2 - x1) / length), np.float32((y2 - y1) / length)
        depth = across * (at_y - np.float32(y1 - y)) - down * (at_x - np.float32(x1 - x))
        mask = np.minimum(mask, np.clip(depth + np.float32(0.5), 0, 1))
    blend(view, mask, paint)


def box(frame: Image, left: float, upper: float, right: float, lower: float, paint: Image) -> None:
    """Draw an upright rectangle in place; edges in pixels."""
    polygon(frame, [(left, upper), (right, upper), (right, lower), (left, lower)], paint)


def _windmill(frame: Image, x: float, y: float, size: float, paint: Image) -> None:
    polygon(frame, [(x - 0.13 * size, y - 0.6 * size), (x + 0.13 * size, y - 0.6 * size),
                    (x + 0.24 * size, y), (x - 0.24 * size, y)], paint)  # fmt: skip
    draw(frame, "cross", x, y - 0.62 * size, 0.42 * size, paint * _DARK, 0.6)


def _pyramid(frame: Image, x: float, y: float, size: float, paint: Image) -> None:
    polygon(frame, [(x, y - 0.8 * size), (x + 0.5 * size, y), (x - 0.5 * size, y)], paint)
    polygon(frame, [(x, y - 0.8 * size), (x + 0.5 * size, y), (x + 0.12 * size, y)], paint * _DARK)


def _lighthouse(frame: Image, x: float, y: float, size: float, paint: Image) -> None:
    polygon(frame, [(x - 0.1 * size, y - 0.8 * size), (x + 0.1 * size, y - 0.8 * size),
                    (x + 0.17 * size, y), (x - 0.17 * size, y)], paint)  # fmt: skip
    for part in (0.25, 0.55):
        box(frame, x - 0.15 * size, y - (part + 0.12) * size, x + 0.15 * size, y - part * size, paint * _DARK)
    ellipse(frame, x, y - 0.86 * size, 0.16 * size, 0.12 * size, paint * _DARK)


def _pine(frame: Image, x: float, y: float, size: float, paint: Image) -> None:
    box(frame, x - 0.06 * size, y - 0.25 * size, x + 0.06 * size, y, paint * _DARK)
    for foot, half in ((0.2, 0.36), (0.45, 0.28), (0.68, 0.2)):
        polygon(frame, [(x, y - (foot + 0.42) * size), (x + half * size, y - foot * size),
                        (x - half * size, y - foot * size)], paint)  # fmt: skip


def _cactus(frame: Image, x: float, y: float, size: float, paint: Image) -> None:
    box(frame, x - 0.1 * size, y - 0.85 * size, x + 0.1 * size, y, paint)
    box(frame, x - 0.34 * size, y - 0.45 * size, x, y - 0.33 * size, paint)
    box(frame, x - 0.34 * size, y - 0.7 * size, x - 0.22 * size, y - 0.33 * size, paint)
    box(frame, x, y - 0.6 * size, x + 0.34 * size, y - 0.48 * size, paint)
    box(frame, x + 0.22 * size, y - 0.82 * size, x + 0.34 * size, y - 0.48 * size, paint)


def _dome(frame: Image, x: float, y: float, size: float, paint: Image) -> None:
    seen = window(frame, x, y, 0.5 * size)
    if seen is not None:
        view, at_x, at_y = seen
        mask = np.clip(np.float32(0.46 * size) - np.hypot(at_x, at_y), 0, 1) * (at_y <= 0)
        blend(view, mask, paint)
    box(frame, x - 0.02 * size, y - 0.66 * size, x + 0.02 * size, y - 0.42 * size, paint * _DARK)


def _arch(frame: Image, x: float, y: float, size: float, paint: Image) -> None:
    seen = window(frame, x, y, 0.75 * size)
    if seen is not None:
        view, at_x, at_y = seen
        lifted = np.minimum(at_y + np.float32(0.3 * size), 0)
        distance = np.hypot(at_x, lifted)
        mask = np.clip(np.float32(0.4 * size) - distance, 0, 1) * np.clip(distance - np.float32(0.22 * size), 0, 1)
        blend(view, mask * (at_y <= 0), paint)


def _obelisk(frame: Image, x: float, y: float, size: float, paint: Image) -> None:
    polygon(frame, [(x - 0.08 * size, y - 0.8 * size), (x + 0.08 * size, y - 0.8 * size),
                    (x + 0.14 * size, y), (x - 0.14 * size, y)], paint)  # fmt: skip
    polygon(frame, [(x, y - size), (x + 0.08 * size, y - 0.8 * size), (x - 0.08 * size, y - 0.8 * size)], paint * _DARK)


def _mushroom(frame: Image, x: float, y: float, size: float, paint: Image) -> None:
    box(frame, x - 0.1 * size, y - 0.45 * size, x + 0.1 * size, y, paint * _DARK)
    _dome(frame, x, y - 0.35 * size, 0.92 * size, paint)


def _tent(frame: Image, x: float, y: float, size: float, paint: Image) -> None:
    polygon(frame, [(x, y - 0.6 * size), (x + 0.48 * size, y), (x - 0.48 * size, y)], paint)
    polygon(frame, [(x, y - 0.42 * size), (x + 0.14 * size, y), (x - 0.14 * size, y)], paint * np.float32(0.35))


LANDMARKS: Final[Mapping[str, Drawer]] = {
    "windmills": _windmill,
    "pyramids": _pyramid,
    "lighthouses": _lighthouse,
    "pines": _pine,
    "cacti": _cactus,
    "domes": _dome,
    "arches": _arch,
    "obelisks": _obelisk,
    "mushrooms": _mushroom,
    "tents": _tent,
}
"""One of the landmarks; the position is the middle of its foot, the size its height."""
