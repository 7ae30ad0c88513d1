"""Time to make synthetic videos, and the renderer against a plain loop over pixels.

    python benchmarks/synthetic.py [--videos 100] [--workers 2] [--write]

The loop does what the renderer does for the two things that cover most of a frame: the backdrop as the camera sees it,
and one large shape. Both must give the same pixels. ``--write`` replaces docs/benchmarks/synthetic.md.
"""

from __future__ import annotations

import argparse
import json
import math
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from builders.synthetic import VideoSettings, build_synthetic, draw_scene, render
from builders.synthetic.backdrop import MARGIN, Canvas, paint_backdrop
from builders.synthetic.camera import View, sample
from builders.synthetic.shapes import Image, colour, draw

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks" / "synthetic.md"
SETTINGS = VideoSettings()
HEXAGON_RADIUS = 60.0


def looped_frame(canvas: Canvas, view: View) -> Image:
    """Backdrop and hexagon by a plain loop over pixels."""
    frame = np.zeros((view.size, view.size, 3), np.float32)
    step, side, middle = 1 / view.scale, canvas.pixels.shape[0], view.size / 2
    cos, sin = math.cos(view.roll), math.sin(view.roll)
    paint = colour("crimson")
    corners = [(math.cos(k * math.pi / 3), math.sin(k * math.pi / 3)) for k in range(6)]
    for row in range(view.size):
        for column in range(view.size):
            across, down = (column + 0.5 - middle) * step, (row + 0.5 - middle) * step
            x, y = view.x + MARGIN + cos * across - sin * down, view.y + MARGIN + sin * across + cos * down
            total = np.zeros(3, np.float32)
            for shift in (-step / 4, step / 4):
                at_x = int(min(max((x + shift) * canvas.scale, 0), side - 1))
                at_y = int(min(max((y + shift) * canvas.scale, 0), side - 1))
                total += canvas.pixels[at_y, at_x]
            pixel = total / 2
            from_x, from_y = column + 0.5 - middle, row + 0.5 - middle
            distance, angle = math.hypot(from_x, from_y), math.atan2(from_y, from_x) % (math.pi / 3)
            (x1, y1), (x2, y2) = corners[0], corners[1]
            reach = (x1 * y2 - y1 * x2) / (math.cos(angle) * (y2 - y1) - math.sin(angle) * (x2 - x1))
            cover = min(max(HEXAGON_RADIUS * reach - distance + 0.5, 0), 1)
            frame[row, column] = pixel + cover * (paint - pixel)
    return frame


def measure(videos: int, workers: int) -> dict[str, Any]:
    """All figures of the page."""
    scene = draw_scene(0, 0)
    canvas = paint_backdrop(scene, SETTINGS.size)
    view = View(0.5, 0.5, 1.0, 0.1, SETTINGS.size)
    started = time.perf_counter()
    looped = looped_frame(canvas, view)
    loop_s = time.perf_counter() - started
    times = []
    for _ in range(20):
        started = time.perf_counter()
        frame = sample(canvas, view)
        draw(frame, "hexagon", SETTINGS.size / 2, SETTINGS.size / 2, HEXAGON_RADIUS, colour("crimson"))
        times.append(time.perf_counter() - started)
    # The two round a sample's position differently at the edge of a canvas pixel, here and there.
    if float(np.mean(np.abs(frame - looped) > 2)) > 0.02:
        raise SystemExit("the loop and the renderer do not draw the same picture")
    started = time.perf_counter()
    frames = sum(1 for _ in render(scene, SETTINGS))
    frame_s = (time.perf_counter() - started) / frames
    with tempfile.TemporaryDirectory() as folder:
        built = build_synthetic(Path(folder) / "toy", videos=videos, workers=workers)
        size = sum(path.stat().st_size for path in Path(folder).rglob("*.mp4"))
    return {
        "videos": videos,
        "workers": workers,
        "build_s": built.elapsed_s,
        "megabytes": size / 1e6,
        "whole_frame_ms": 1000 * frame_s,
        "part_ms": 1000 * min(times),
        "part_loop_ms": 1000 * loop_s,
        "ratio": loop_s / min(times),
    }


def page(found: dict[str, Any]) -> str:
    """The table for the docs."""
    return f"""# Making synthetic videos

{found["videos"]} videos of {SETTINGS.seconds:g} s, {SETTINGS.size} pixels, {SETTINGS.fps} frames per second, with \
{found["workers"]} processes. Goal: under 60 s for 100 videos on two cores. Made by \
`python benchmarks/synthetic.py --write`.

| what | figure |
| --- | --- |
| whole benchmark, rendered, encoded and written | {found["build_s"]:.0f} s |
| its videos | {found["megabytes"]:.0f} MB |
| one whole frame, rendered | {found["whole_frame_ms"]:.1f} ms |
| backdrop and one large shape, renderer | {found["part_ms"]:.1f} ms |
| backdrop and one large shape, loop over pixels | {found["part_loop_ms"]:.0f} ms |
| ratio of the two | {found["ratio"]:.0f} |

Seconds depend on the machine; the ratio much less.
"""


def main() -> None:
    """Measure and print JSON; write the page where asked."""
    parser = argparse.ArgumentParser(description="Time to make synthetic videos, against a plain loop over pixels.")
    parser.add_argument("--videos", type=int, default=100)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--write", action="store_true", help="replace docs/benchmarks/synthetic.md")
    arguments = parser.parse_args()
    found = measure(arguments.videos, arguments.workers)
    print(json.dumps(found, indent=2))
    if arguments.write:
        PAGE.parent.mkdir(parents=True, exist_ok=True)
        PAGE.write_text(page(found), encoding="utf-8")


if __name__ == "__main__":
    main()
