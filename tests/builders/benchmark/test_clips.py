"""From videos to clips: cuts, lengths, filters, look-alikes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from builders.benchmark.clips import Window, divide, divide_video, drop_near_duplicates
from builders.benchmark.config import ClipSettings
from builders.benchmark.engine import Outcome
from builders.benchmark.model import Clip, SourceVideo
from builders.benchmark.scan import Scan, is_variable, scan_video
from builders.media.measures import hash_distances
from builders.media.reading import iterate_frames
from tests.builders.made_videos import Picture, flat, moving_square, write_video

SETTINGS = ClipSettings(min_s=1.0, max_s=4.0, min_side=32).model_dump(mode="json")


def divided(folder: Path, pictures: list[Picture], name: str = "v.mp4", **changes: Any) -> Outcome:
    options = {key: changes.pop(key) for key in ("fps", "times", "container") if key in changes}
    write_video(folder / name, pictures, **options)
    video = SourceVideo("v", name, 1, "0" * 64, "CC0-1.0", "made", 0, name)
    return divide_video(video.to_json(), {**SETTINGS, **changes}, folder)


def clips_of(outcome: Outcome) -> list[Clip]:
    return [Clip.from_json(row) for row in outcome.rows]


def reasons(outcome: Outcome) -> list[tuple[str, str, str]]:
    return [(row.key, row.reason, row.kind) for row in outcome.dropped]


def test_video_of_one_scene_is_one_clip_and_not_copied(tmp_path: Path) -> None:
    outcome = divided(tmp_path, moving_square(1, 20))
    (clip,) = clips_of(outcome)
    assert (clip.clip_id, clip.path) == ("v", "v.mp4")
    assert (clip.start_s, clip.end_s, clip.frame_count) == (0, 2.0, 20)
    assert clip.fps == pytest.approx(10)
    assert (clip.width, clip.height, clip.retimed) == (64, 48, False)


def test_cut_makes_two_clips_with_files_of_their_own(tmp_path: Path) -> None:
    outcome = divided(tmp_path, moving_square(1, 20) + moving_square(2, 30))
    clips = clips_of(outcome)
    assert [(clip.clip_id, clip.start_s, clip.end_s) for clip in clips] == [("v-000", 0, 2.0), ("v-001", 2.0, 5.0)]
    assert [len(list(iterate_frames(tmp_path / clip.path))) for clip in clips] == [20, 30]
    assert outcome.files == [clip.path for clip in clips]


def test_long_scene_is_divided_evenly(tmp_path: Path) -> None:
    clips = clips_of(divided(tmp_path, moving_square(1, 90)))
    assert [(clip.start_s, clip.end_s) for clip in clips] == [(0, 3.0), (3.0, 6.0), (6.0, 9.0)]


def test_short_scene_is_left_out(tmp_path: Path) -> None:
    outcome = divided(tmp_path, moving_square(1, 20) + moving_square(2, 8))
    assert reasons(outcome) == [("v-001", "too_short", "filter")]
    assert [clip.clip_id for clip in clips_of(outcome)] == ["v-000"]


def test_black_scene_is_left_out(tmp_path: Path) -> None:
    outcome = divided(tmp_path, moving_square(1, 20) + flat(2, 20))
    assert reasons(outcome) == [("v-001", "black", "filter")]


def test_scene_that_stands_still_is_left_out(tmp_path: Path) -> None:
    still = [moving_square(5, 1)[0]] * 20
    assert reasons(divided(tmp_path, moving_square(1, 20) + still)) == [("v-001", "static", "filter")]


def test_small_picture_is_left_out(tmp_path: Path) -> None:
    outcome = divided(tmp_path, moving_square(1, 20), min_side=49)
    assert reasons(outcome) == [("v", "too_small", "filter")]


def test_only_the_first_clips_of_a_video_are_kept(tmp_path: Path) -> None:
    pictures = moving_square(1, 20) + moving_square(2, 20) + moving_square(3, 20)
    outcome = divided(tmp_path, pictures, max_per_video=2)
    assert reasons(outcome) == [("v-002", "enough_of_this_video", "filter")]


VARIABLE = [number * 0.1 if number < 20 else 2.0 + (number - 20) * 0.35 for number in range(25)]


def test_variable_rate_is_written_anew(tmp_path: Path) -> None:
    (clip,) = clips_of(divided(tmp_path, moving_square(1, 25), times=VARIABLE))
    assert clip.retimed
    assert clip.path != "v.mp4"
    scan = scan_video(tmp_path / clip.path, 27.0)
    assert not scan.variable
    assert scan.end_s == pytest.approx(clip.duration_s, abs=1 / clip.fps)


def test_variable_rate_is_a_failure_where_the_configuration_says_drop(tmp_path: Path) -> None:
    outcome = divided(tmp_path, moving_square(1, 25), times=VARIABLE, variable_rate="drop")
    assert reasons(outcome) == [("v", "variable_rate", "failure")]


@pytest.mark.parametrize(
    ("distances", "variable"),
    [
        ([0.04] * 100, False),
        ([0.033, 0.034, 0.033] * 30, False),
        ([0.04] * 100 + [0.08], False),
        ([0.04, 0.08] * 50, True),
        ([0.04] * 90 + [0.2] * 10, True),
    ],
    ids=["constant", "rounded", "one lost frame", "alternating", "slow end"],
)
def test_jitter_is_not_a_variable_rate(distances: list[float], variable: bool) -> None:
    assert is_variable(distances) is variable


def test_one_frame_is_no_video(tmp_path: Path) -> None:
    assert reasons(divided(tmp_path, moving_square(1, 1))) == [("v", "one_frame", "failure")]


def test_file_that_ends_too_early_is_damaged(tmp_path: Path) -> None:
    whole = write_video(tmp_path / "w.mkv", moving_square(1, 60), container="matroska").read_bytes()
    (tmp_path / "v.mkv").write_bytes(whole[: len(whole) // 2])
    video = SourceVideo("v", "v.mkv", 1, "0" * 64, "CC0-1.0", "made", 0, "v.mkv")
    assert reasons(divide_video(video.to_json(), SETTINGS, tmp_path)) == [("v", "damaged", "failure")]


def make_scan(frames: int, cuts: tuple[int, ...], fps: float = 10.0) -> Scan:
    return Scan(
        times_s=np.arange(frames) / fps,
        end_s=frames / fps,
        fps=fps,
        variable=False,
        luma=np.full(frames, 100.0),
        cuts=cuts,
        sample_indices=np.array([0]),
        pictures=np.zeros((1, 32, 32), dtype=np.float32),
        hashes=(0,),
        width=64,
        height=48,
        container="mp4",
    )


@pytest.mark.parametrize(
    ("frames", "cuts", "windows"),
    [
        (40, (), [(0, 40)]),
        (41, (), [(0, 21), (21, 41)]),
        (60, (25,), [(0, 25), (25, 60)]),
        (120, (10,), [(0, 10), (10, 47), (47, 84), (84, 120)]),
    ],
)
def test_windows_cover_every_frame_once(frames: int, cuts: tuple[int, ...], windows: list[tuple[int, int]]) -> None:
    assert divide(make_scan(frames, cuts), 4.0) == [Window(first, stop) for first, stop in windows]


def hashes_of(folder: Path, name: str, pictures: list[Picture], **options: Any) -> Clip:
    (clip,) = clips_of(divided(folder, pictures, name, **options))
    return replace(clip, clip_id=name)


def test_the_same_scene_in_another_size_and_quality_is_a_near_duplicate(tmp_path: Path) -> None:
    first = hashes_of(tmp_path, "a.mp4", moving_square(1, 20, (128, 96), speed=2))
    write_video(tmp_path / "b.mp4", [picture[::2, ::2] for picture in moving_square(1, 20, (128, 96), speed=2)], crf=35)
    second = hashes_of(
        tmp_path, "c.mp4", [picture[::2, ::2].copy() for picture in moving_square(1, 20, (128, 96), speed=2)]
    )
    other = hashes_of(tmp_path, "d.mp4", moving_square(2, 20))
    kept, dropped = drop_near_duplicates([first, second, other], 6.0)
    assert [clip.clip_id for clip in kept] == ["a.mp4", "d.mp4"]
    assert [(row.key, row.reason, row.kind) for row in dropped] == [("c.mp4", "near_duplicate", "filter")]
    assert "a.mp4" in dropped[0].found


def test_different_scenes_are_far_apart(tmp_path: Path) -> None:
    clips = [hashes_of(tmp_path, f"{seed}.mp4", moving_square(seed, 12)) for seed in range(1, 7)]
    table = np.array([[int(text, 16) for text in clip.hashes] for clip in clips], dtype=np.uint64)
    for number, row in enumerate(table):
        others = np.delete(hash_distances(table, row.tolist()), number)
        assert others.min() > 10


def test_no_clip_at_all_is_no_error() -> None:
    assert drop_near_duplicates([], 6.0) == ([], [])
