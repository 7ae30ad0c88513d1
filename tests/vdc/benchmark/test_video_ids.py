from __future__ import annotations

import pytest

from vdc.benchmark.video_ids import id_family, strip_extension


@pytest.mark.parametrize(
    ("video_id", "family"),
    [
        ("4pG1KZS2Y_I", "youtube"),
        ("-_aaaaaaaaa", "youtube"),
        ("0" * 64, "hex64"),
        ("g" * 64, "other"),
        ("07309684-1f6e-4977-ab74-f3e63c361f36", "uuid"),
        ("07309684-1f6e-4977-ab74-f3e63c361f3", "other"),
        ("mixkit-a-cat-1", "mixkit"),
        ("mixkit-12345", "mixkit"),
        ("mixkit-", "other"),
        ("synthetic-7-00003", "other"),
        ("", "other"),
    ],
)
def test_form_of_an_id_names_its_family(video_id: str, family: str) -> None:
    assert id_family(video_id) == family


@pytest.mark.parametrize(
    ("name", "video_id"),
    [
        ("a.mp4", "a"),
        ("a.MP4", "a"),
        ("a.mkv", "a"),
        ("a.b", "a.b"),
        ("a.mp4.mp4", "a.mp4"),
        (".mp4", ".mp4"),
        ("", ""),
    ],
)
def test_one_video_extension_is_no_part_of_the_id(name: str, video_id: str) -> None:
    assert strip_extension(name) == video_id
