"""What hangs in the sky and what lies in the foreground; drawers as in :mod:`builders.synthetic.scenery`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np

from builders.synthetic.scenery import Drawer, box, ellipse, polygon
from builders.synthetic.shapes import Image, draw

_DARK: Final = np.float32(0.62)


def _sun(frame: Image, x: float, y: float, size: float, paint: Image) -> None:
    for ray in range(4):
        draw(frame, "rhombus", x, y, size, paint, ray * np.pi / 4)
    draw(frame, "disc", x, y, 0.66 * size, paint)


def _moon(frame: Image, x: float, y: float, size: float, paint: Image) -> None:
    draw(frame, "crescent", x, y, 0.9 * size, paint, -0.5)


def _planet(frame: Image, x: float, y: float, size: float, paint: Image) -> None:
    ellipse(frame, x, y, 1.1 * size, 0.26 * size, paint * _DARK)
    draw(frame, "disc", x, y, 0.62 * size, paint)


def _comet(frame: Image, x: float, y: float, size: float, paint: Image) -> None:
    for step in range(8, 0, -1):
        part = step / 8
        ellipse(frame, x + 1.3 * size * part, y - 0.7 * size * part, 0.42 * size * (1 - 0.8 * part),
                0.42 * size * (1 - 0.8 * part), paint, 0.5)  # fmt: skip
    draw(frame, "disc", x, y, 0.46 * size, paint)


def _balloon(frame: Image, x: float, y: float, size: float, paint: Image) -> None:
    polygon(frame, [(x - 0.42 * size, y + 0.1 * size), (x + 0.42 * size, y + 0.1 * size),
                    (x + 0.14 * size, y + 0.72 * size), (x - 0.14 * size, y + 0.72 * size)], paint)  # fmt: skip
    ellipse(frame, x, y - 0.2 * size, 0.6 * size, 0.66 * size, paint)
    box(frame, x - 0.16 * size, y + 0.8 * size, x + 0.16 * size, y + 1.06 * size, paint * _DARK)


def _kite(frame: Image, x: float, y: float, size: float, paint: Image) -> None:
    draw(frame, "rhombus", x, y - 0.2 * size, 0.8 * size, paint, 0.5)
    for knot in range(4):
        draw(frame, "disc", x - (0.45 + 0.2 * knot) * size, y + (0.6 + 0.14 * (knot % 2)) * size, 0.1 * size, paint)


def _airship(frame: Image, x: float, y: float, size: float, paint: Image) -> None:
    polygon(frame, [(x - 1.1 * size, y - 0.42 * size), (x - 0.5 * size, y), (x - 1.1 * size, y + 0.42 * size)], paint)
    ellipse(frame, x, y, 1.0 * size, 0.42 * size, paint)
    box(frame, x - 0.3 * size, y + 0.36 * size, x + 0.3 * size, y + 0.62 * size, paint * _DARK)


def _satellite(frame: Image, x: float, y: float, size: float, paint: Image) -> None:
    box(frame, x - 1.1 * size, y - 0.22 * size, x + 1.1 * size, y + 0.22 * size, paint * _DARK)
    box(frame, x - 0.3 * size, y - 0.42 * size, x + 0.3 * size, y + 0.42 * size, paint)
    draw(frame, "disc", x, y - 0.6 * size, 0.2 * size, paint)


CELESTIALS: Final[Mapping[str, Drawer]] = {
    "sun": _sun,
    "moon": _moon,
    "planet": _planet,
    "comet": _comet,
    "balloon": _balloon,
    "kite": _kite,
    "airship": _airship,
    "satellite": _satellite,
}
"""What hangs overhead; the position is its centre, the size about half its width."""


def _crate(frame: Image, x: float, y: float, size: float, paint: Image) -> None:
    box(frame, x - size, y - size, x + size, y + size, paint * _DARK)
    box(frame, x - 0.78 * size, y - 0.78 * size, x + 0.78 * size, y + 0.78 * size, paint)
    polygon(frame, [(x - 0.8 * size, y - 0.62 * size), (x - 0.62 * size, y - 0.8 * size),
                    (x + 0.8 * size, y + 0.62 * size), (x + 0.62 * size, y + 0.8 * size)], paint * _DARK)  # fmt: skip


def _barrel(frame: Image, x: float, y: float, size: float, paint: Image) -> None:
    ellipse(frame, x, y, 0.8 * size, 1.15 * size, paint)
    for level in (-0.5, 0.4):
        box(frame, x - 0.72 * size, y + level * size, x + 0.72 * size, y + (level + 0.18) * size, paint * _DARK)


def _stone(frame: Image, x: float, y: float, size: float, paint: Image) -> None:
    ellipse(frame, x, y, 1.1 * size, 0.75 * size, paint * _DARK)
    ellipse(frame, x - 0.1 * size, y - 0.12 * size, 0.9 * size, 0.56 * size, paint)


def _flower(frame: Image, x: float, y: float, size: float, paint: Image) -> None:
    box(frame, x - 0.08 * size, y, x + 0.08 * size, y + 1.3 * size, np.array([60, 120, 50], np.float32))
    draw(frame, "clover", x, y - 0.2 * size, size, paint)
    draw(frame, "disc", x, y - 0.2 * size, 0.26 * size, paint * _DARK)


def _puddle(frame: Image, x: float, y: float, size: float, paint: Image) -> None:
    ellipse(frame, x, y, 1.35 * size, 0.5 * size, paint)
    ellipse(frame, x - 0.4 * size, y - 0.1 * size, 0.5 * size, 0.12 * size, np.full(3, 255, np.float32), 0.5)


def _log(frame: Image, x: float, y: float, size: float, paint: Image) -> None:
    box(frame, x - 1.2 * size, y - 0.36 * size, x + 1.1 * size, y + 0.36 * size, paint)
    ellipse(frame, x + 1.1 * size, y, 0.22 * size, 0.36 * size, paint * _DARK)


def _shell(frame: Image, x: float, y: float, size: float, paint: Image) -> None:
    ellipse(frame, x, y, size, 0.85 * size, paint)
    for rib in (-0.6, -0.2, 0.2, 0.6):
        polygon(frame, [(x + rib * size - 1, y - 0.6 * size), (x + rib * size + 1, y - 0.6 * size),
                        (x + 0.6, y + 0.8 * size), (x - 0.6, y + 0.8 * size)], paint * _DARK)  # fmt: skip


def _lantern(frame: Image, x: float, y: float, size: float, paint: Image) -> None:
    draw(frame, "hexagon", x, y, 0.95 * size, paint)
    box(frame, x - 0.4 * size, y - 1.15 * size, x + 0.4 * size, y - 0.75 * size, paint * _DARK)
    box(frame, x - 0.5 * size, y + 0.75 * size, x + 0.5 * size, y + 1.05 * size, paint * _DARK)


LITTERS: Final[Mapping[str, Drawer]] = {
    "crates": _crate,
    "barrels": _barrel,
    "stones": _stone,
    "flowers": _flower,
    "puddles": _puddle,
    "logs": _log,
    "shells": _shell,
    "lanterns": _lantern,
}
"""One of the things in the foreground; the position is its centre, the size about half its width."""
