"""Where the camera is at each moment, and what it sees of the backdrop."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

import builders.synthetic.vocabulary as words
from builders.synthetic.backdrop import MARGIN, Canvas
from builders.synthetic.scene import Camera
from builders.synthetic.shapes import Image


@dataclass(frozen=True, slots=True)
class View:
    """A camera position.

    Args:
        x, y: World point in the middle of the frame.
        zoom: 1 shows one world unit across the frame.
        roll: Turn of the camera, radians, clockwise positive (the picture turns the other way).
        size: Side of the frame in pixels.
    """

    x: float
    y: float
    zoom: float
    roll: float
    size: int

    @property
    def scale(self) -> float:
        """Pixels per world unit."""
        return self.size * self.zoom

    def project(self, x: float, y: float) -> tuple[float, float]:
        """Frame pixels of a point in world units."""
        across, down = (x - self.x) * self.scale, (y - self.y) * self.scale
        cos, sin = math.cos(self.roll), math.sin(self.roll)
        return self.size / 2 + across * cos + down * sin, self.size / 2 - across * sin + down * cos


def look(camera: Camera, shot: int, progress: float, moment: float, seconds: float, size: int) -> View:
    """The view of one shot.

    Args:
        camera: The scene's camera.
        shot: 0 for the initial shot, 1 for the final one.
        progress: Share of the shot that has passed, 0 to 1.
        moment: Share of the clip that has passed, 0 to 1.
        seconds: Length of the clip.
        size: Side of the frame in pixels.
    """
    framing = camera.second_framing if shot else camera.first_framing
    move = camera.second_move if shot else camera.first_move
    length = words.MOVE_PACES[camera.second_pace if shot else camera.first_pace]
    eased = progress * progress * (3 - 2 * progress)
    x, y, zoom, roll = 0.5, 0.5, words.FRAMINGS[framing], 0.0
    across = 0.13 * length * (eased - 0.5)
    if move == "pans leftward":
        x -= across
    elif move == "pans rightward":
        x += across
    elif move == "tilts upward":
        y -= across
    elif move == "tilts downward":
        y += across
    elif move == "pushes closer":
        zoom *= 1 + 0.16 * length * eased
    elif move == "pulls away":
        zoom *= 1 + 0.16 * length * (1 - eased)
    elif move == "rolls clockwise":
        roll = 0.16 * length * eased
    elif move == "rolls anticlockwise":
        roll = -0.16 * length * eased
    elif move == "circles":
        x += 0.05 * length * math.cos(2 * math.pi * eased)
        y += 0.05 * length * math.sin(2 * math.pi * eased)
    shift_x, shift_y, tilt = _handling(camera.stability, moment * seconds)
    return View(x + shift_x, y + shift_y, zoom, roll + tilt, size)


def _handling(stability: str, second: float) -> tuple[float, float, float]:
    """Shift in world units and turn in radians that the operator's hand adds."""
    if stability == "trembling":
        return 0.006 * math.sin(second * 47), 0.006 * math.sin(second * 61 + 1), 0.0
    if stability == "swaying":
        return 0.02 * math.sin(second * 3.2), 0.0, 0.035 * math.sin(second * 3.2)
    if stability == "jolting":
        since = second % 0.8
        return 0.0, 0.035 * math.exp(-7 * since) * math.cos(22 * since), 0.0
    if stability == "floating":
        return 0.012 * math.sin(second * 1.1), 0.028 * math.sin(second * 1.7), 0.0
    return 0.0, 0.0, 0.0


def sample(canvas: Canvas, view: View) -> Image:
    """The backdrop as the camera sees it, ``(size, size, 3)`` float32, 0 to 255; the mean of two samples per pixel."""
    step = 1 / view.scale
    place = (np.arange(view.size, dtype=np.float32) + np.float32(0.5 - view.size / 2)) * np.float32(step)
    cos, sin = np.float32(math.cos(view.roll)), np.float32(math.sin(view.roll))
    x = np.float32(view.x + MARGIN) + cos * place[None, :] - sin * place[:, None]
    y = np.float32(view.y + MARGIN) + sin * place[None, :] + cos * place[:, None]
    side = canvas.pixels.shape[0]
    flat = canvas.pixels.reshape(-1, 3)
    result = np.zeros((view.size, view.size, 3), np.float32)
    for shift in (-step / 4, step / 4):
        column = np.clip((x + np.float32(shift)) * np.float32(canvas.scale), 0, side - 1).astype(np.int32)
        row = np.clip((y + np.float32(shift)) * np.float32(canvas.scale), 0, side - 1).astype(np.int32)
        result += flat.take(row * side + column, axis=0)
    result *= np.float32(0.5)
    return result
