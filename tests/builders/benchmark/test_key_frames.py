"""Key frames: where they are taken, and that a blurred one gives way to a sharp neighbour."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from builders.benchmark.config import FrameSettings
from builders.benchmark.key_frames import even_times, take_frames
from builders.benchmark.model import Clip, ClipFrames
from tests.builders.made_videos import Picture, blur, moving_square, write_video


def frames_of(folder: Path, pictures: list[Picture], **changes: Any) -> ClipFrames:
    write_video(folder / "c.mp4", pictures)
    length = len(pictures) / 10
    clip = Clip("c", "c", "c.mp4", "0" * 64, 0, length, length, len(pictures), 10, 64, 48, 9, 0, (), False, "x", "y")
    settings = FrameSettings(**{"count": 2, "longest_side": 64, **changes}).model_dump(mode="json")
    outcome = take_frames(clip.to_json(), settings, folder)
    return ClipFrames.from_json(outcome.rows[0])


@pytest.mark.parametrize(
    ("duration_s", "per_second", "most", "times"),
    [(4.0, 1.0, 10, [0.5, 1.5, 2.5, 3.5]), (60.0, 2.0, 3, [10, 30, 50]), (0.5, 1.0, 10, [0.125, 0.375])],
    ids=["per second", "at most", "at least two"],
)
def test_times_are_the_middles_of_equal_parts(
    duration_s: float, per_second: float, most: int, times: list[float]
) -> None:
    assert even_times(duration_s, per_second, most) == pytest.approx(times)


def test_sharp_frames_are_taken_where_they_are_due(tmp_path: Path) -> None:
    row = frames_of(tmp_path, moving_square(1, 20))
    assert [frame.time_s for frame in row.frames] == pytest.approx([0.5, 1.5])
    assert [frame.instead_of_s for frame in row.frames] == [None, None]
    assert all((tmp_path / frame.path).read_bytes().startswith(b"\xff\xd8") for frame in row.frames)


def test_blurred_frame_gives_way_to_the_sharpest_near_it(tmp_path: Path) -> None:
    pictures = moving_square(1, 20)
    for number in (4, 5, 6):
        pictures[number] = blur(pictures[number])
    row = frames_of(tmp_path, pictures)
    assert row.frames[0].instead_of_s == pytest.approx(0.5)
    assert row.frames[0].time_s in (pytest.approx(0.3), pytest.approx(0.7))
    assert row.frames[1].instead_of_s is None


def test_blur_over_the_whole_search_stays(tmp_path: Path) -> None:
    pictures = [blur(picture) for picture in moving_square(1, 20)]
    assert [frame.instead_of_s for frame in frames_of(tmp_path, pictures).frames] == [None, None]


def test_same_clip_gives_the_same_pictures(tmp_path: Path) -> None:
    first = frames_of(tmp_path, moving_square(1, 20))
    assert frames_of(tmp_path, moving_square(1, 20)) == first
