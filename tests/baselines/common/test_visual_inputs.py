"""What callers hand over, sorted into pictures and videos, and rows of different length as tensors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="the baselines extra (torch) is not installed")

from PIL import Image

from baselines.common.video import VideoFrames
from baselines.common.visual_inputs import clip_pixels, flat, is_picture, is_video, pad_ids, stack_pixels

FRAME = np.zeros((2, 3, 3), dtype=np.uint8)
CLIP = np.zeros((4, 2, 3, 3), dtype=np.uint8)
READ = VideoFrames(CLIP, (0, 1, 2, 3), 4, 10.0)


@pytest.mark.parametrize(
    ("given", "videos"),
    [
        ("a.mp4", 1),
        (CLIP, 1),
        (READ, 1),
        ([FRAME, FRAME], 1),
        ([Image.new("RGB", (2, 2))], 1),
        ([CLIP, CLIP], 2),
        (["a.mp4", [FRAME], READ], 3),
        ([["a.mp4"], [], None], 1),
        (None, 0),
    ],
    ids=["file", "array", "read", "frames", "pictures", "arrays", "mixed", "nested", "none"],
)
def test_a_list_of_frames_is_one_video_and_other_lists_hold_several(given: Any, videos: int) -> None:
    assert len(flat(given, is_video)) == videos


def test_pictures_come_out_of_nested_lists_in_order() -> None:
    assert flat([["a", "b"], [], ["c"]], is_picture) == ["a", "b", "c"]
    assert len(flat(CLIP, is_picture)) == 4


def test_frames_already_read_are_all_taken() -> None:
    for given in (READ, CLIP, list(CLIP)):
        assert len(clip_pixels(given, lambda total: [0], lambda picture: np.zeros((3, 2, 2), np.float32))) == 4


def test_rows_of_different_length_are_filled() -> None:
    ones = np.ones((3, 2, 2), dtype=np.float32)
    made = stack_pixels([[ones, ones], [], [ones]])
    assert made["pixel_values"].sum(dim=(2, 3, 4)).tolist() == [[12, 12], [0, 0], [12, 0]]
    assert made["frame_counts"].tolist() == [2, 0, 1]
    assert stack_pixels([[], []]) == {}
    ids = pad_ids([[5], [6, 7]], 9, "left")
    assert (ids["input_ids"].tolist(), ids["attention_mask"].tolist()) == ([[9, 5], [6, 7]], [[0, 1], [1, 1]])
