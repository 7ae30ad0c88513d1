"""The part of the background that stands still, painted once per video on a canvas larger than the view."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

import builders.synthetic.vocabulary as words
from builders.synthetic.props import CELESTIALS, LITTERS
from builders.synthetic.scene import Scene
from builders.synthetic.scenery import LANDMARKS, box
from builders.synthetic.shapes import Image, colour, draw
from builders.synthetic.textures import GROUND

HORIZON: Final = 0.46
"""Height of the horizon, world units from the upper edge of the view at zoom 1."""

MARGIN: Final = 0.6
"""How far the canvas reaches beyond the unit square on each side; covers the widest shot with the longest move."""

CANVAS_SCALE: Final = 1.5
"""Canvas pixels per view pixel at zoom 1: enough for the tightest framing."""


@dataclass(frozen=True, slots=True)
class Canvas:
    """A painted backdrop.

    Args:
        pixels: ``(side, side, 3)`` float32, 0 to 255.
        scale: Canvas pixels per world unit.
    """

    pixels: Image
    scale: float

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Canvas pixels of a point in world units."""
        return (x + MARGIN) * self.scale, (y + MARGIN) * self.scale


def paint_backdrop(scene: Scene, size: int) -> Canvas:
    """Paint sky, ridge, landmarks, ground, path, flag and scattered things of a scene.

    Args:
        scene: The scene.
        size: Side of the view in pixels.
    """
    scale = size * CANVAS_SCALE
    side = round((1 + 2 * MARGIN) * scale)
    x = ((np.arange(side, dtype=np.float32) + np.float32(0.5)) / np.float32(scale) - np.float32(MARGIN))[None, :]
    y = x.reshape(-1, 1)
    background = scene.background
    canvas = Canvas(np.empty((side, side, 3), np.float32), scale)
    glow = np.clip(1 - (np.float32(HORIZON) - y) / np.float32(0.2), 0, 1)[..., None]
    canvas.pixels[:] = colour(background.sky_colour) * (1 - glow) + colour(background.horizon_colour) * glow
    _paint_ridge(canvas, scene, x, y)
    _paint_ground(canvas, scene, x, y)
    _paint_things(canvas, scene)
    canvas.pixels[:] *= np.array(words.TIMES_OF_DAY[background.time_of_day], np.float32)
    return canvas


_RIDGES: Final[Mapping[str, Callable[[Image], Image]]] = {
    "jagged": lambda x: np.abs((x * 3.1) % 1 - 0.5) + np.abs((x * 7.3) % 1 - 0.5),
    "rolling": lambda x: 0.5 + 0.3 * np.sin(x * 9) + 0.12 * np.sin(x * 23),
    "stepped": lambda x: np.floor(np.abs((x * 1.7) % 1 - 0.5) * 10) / 5,
    "serrated": lambda x: 0.45 + 0.55 * ((x * 11) % 1),
    "flattened": lambda x: 0.85 + 0 * x,
    "humped": lambda x: 0.2 + 0.75 * np.abs(np.sin(x * 7.5)),
}
"""Form -> height along x, about 0 to 1."""


def _paint_ridge(canvas: Canvas, scene: Scene, x: Image, y: Image) -> None:
    upper = int((MARGIN + HORIZON - 0.16) * canvas.scale)
    lower = int((MARGIN + HORIZON) * canvas.scale) + 1
    crest = np.float32(HORIZON - 0.03) - np.float32(0.11) * _RIDGES[scene.background.ridge_shape](x)
    mask = np.clip((y[upper:lower] - crest) * np.float32(canvas.scale) + np.float32(0.5), 0, 1)[..., None]
    view = canvas.pixels[upper:lower]
    view += mask * (colour(scene.background.ridge_colour) - view)


def _paint_ground(canvas: Canvas, scene: Scene, x: Image, y: Image) -> None:
    background = scene.background
    upper = int((MARGIN + HORIZON) * canvas.scale)
    pattern = GROUND[background.ground_pattern](x, y[upper:])
    base = colour(background.ground_colour)
    # On a dark ground a darker pattern could not be seen: it is lighter there.
    ink = base * np.float32(0.66) if float(base.mean()) > 70 else base * np.float32(0.8) + np.float32(38)
    mask = np.broadcast_to(pattern, (len(y) - upper, x.shape[1]))
    canvas.pixels[upper:] = base + mask[..., None] * (ink - base)
    middle = np.float32(HORIZON + 0.13)
    cover, dark = _PATHS[background.path_kind](x, (y[upper:] - middle) / np.float32(0.045))
    view = canvas.pixels[upper:]
    paint = colour(background.path_colour) * (1 - np.float32(0.5) * dark[..., None])
    view += cover[..., None] * (paint - view)


def _band(y: Image, half: float) -> Image:
    result: Image = np.clip((np.float32(half) - np.abs(y)) * 8 + np.float32(0.5), 0, 1)
    return result


def _every(x: Image, period: float, share: float) -> Image:
    return ((x / np.float32(period)) % 1 < share).astype(np.float32)


_Path = Callable[[Image, Image], tuple[Image, Image]]

_PATHS: Final[Mapping[str, _Path]] = {
    "road": lambda x, y: (_band(y, 1) + 0 * x, _band(y, 0.08) * _every(x, 0.1, 0.5)),
    "river": lambda x, y: (
        _band(y + np.float32(0.5) * np.sin(x * 17), 0.8),
        _band(y + np.float32(0.5) * np.sin(x * 17) - np.float32(0.2), 0.08),
    ),
    "railway": lambda x, y: (
        np.maximum(np.maximum(_band(y - np.float32(0.6), 0.12), _band(y + np.float32(0.6), 0.12)),
                   _band(y, 0.9) * _every(x, 0.04, 0.35)),
        _band(y, 0.45) * _every(x, 0.04, 0.35),
    ),
    "fence": lambda x, y: (
        np.maximum(np.maximum(_band(y - np.float32(0.35), 0.14), _band(y + np.float32(0.35), 0.14)),
                   _band(y, 1) * _every(x, 0.05, 0.25)),
        0 * x * y,
    ),
    "hedge": lambda x, y: (
        _band(y - np.float32(0.2) * np.abs(np.sin(x * 60)), 0.8),
        _band(y + np.float32(0.3) * np.sin(x * 90), 0.2),
    ),
    "canal": lambda x, y: (
        _band(y, 0.95) + 0 * x,
        np.maximum(_band(y - np.float32(0.8), 0.15), _band(y + np.float32(0.8), 0.15)) + 0 * x,
    ),
    "wall": lambda x, y: (
        np.maximum(_band(y - np.float32(0.2), 0.8), _band(y, 1) * _every(x, 0.06, 0.5)),
        np.maximum(_band(y, 0.06), _every(x, 0.06, 0.1)),
    ),
    "boardwalk": lambda x, y: (_band(y, 0.9) + 0 * x, _every(x, 0.03, 0.2) + 0 * y),
    "ditch": lambda x, y: (_band(y, 0.6) + 0 * x, np.clip(y / 2 + np.float32(0.8), 0, 1) + 0 * x),
}  # fmt: skip
"""Path -> (cover, dark part), from world x and the distance from its middle in half widths."""


def _paint_things(canvas: Canvas, scene: Scene) -> None:
    background, pixels, unit = scene.background, canvas.pixels, canvas.scale
    source = random.Random(f"backdrop/{scene.seed}/{scene.index}")
    count = words.COUNTS[background.landmark_count]
    for number in range(count):
        x, y = canvas.place(0.06 + 0.88 * (number + 0.5) / count, HORIZON + 0.005)
        LANDMARKS[background.landmark_kind](pixels, x, y, 0.105 * unit, colour(background.landmark_colour))
    x, y = canvas.place(words.CELESTIAL_POSITIONS[background.celestial_position], 0.13)
    CELESTIALS[background.celestial_kind](pixels, x, y, 0.062 * unit, colour(background.celestial_colour))
    _paint_flag(canvas, scene, 0.1 if source.random() < 0.5 else 0.9)
    count = words.COUNTS[background.litter_count]
    for number in range(count):
        x, y = canvas.place(0.06 + 0.88 * (number + 0.5) / count, 0.9 + 0.035 * (-1) ** number)
        LITTERS[background.litter_kind](pixels, x, y, 0.03 * unit, colour(background.litter_colour))


def _paint_flag(canvas: Canvas, scene: Scene, where: float) -> None:
    x, upper = canvas.place(where, HORIZON + 0.02)
    unit = canvas.scale
    box(canvas.pixels, x - 0.006 * unit, upper, x + 0.006 * unit, upper + 0.3 * unit, np.full(3, 70, np.float32))
    # Flown towards the middle of the picture, so that a pan does not cut it off.
    end = x + (0.15 if where < 0.5 else -0.15) * unit
    paint = colour(scene.background.flag_colour)
    box(canvas.pixels, min(x, end), upper, max(x, end), upper + 0.1 * unit, paint)
    # No colour is stated for the symbol: the shade that stands out most against the cloth.
    ink = np.full(3, 20 if float(paint.mean()) > 110 else 245, np.float32)
    draw(canvas.pixels, scene.background.flag_symbol, (x + end) / 2, upper + 0.05 * unit, 0.042 * unit, ink)
