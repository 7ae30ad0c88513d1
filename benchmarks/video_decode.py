"""How long reading frames takes, against PyAV's bare decode of the same file.

    python benchmarks/video_decode.py [--seconds 10] [--width 1280] [--height 720] [--frames 32] [--json]

The clip is made here: moving shapes and noise at 30 frames a second, H.264. "Bare" decodes the clip to its last frame
and keeps nothing; ours also turns 32 frames into normalised pixels of the released tower's size.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np

from baselines.common.frame_sampling import uniform_with_last
from baselines.common.images import ImageSpec, centre_crop_pixels
from baselines.common.video import read_frames


def make_clip(path: Path, seconds: int, width: int, height: int) -> None:
    """Write a clip with motion everywhere, so that decoding it is work."""
    generator = np.random.default_rng(0)
    backdrop = generator.integers(0, 255, (height, width, 3), dtype=np.uint8)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number in range(30 * seconds):
            frame = np.roll(backdrop, (3 * number, 5 * number), axis=(0, 1)) // 4 + 64
            left = (8 * number) % (width - 160)
            frame[100:260, left : left + 160] = (255, 80, 40)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame.astype(np.uint8), format="rgb24")))
        container.mux(stream.encode())


def bare_decode(path: Path, threads: str) -> int:
    """Decode every frame and keep none."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.thread_type = threads
        return sum(1 for _ in container.decode(stream))


def best_of(run: Callable[[], object], repeats: int) -> float:
    """Shortest of several runs, seconds."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--width", type=int, default=1280)
    parser.add_argument("--height", type=int, default=720)
    parser.add_argument("--frames", type=int, default=32)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    spec = ImageSpec(size=378)
    with tempfile.TemporaryDirectory() as work:
        clip = Path(work) / "clip.mp4"
        make_clip(clip, given.seconds, given.width, given.height)

        def read(prepare: Callable[..., object] | None = None) -> object:
            return read_frames(clip, lambda total: uniform_with_last(total, given.frames), prepare).frames

        def prepare(frame: object) -> object:
            return centre_crop_pixels(frame, spec)

        table = {
            "clip": f"{given.width}x{given.height}, {given.seconds} s, 30 frames a second, H.264",
            "frames": len(read()),
            "bare_decode_s": best_of(lambda: bare_decode(clip, "AUTO"), given.repeats),
            "bare_decode_one_thread_s": best_of(lambda: bare_decode(clip, "NONE"), given.repeats),
            "decode_s": best_of(read, given.repeats),
            "decode_and_preprocess_s": best_of(lambda: read(prepare), given.repeats),
        }
    for kind in ("bare_decode_s", "bare_decode_one_thread_s"):
        table[f"over_{kind.removesuffix('_s')}"] = table["decode_and_preprocess_s"] / table[kind]
    rounded = {key: round(value, 3) if isinstance(value, float) else value for key, value in table.items()}
    print(
        json.dumps(rounded, indent=2) if given.json else "\n".join(f"{key}: {value}" for key, value in rounded.items())
    )


if __name__ == "__main__":
    main()
