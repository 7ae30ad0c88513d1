from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from baselines.captioning.clips import check_frames, find_clips, read_clip, read_media
from baselines.captioning.types import Clip
from vdc.errors import InputError


def test_videos_are_found_in_subfolders_by_id(videos: Path) -> None:
    assert [clip.video_id for clip in find_clips(videos)] == ["a", "b", "one"]
    assert [clip.video_id for clip in find_clips(videos, limit=2)] == ["a", "b"]


def test_a_benchmarks_video_without_a_file_stays_in_the_list(videos: Path, tmp_path: Path) -> None:
    questions = tmp_path / "VDCScore_qa"
    questions.mkdir()
    (questions / "short.jsonl").write_text(
        '{"b": [{"question": "q?", "answer": "a"}]}\n{"gone": [{"question": "q?", "answer": "a"}]}\n'
    )
    clips = find_clips(videos, benchmark=tmp_path)
    assert [(clip.video_id, clip.path is None) for clip in clips] == [("b", False), ("gone", True)]
    with pytest.raises(InputError, match="gone"):
        read_clip(clips[1], 4)


def test_one_id_in_two_files_is_refused(tmp_path: Path) -> None:
    for name in ("x.mp4", "x.mkv"):
        (tmp_path / name).touch()
    with pytest.raises(InputError, match="two files for the video 'x'"):
        find_clips(tmp_path)


@pytest.mark.parametrize(
    ("make", "found"),
    [
        pytest.param(lambda folder: None, "no folder", id="missing"),
        pytest.param(lambda folder: folder.touch(), "a file", id="a file"),
        pytest.param(lambda folder: folder.mkdir(), "no video file", id="empty"),
    ],
)
def test_a_folder_without_videos_is_refused(tmp_path: Path, make: object, found: str) -> None:
    folder = tmp_path / "videos"
    make(folder)  # type: ignore[operator]
    with pytest.raises(InputError, match=found):
        find_clips(folder)


def test_neither_folder_nor_benchmark_is_refused() -> None:
    with pytest.raises(InputError, match="--videos"):
        find_clips()


def test_a_picture_is_a_clip_of_one_frame(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    image.fromarray(np.zeros((8, 6, 3), np.uint8)).save(tmp_path / "p.png")
    assert len(read_media(tmp_path / "p.png", 8)) == 1


def test_a_video_of_one_frame_gives_one_frame(videos: Path) -> None:
    assert len(read_media(videos / "one.mp4", 8)) == 1


@pytest.mark.parametrize("content", [b"", b"not a video at all"], ids=["empty", "text"])
def test_a_broken_video_says_what_to_do(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.mp4").write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_clip(Clip("x", tmp_path / "x.mp4"), 4)
    assert caught.value.problems[0].do_next


def test_fewer_than_one_frame_is_refused() -> None:
    with pytest.raises(InputError, match="0 frames"):
        check_frames(0)
