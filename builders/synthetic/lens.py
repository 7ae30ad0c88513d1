"""What happens between the world and the finished frame: light, joins, focus, filters, marks, fades."""

from __future__ import annotations

import math
from functools import cache

import numpy as np

from builders.synthetic.scene import Scene
from builders.synthetic.scenery import box
from builders.synthetic.shapes import Image, colour, coverage, draw

BORDER = 0.028
"""Width of the border, share of the frame's side."""


def light(frame: Image, lighting: str, number: int, frames: int) -> None:
    """Change the light in place.

    Args:
        frame: The world as the camera sees it.
        lighting: A value of ``vocabulary.LIGHTINGS``.
        number: Frame number, from 0.
        frames: Frames of the clip.
    """
    moment = number / (frames - 1)
    factors = (1.0, 1.0, 1.0)
    if lighting == "warms":
        factors = (1 + 0.18 * moment, 1.0, 1 - 0.35 * moment)
    elif lighting == "cools":
        factors = (1 - 0.35 * moment, 1.0, 1 + 0.18 * moment)
    elif lighting == "brightens":
        factors = (0.7 + 0.6 * moment,) * 3
    elif lighting == "darkens":
        factors = (1.1 - 0.65 * moment,) * 3
    elif lighting == "pulses":
        factors = (1 + 0.25 * math.sin(4 * math.pi * moment),) * 3
    elif lighting == "flickers":
        factors = (0.75 + 0.35 * (math.sin(number * 12.9898) * 4375.8 % 1),) * 3
    elif lighting == "flashes":
        # At least one frame each, however few there are.
        nearest = min(abs(moment - 0.3), abs(moment - 0.72))
        factors = (1.7 if nearest < max(0.03, 0.51 / (frames - 1)) else 1.0,) * 3
    frame *= np.array(factors, np.float32)


def join(before: Image, after: Image, transition: str, tint: Image, progress: float) -> Image:
    """A frame in the middle of a transition.

    Args:
        before: Frame of the initial shot, ``(size, size, 3)``.
        after: Frame of the final shot, of the same form.
        transition: A value of ``vocabulary.TRANSITIONS``.
        tint: Colour that shines through while the shots change, ``(3,)``.
        progress: 0 to 1.
    """
    size = before.shape[0]
    place = (np.arange(size, dtype=np.float32) + np.float32(0.5)) / np.float32(size)
    x, y = place[None, :], place[:, None]
    if transition == "hard cut":
        mask = np.full((size, size), progress >= 0.5, np.float32)
    elif transition == "wipe":
        mask = (x < progress) + 0 * y
    elif transition == "iris":
        mask = np.hypot(x - np.float32(0.5), y - np.float32(0.5)) < 0.72 * progress
    elif transition == "slide":
        shift = int(size * progress)
        return _tinted(np.concatenate([before[:, shift:], after[:, :shift]], axis=1), tint, progress)
    elif transition == "checkerboard":
        mask = (np.floor(x * 6) + np.floor(y * 6)) % 2 < 2 * progress - 0.5
    elif transition == "blinds":
        mask = (y * 7 % 1 < progress) + 0 * x
    elif transition == "zipper":
        mask = np.where(np.floor(y * 10) % 2 == 0, x < progress, x > 1 - progress)
    else:  # dissolve
        mask = np.full((size, size), progress, np.float32)
    return _tinted(before + mask.astype(np.float32)[..., None] * (after - before), tint, progress)


def _tinted(frame: Image, tint: Image, progress: float) -> Image:
    return frame + np.float32(0.6 * math.sin(math.pi * progress)) * (tint - frame)


def set_focus(frame: Image, focus: str, moment: float) -> Image:
    """The frame, blurred as the focus says at this moment."""
    strength = {
        "crisp": 0.0,
        "soft": 2.0,
        "sharpening": 5 * (1 - moment / 0.6),
        "blurring": 5 * (moment - 0.4) / 0.6,
        "breathing": 2 + 2.5 * math.sin(6 * math.pi * moment),
    }[focus]
    for _ in range(max(round(strength * frame.shape[0] / 224), 0)):
        frame = _blur(frame)
    return frame


def _blur(frame: Image) -> Image:
    # Weights 1 2 1 along each axis; the outermost rows and columns stay as they are, the border covers them.
    blurred = frame.copy()
    blurred[1:-1] += (frame[:-2] + frame[2:]) * np.float32(0.5)
    blurred[1:-1] *= np.float32(0.5)
    result = blurred.copy()
    result[:, 1:-1] += (blurred[:, :-2] + blurred[:, 2:]) * np.float32(0.5)
    result[:, 1:-1] *= np.float32(0.5)
    return result


def apply_filter(frame: Image, name: str, number: int) -> Image:
    """The frame through a filter, mild enough that colours can still be named."""
    size = frame.shape[0]
    if name == "sepia":
        grey = frame.mean(axis=2, keepdims=True)
        toned: Image = frame + np.float32(0.4) * (grey * np.array([1.15, 0.95, 0.7], np.float32) - frame)
        return toned
    if name == "grainy":
        shift = number * 7919 % (size * size)
        noise = np.roll(_grain(size), shift).reshape(size, size, 1)
        return frame + noise
    if name == "vignette":
        shaded: Image = frame * _vignette(size)
        return shaded
    if name == "scanline":
        frame[::3] *= np.float32(0.68)
        return frame
    if name == "posterised":
        return np.floor(np.clip(frame, 0, 255) / 52) * 52 + np.float32(22)
    if name == "faded":
        return frame * np.float32(0.62) + np.float32(80)
    if name == "pixelated":
        block = max(size // 75, 2)
        small = frame[block // 2 :: block, block // 2 :: block]
        big: Image = small.repeat(block, axis=0).repeat(block, axis=1)[:size, :size]
        frame[: big.shape[0], : big.shape[1]] = big
        return frame
    bright = np.clip(frame - np.float32(110), 0, 255)
    for _ in range(3):
        bright = _blur(bright)
    glowing: Image = frame + np.float32(0.5) * bright
    return glowing


@cache
def _grain(size: int) -> Image:
    noise = np.random.default_rng(size).random(size * size, dtype=np.float32)
    grain: Image = (noise - np.float32(0.5)) * np.float32(56)
    return grain


@cache
def _vignette(size: int) -> Image:
    place = np.linspace(-1, 1, size, dtype=np.float32)
    distance = np.hypot(place[None, :], place[:, None])
    factors: Image = (1 - np.float32(0.55) * np.clip(distance - np.float32(0.55), 0, 1))[..., None]
    return factors


def draw_marks(frame: Image, scene: Scene, moment: float) -> None:
    """Draw border, overlay and progress bar on the finished picture, in place."""
    camera, size = scene.camera, frame.shape[0]
    border = max(round(BORDER * size), 2)
    paint = colour(camera.border_colour)
    frame[:border], frame[-border:], frame[:, :border], frame[:, -border:] = paint, paint, paint, paint
    x = size * (0.12 if camera.overlay_corner.endswith("left") else 0.88)
    y = size * (0.12 if camera.overlay_corner.startswith("upper") else 0.86)
    _draw_overlay(frame, camera.overlay_kind, x, y, 0.055 * size, colour(camera.overlay_colour), moment)
    left, thick = 0.05 * size, 0.022 * size
    box(frame, left, 0.94 * size, left + 0.9 * size * moment, 0.94 * size + thick, colour(camera.bar_colour))


def _draw_overlay(frame: Image, kind: str, x: float, y: float, size: float, paint: Image, moment: float) -> None:
    thin = max(0.12 * size, 1.0)
    if kind == "dot":
        draw(frame, "disc", x, y, 0.8 * size, paint)
    elif kind == "crosshair":
        box(frame, x - size, y - thin, x + size, y + thin, paint)
        box(frame, x - thin, y - size, x + thin, y + size, paint)
        _draw_hoop(frame, x, y, 0.7 * size, thin, paint)
    elif kind == "dial":
        _draw_hoop(frame, x, y, size, 1.5 * thin, paint)
        draw(frame, "oval", x + 0.35 * size * math.sin(2 * math.pi * moment),
             y - 0.35 * size * math.cos(2 * math.pi * moment), 0.4 * size, paint,
             2 * math.pi * moment - math.pi / 2)  # fmt: skip
    elif kind == "battery":
        box(frame, x - size, y - 0.5 * size, x + 0.8 * size, y + 0.5 * size, paint)
        box(frame, x + 0.8 * size, y - 0.2 * size, x + size, y + 0.2 * size, paint)
    elif kind == "grid":
        for step in (-0.9, -0.3, 0.3, 0.9):
            box(frame, x + step * size - thin / 2, y - size, x + step * size + thin / 2, y + size, paint)
            box(frame, x - size, y + step * size - thin / 2, x + size, y + step * size + thin / 2, paint)
    elif kind == "bracket":
        box(frame, x - 0.6 * size, y - size, x - 0.3 * size, y + size, paint)
        box(frame, x - 0.6 * size, y - size, x + 0.6 * size, y - 0.7 * size, paint)
        box(frame, x - 0.6 * size, y + 0.7 * size, x + 0.6 * size, y + size, paint)
    else:  # bell
        draw(frame, "teardrop", x, y, size, paint)
        box(frame, x - 0.8 * size, y + 0.35 * size, x + 0.8 * size, y + 0.6 * size, paint)


def _draw_hoop(frame: Image, x: float, y: float, radius: float, thick: float, paint: Image) -> None:
    size = frame.shape[0]
    at_x = np.arange(size, dtype=np.float32)[None, :] + np.float32(0.5 - x)
    at_y = np.arange(size, dtype=np.float32)[:, None] + np.float32(0.5 - y)
    upper, lower = max(int(y - radius) - 1, 0), min(int(y + radius) + 2, size)
    at_y = at_y[upper:lower]
    mask = coverage("disc", at_x, at_y, radius) * (1 - coverage("disc", at_x, at_y, radius - 2 * thick))
    view = frame[upper:lower]
    view += mask[..., None] * (paint - view)


def fade(frame: Image, scene: Scene, moment: float) -> Image:
    """The frame, fading in from the opening colour and out into the closing one."""
    camera = scene.camera
    opening, closing = max(1 - moment / 0.1, 0.0), max(1 - (1 - moment) / 0.1, 0.0)
    tint = colour(camera.open_colour) if opening else colour(camera.close_colour)
    return frame + np.float32(max(opening, closing)) * (tint - frame)
