"""From a scene to its frames."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

import builders.synthetic.vocabulary as words
from builders.synthetic.actors import draw_clouds, draw_main, draw_weather
from builders.synthetic.backdrop import Canvas, paint_backdrop
from builders.synthetic.camera import look, sample
from builders.synthetic.lens import apply_filter, draw_marks, fade, join, light, set_focus
from builders.synthetic.scene import Scene
from builders.synthetic.settings import VideoSettings
from builders.synthetic.shapes import Image, colour

JOIN_SHARE = 0.1
"""Length of a transition, share of the clip; half before and half after the cut."""


def render(scene: Scene, settings: VideoSettings) -> Iterator[NDArray[np.uint8]]:
    """The frames of a scene in order.

    Args:
        scene: What to show.
        settings: Size, length and rate.

    Yields:
        ``(size, size, 3)`` uint8 arrays, RGB; the caller owns them.
    """
    canvas = paint_backdrop(scene, settings.size)
    earlier: Image | None = None
    for number in range(settings.frames):
        frame = _render_frame(scene, canvas, settings, number)
        if scene.camera.playback == "echo":
            if earlier is not None:
                frame = frame * np.float32(0.55) + earlier * np.float32(0.45)
            earlier = frame
        moment = number / (settings.frames - 1)
        finished = fade(_finish(frame, scene, moment, number), scene, moment)
        yield np.clip(finished + np.float32(0.5), 0, 255).astype(np.uint8)


def _render_frame(scene: Scene, canvas: Canvas, settings: VideoSettings, number: int) -> Image:
    """The world as one or, in a transition, both shots see it."""
    camera = scene.camera
    moment = number / (settings.frames - 1)
    cut = words.CUT_MOMENTS[camera.cut_moment]
    # A hard cut is a single frame either side; any other transition has that many at least.
    shortest = 1.5 / settings.frames
    half = shortest if camera.transition == "hard cut" else max(JOIN_SHARE / 2, shortest)
    progress = (moment - cut + half) / (2 * half)
    if progress <= 0:
        return _render_shot(scene, canvas, settings, 0, moment / cut, number)
    if progress >= 1:
        return _render_shot(scene, canvas, settings, 1, (moment - cut) / (1 - cut), number)
    before = _render_shot(scene, canvas, settings, 0, min(moment / cut, 1), number)
    after = _render_shot(scene, canvas, settings, 1, max((moment - cut) / (1 - cut), 0), number)
    return join(before, after, camera.transition, colour(camera.transition_colour), progress)


def _render_shot(
    scene: Scene, canvas: Canvas, settings: VideoSettings, shot: int, shot_progress: float, number: int
) -> Image:
    moment = number / (settings.frames - 1)
    world = _world_moment(scene.camera.playback, moment)
    view = look(scene.camera, shot, shot_progress, moment, settings.seconds, settings.size)
    frame = sample(canvas, view)
    draw_clouds(frame, scene, view, world)
    draw_main(frame, scene, view, world)
    draw_weather(frame, scene, world * settings.seconds)
    light(frame, scene.background.lighting, number, settings.frames)
    return frame


def _world_moment(playback: str, moment: float) -> float:
    """How far the world has got when the clip has got to ``moment``; both run from 0 to 1."""
    if playback == "freeze":
        return min(moment, 0.4) / 0.8 + max(moment - 0.6, 0.0) / 0.8
    if playback == "stutter":
        return math.floor(moment * 9) / 9
    return moment**2.2 if playback == "ramp" else moment


def _finish(frame: Image, scene: Scene, moment: float, number: int) -> Image:
    if scene.camera.playback == "strobe" and number % 4 == 2:
        frame = frame * np.float32(0.4)
    frame = set_focus(frame, scene.camera.focus, moment)
    frame = apply_filter(frame, scene.camera.filter, number)
    draw_marks(frame, scene, moment)
    return frame
