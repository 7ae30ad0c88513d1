"""Reading frames from files whose headers may lie."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("av", reason="the baselines extra (PyAV) is not installed")

from baselines.common import video
from baselines.common.frame_sampling import uniform_with_last
from baselines.common.video import iterate_frames, read_frames
from vdc.errors import InputError

MakeClip = Callable[..., Path]


def numbers(frames: np.ndarray) -> list[int]:
    """Frame numbers, read back from the brightness."""
    return [round(float(frame.mean()) / 8) for frame in frames]


def four(total: int) -> list[int]:
    return uniform_with_last(total, 4)


@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv", "clip.webm"])
def test_frames_are_those_of_the_indices(make_clip: MakeClip, name: str) -> None:
    read = read_frames(make_clip(13, name=name), four)
    assert read.indices == (0, 4, 8, 12)
    assert numbers(read.frames) == [0, 4, 8, 12]
    assert (read.total_frames, read.damaged) == (13, False)
    assert read.frames.shape == (4, 48, 64, 3)


def test_a_video_of_one_frame_gives_that_frame(make_clip: MakeClip) -> None:
    assert read_frames(make_clip(1), four).indices == (0,)


def test_variable_frame_rate_counts_frames_and_not_time(make_clip: MakeClip) -> None:
    clip = make_clip(10, pts=[0, 1, 2, 3, 4, 50, 51, 52, 53, 90])
    read = read_frames(clip, four)
    assert read.total_frames == 10
    assert numbers(read.frames) == [0, 3, 6, 9]


@pytest.mark.parametrize("claimed", [0, 500], ids=["unknown", "too-many"])
def test_a_wrong_count_in_the_header_is_found_out(
    make_clip: MakeClip, monkeypatch: pytest.MonkeyPatch, claimed: int
) -> None:
    monkeypatch.setattr(video, "_announced", lambda *_: claimed or None)
    read = read_frames(make_clip(13), four)
    assert read.total_frames == 13
    assert numbers(read.frames) == [0, 4, 8, 12]


def test_a_file_cut_short_gives_the_frames_it_still_has(make_clip: MakeClip) -> None:
    clip = make_clip(30, name="clip.ts")
    whole = clip.read_bytes()
    clip.write_bytes(whole[: len(whole) * 2 // 3])
    read = read_frames(clip, four)
    assert 1 < read.total_frames < 30
    assert read.indices == tuple(four(read.total_frames))
    assert numbers(read.frames)[:2] == list(read.indices)[:2]  # where the cut falls the decoder may lose a frame or two
    assert numbers(read.frames) == sorted(set(numbers(read.frames)))


def test_preparation_runs_per_frame_and_is_stacked_in_order(make_clip: MakeClip) -> None:
    read = read_frames(make_clip(13), four, lambda picture: picture.mean(axis=(0, 1)))
    assert read.frames.shape == (4, 3)
    assert [round(float(row.mean()) / 8) for row in read.frames] == [0, 4, 8, 12]


def test_iterating_gives_every_frame_once(make_clip: MakeClip) -> None:
    assert [round(float(frame.mean()) / 8) for frame in iterate_frames(make_clip(7))] == list(range(7))


def test_files_that_are_no_video_are_refused_with_their_name(tmp_path: Path) -> None:
    text = tmp_path / "notes.mp4"
    text.write_text("not a video")
    for path in (text, tmp_path / "absent.mp4", tmp_path):
        with pytest.raises(InputError, match=path.name):
            read_frames(path, four)
