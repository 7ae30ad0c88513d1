"""What moves in front of the backdrop: the main object with its trail and companions, clouds, weather."""

from __future__ import annotations

import math
import random
from functools import cache, lru_cache

import numpy as np

import builders.synthetic.vocabulary as words
from builders.synthetic.camera import View
from builders.synthetic.scene import MainObject, Scene
from builders.synthetic.scenery import box, ellipse
from builders.synthetic.shapes import Image, blend, colour, coverage, draw, window
from builders.synthetic.textures import BODY

_SINGULAR = {plural: singular for singular, plural in words.SHAPES.items()}


def place_of(main: MainObject, moment: float) -> tuple[float, float]:
    """World position of the main object's centre.

    Args:
        main: The object.
        moment: Share of the world's time that has passed, 0 to 1; at 0 it stands at its start, at 1 at its goal.
    """
    gone = _progress(main.main_pace, min(max(moment, 0.0), 1.0))
    (x1, y1), (x2, y2) = words.POSITIONS[main.start_position], words.POSITIONS[main.end_position]
    length = math.hypot(x2 - x1, y2 - y1)
    side_x, side_y = -(y2 - y1) / length, (x2 - x1) / length
    sideways, x_shift, y_shift = 0.0, 0.0, 0.0
    if main.motion == "zigzags":
        sideways = 0.08 * (4 * abs((gone * 4 + 0.25) % 1 - 0.5) - 1)
    elif main.motion == "weaves":
        sideways = 0.08 * math.sin(4 * math.pi * gone)
    elif main.motion == "curves":
        sideways = 0.15 * math.sin(math.pi * gone)
    elif main.motion == "wobbles":
        sideways = 0.025 * math.sin(24 * math.pi * gone)
    elif main.motion == "bounces":
        y_shift = -0.15 * abs(math.sin(4 * math.pi * gone))
    elif main.motion == "hops":
        y_shift = -0.06 * abs(math.sin(9 * math.pi * gone))
    elif main.motion in ("loops", "spirals"):
        turn = (4 if main.motion == "loops" else 8) * math.pi * gone
        reach = 0.11 * math.sin(math.pi * gone) * (1 if main.motion == "loops" else 1 - gone)
        x_shift, y_shift = reach * math.cos(turn), reach * math.sin(turn)
    return (
        x1 + (x2 - x1) * gone + side_x * sideways + x_shift,
        y1 + (y2 - y1) * gone + side_y * sideways + y_shift,
    )


def _progress(pace: str, moment: float) -> float:
    """Share of the route covered; rises from 0 to 1."""
    if pace == "increases":
        return moment * moment
    if pace == "decreases":
        return 1 - (1 - moment) ** 2
    if pace == "oscillates":
        return moment + 0.9 / (6 * math.pi) * math.sin(6 * math.pi * moment)
    if pace == "drops to zero midway":
        return 1.25 * min(moment, 0.4) + 1.25 * max(moment - 0.6, 0.0)
    return moment


def _angle(spin: str, moment: float) -> float:
    if spin == "clockwise":
        return 2 * math.pi * moment
    if spin == "anticlockwise":
        return -2 * math.pi * moment
    if spin == "rocking":
        return 0.5 * math.sin(4 * math.pi * moment)
    return math.floor(moment * 7) * math.pi / 3.5 if spin == "jerky" else 0.0


def _stretch(scaling: str, moment: float) -> tuple[float, float]:
    """Factors on width and height."""
    if scaling == "pulsates":
        factor = 1 + 0.22 * math.sin(6 * math.pi * moment)
        return factor, factor
    grown = {"swells": (0.35, 0.35), "shrinks": (-0.4, -0.4), "stretches": (0.45, 0.0), "flattens": (0.1, -0.45)}
    wide, high = grown[scaling]
    return 1 + wide * moment, 1 + high * moment


def draw_clouds(frame: Image, scene: Scene, view: View, moment: float) -> None:
    """Draw the row of clouds, drifting to the right."""
    background = scene.background
    paint, size = colour(background.cloud_colour), 0.04 * view.scale
    count = words.COUNTS[background.cloud_count]
    for number in range(count):
        x, y = view.project(0.02 + 0.88 * (number + 0.5) / count + 0.06 * moment, 0.25 + 0.025 * (-1) ** number)
        if background.cloud_style == "puffy":
            for step, radius in ((-0.7, 0.5), (0.0, 0.75), (0.7, 0.55)):
                draw(frame, "disc", x + step * size, y - 0.2 * size * radius, radius * size, paint)
        elif background.cloud_style == "wispy":
            ellipse(frame, x, y - 0.2 * size, 1.1 * size, 0.14 * size, paint)
            ellipse(frame, x + 0.3 * size, y + 0.2 * size, 0.9 * size, 0.12 * size, paint)
        elif background.cloud_style == "boxy":
            box(frame, x - size, y - 0.2 * size, x + size, y + 0.45 * size, paint)
            box(frame, x - 0.5 * size, y - 0.6 * size, x + 0.5 * size, y, paint)
        elif background.cloud_style == "ragged":
            for step in (-0.6, 0.1, 0.7):
                draw(frame, "star", x + step * size, y, 0.75 * size, paint, step)
        else:
            draw(frame, "disc", x, y, 0.8 * size, paint)


def draw_main(frame: Image, scene: Scene, view: View, moment: float) -> None:
    """Draw trail, companions and main object in the order that their occlusion asks for."""
    main = scene.main_object
    _draw_trail(frame, main, view, moment)
    if main.interaction == "hide behind it":
        _draw_companions(frame, main, view, moment)
    _draw_body(frame, main, view, moment)
    if main.interaction != "hide behind it":
        _draw_companions(frame, main, view, moment)


def _draw_trail(frame: Image, main: MainObject, view: View, moment: float) -> None:
    shapes = {"droplets": "teardrop", "sparkles": "star", "smoke": "disc", "hoops": "ring", "dashes": "oval"}
    paint, base = colour(main.trail_colour), words.SIZES[main.main_size] * view.scale
    steps = 16 if main.trail_kind == "ribbons" else 7
    for step in range(steps, 0, -1):
        x, y = view.project(*place_of(main, moment - 0.26 * step / steps))
        fade = 1 - 0.7 * step / steps
        if main.trail_kind == "smoke":
            draw(frame, "disc", x, y, base * (0.5 + 0.5 * step / steps), paint, alpha=0.45 * fade)
        elif main.trail_kind == "ribbons":
            box(frame, x - 0.22 * base, y - 0.22 * base, x + 0.22 * base, y + 0.22 * base, paint)
        else:
            draw(frame, shapes[main.trail_kind], x, y, max(0.3 * base, 2.5), paint, alpha=0.4 + 0.6 * fade)


def _draw_body(frame: Image, main: MainObject, view: View, moment: float) -> None:
    x, y = view.project(*place_of(main, moment))
    radius = words.SIZES[main.main_size] * view.scale
    wide, high = _stretch(main.scaling, moment)
    seen = window(frame, x, y, 1.05 * radius * max(wide, high) + 2)
    if seen is None:
        return
    pixels, across, down = seen
    across, down = across / np.float32(wide), down / np.float32(high)
    angle = _angle(main.spin, moment) - view.roll
    cos, sin = np.float32(math.cos(angle)), np.float32(math.sin(angle))
    turned = np.float32(min(max((moment - 0.7) / 0.08, 0), 1))
    paint = colour(main.main_colour) * (1 - turned) + colour(main.turned_colour) * turned
    u, v = (cos * across + sin * down) / np.float32(radius), (cos * down - sin * across) / np.float32(radius)
    mask = np.float32(0.9) * BODY[main.fill_texture](u, v)
    body = paint + mask[..., None] * (colour(main.fill_colour) - paint)
    rim = max(0.13 * radius, 1.5)
    blend(pixels, coverage(main.main_shape, across, down, radius, angle), colour(main.outline_colour))
    blend(pixels, coverage(main.main_shape, across, down, radius - rim, angle), body)
    # The emblem stands on a plain patch, or the finish would hide its form.
    blend(pixels, coverage("disc", across, down, 0.46 * radius), paint)
    blend(pixels, coverage(main.emblem_shape, across, down, 0.38 * radius, angle), colour(main.emblem_colour))


def _draw_companions(frame: Image, main: MainObject, view: View, moment: float) -> None:
    shape, paint = _SINGULAR[main.companion_shape], colour(main.companion_colour)
    count = words.COUNTS[main.companion_count]
    for number in range(count):
        x, y = view.project(*_companion_place(main, number, count, moment))
        draw(frame, shape, x, y, 0.032 * view.scale, paint, -view.roll)


def _companion_place(main: MainObject, number: int, count: int, moment: float) -> tuple[float, float]:
    """World position of one companion."""
    x, y = place_of(main, moment)
    size = words.SIZES[main.main_size]
    share = number / count
    turn = 2 * math.pi * share
    if main.interaction == "orbit it":
        turn += 2 * math.pi * moment
        return x + (size + 0.07) * math.cos(turn), y + (size + 0.07) * math.sin(turn)
    if main.interaction == "chase it":
        behind_x, behind_y = place_of(main, moment - 0.1 - 0.05 * number)
        return behind_x - 0.05 - 0.02 * number, behind_y + 0.05 * (-1) ** number
    if main.interaction == "scatter":
        reach = 0.05 + 0.4 * moment
        return 0.5 + reach * math.cos(turn), 0.58 + 0.8 * reach * math.sin(turn)
    if main.interaction == "collide with it":
        # Each runs into the rim at mid-time and is thrown back.
        reach = size + 0.03 + 0.5 * abs(moment - 0.5)
        return x + reach * math.cos(turn), y + reach * math.sin(turn)
    if main.interaction == "hide behind it":
        reach = (size + 0.1) * max(math.cos(math.pi * moment), 0.0) + 0.5 * size
        return x + reach * math.cos(turn), y + reach * math.sin(turn)
    if main.interaction == "march in line":
        return 0.12 + 0.075 * number + 0.16 * moment, 0.72
    if main.interaction == "tremble":
        jitter = 0.008 * math.sin(90 * moment + 2 * number)
        return 0.14 + 0.72 * (number + 0.5) / count + jitter, 0.74 + jitter
    reach = size + 0.05 + 0.45 * moment  # flee
    return x + reach * math.cos(turn), y + reach * math.sin(turn)


_PARTICLES = {
    "rain": ("oval", 5.0, (170, 195, 225)),
    "snow": ("disc", 2.4, (250, 250, 255)),
    "hail": ("octagon", 3.4, (205, 220, 230)),
    "leaves": ("rhombus", 4.6, (120, 130, 40)),
    "petals": ("teardrop", 4.0, (250, 190, 205)),
    "confetti": ("square", 3.4, (240, 90, 120)),
    "embers": ("star", 3.2, (255, 130, 20)),
    "bubbles": ("ring", 4.6, (210, 240, 250)),
    "feathers": ("crescent", 4.6, (240, 238, 230)),
    "ash": ("disc", 2.0, (70, 70, 72)),
}
"""Weather -> shape, radius in pixels of a 224-pixel frame, colour."""

_DRIFTS = {"leftward": (-0.5, 0.03), "rightward": (0.5, 0.03), "downward": (0.03, 0.6), "upward": (0.02, -0.45),
           "diagonally": (0.4, 0.4), "circularly": (0.0, 0.0)}  # fmt: skip
"""Direction -> speed in frames' sides per second."""


def draw_weather(frame: Image, scene: Scene, second: float) -> None:
    """Stamp the particles that fill the air onto the frame, all at once; they do not follow the camera."""
    background = scene.background
    size = frame.shape[0]
    starts = _particle_starts(scene.seed, scene.index, words.WEATHER_DENSITIES[background.weather_density])
    drift = np.array(_DRIFTS[background.weather_direction], np.float32)
    places = starts + drift * np.float32(second)
    if background.weather_direction == "circularly":
        places += np.float32(0.07) * np.array([math.cos(3 * second), math.sin(3 * second)], np.float32)
    shape, radius, paint = _PARTICLES[background.weather_kind]
    stencil = _stencil(shape, max(radius * size / 224, 1.5))
    reach = np.arange(stencil.shape[0]) - stencil.shape[0] // 2
    corners = (places % 1 * size).astype(np.int64)
    columns = np.broadcast_to((corners[:, 0, None, None] + reach[None, None, :]) % size, (len(corners), *stencil.shape))
    rows = np.broadcast_to((corners[:, 1, None, None] + reach[None, :, None]) % size, (len(corners), *stencil.shape))
    under = frame[rows, columns]
    frame[rows, columns] = under + stencil[None, :, :, None] * (np.array(paint, np.float32) - under)


@cache
def _stencil(shape: str, radius: float) -> Image:
    reach = math.ceil(radius)
    line = np.arange(-reach, reach + 1, dtype=np.float32)
    angle = math.pi / 2 if shape == "oval" else 0.6
    return coverage(shape, line[None, :], line[:, None], radius, angle) * np.float32(0.92)


@lru_cache(maxsize=4)
def _particle_starts(seed: int, index: int, count: int) -> Image:
    source = random.Random(f"weather/{seed}/{index}")
    return np.array([[source.random(), source.random()] for _ in range(count)], np.float32)
