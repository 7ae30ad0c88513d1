from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from baselines.captioning.clips import find_clips, read_clip, read_media
from baselines.captioning.frame_rule import FrameRule
from baselines.captioning.types import Clip, Footage, View
from vdc.errors import InputError

EIGHT = View(FrameRule(8))


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
        read_clip(clips[1], EIGHT)


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


def test_a_picture_is_a_clip_of_one_frame_and_says_that_it_is_still(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    image.fromarray(np.zeros((8, 6, 3), np.uint8)).save(tmp_path / "p.png")
    read = read_media(tmp_path / "p.png", EIGHT)
    assert isinstance(read, Footage)
    assert (len(read.frames), read.still) == (1, True)


def test_a_video_of_one_frame_gives_one_frame_and_is_not_still(videos: Path) -> None:
    read = read_media(videos / "one.mp4", EIGHT)
    assert isinstance(read, Footage)
    assert (len(read.frames), read.still) == (1, False)


def test_frames_are_prepared_as_the_model_wants_while_they_are_read(videos: Path) -> None:
    view = View(FrameRule(3), lambda picture: np.full((3, 2, 2), np.asarray(picture).mean(), np.float32))
    read = read_media(videos / "a.mp4", view)
    assert isinstance(read, Footage)
    assert {(frame.shape, str(frame.dtype)) for frame in read.frames} == {((3, 2, 2), "float32")}


def test_a_feature_file_is_read_as_a_film(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="torch is not installed (extra baselines)")
    from baselines.llama_vid.features import Film, write_published

    film = Film(np.zeros((2, 5, 4), np.float16), "<image>hello<image>")
    write_published(film, tmp_path / "film.pkl")
    read = read_media(tmp_path / "film.pkl", EIGHT)
    assert isinstance(read, Film)
    assert read.inputs == film.inputs


@pytest.mark.parametrize("content", [b"", b"not a video at all"], ids=["empty", "text"])
def test_a_broken_video_says_what_to_do(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.mp4").write_bytes(content)
    with pytest.raises(InputError) as caught:
        read_clip(Clip("x", tmp_path / "x.mp4"), EIGHT)
    assert caught.value.problems[0].do_next
