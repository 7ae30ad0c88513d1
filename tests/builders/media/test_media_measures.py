"""Sharpness, hashes and cutting, against pictures whose properties are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

av = pytest.importorskip("av", reason="PyAV is not installed (extra builders)")

from builders.media.cutting import Span, cut_spans
from builders.media.measures import block_means, hash_distances, perceptual_hash, sharpness
from builders.media.reading import iterate_frames
from tests.builders.made_videos import blur, flat, moving_square, write_video


def gray_of(seed: int, size: tuple[int, int] = (64, 48)) -> np.ndarray:
    return moving_square(seed, 1, size)[0].mean(axis=2).astype(np.uint8)


def test_sharpness_of_one_bright_pixel_by_hand() -> None:
    picture = np.zeros((5, 5), dtype=np.uint8)
    picture[2, 2] = 9
    # Laplacian inside: -36 in the middle, 9 on its four sides, 0 in the corners: mean 0, variance (36^2 + 4*9^2) / 9
    assert sharpness(picture) == pytest.approx((36**2 + 4 * 81) / 9)


def test_blurred_picture_is_less_sharp() -> None:
    picture = moving_square(1, 1)[0]
    assert sharpness(blur(picture).mean(axis=2).astype(np.uint8)) < 0.2 * sharpness(
        picture.mean(axis=2).astype(np.uint8)
    )


def test_tiny_picture_has_no_sharpness() -> None:
    assert sharpness(np.zeros((2, 9), dtype=np.uint8)) == 0.0


def test_block_means_by_hand() -> None:
    picture = np.array([[0, 2, 4, 6], [0, 2, 4, 6]], dtype=np.uint8)
    assert block_means(picture, 2).tolist() == [[1, 5], [1, 5]]


@given(height=st.integers(1, 40), width=st.integers(1, 40), side=st.integers(1, 12), value=st.integers(0, 255))
def test_blocks_of_a_flat_picture_have_its_value(height: int, width: int, side: int, value: int) -> None:
    means = block_means(np.full((height, width), value, dtype=np.uint8), side)
    assert means.shape == (side, side)
    assert np.allclose(means, value)


def bits_between(first: np.ndarray, second: np.ndarray) -> int:
    return (perceptual_hash(first) ^ perceptual_hash(second)).bit_count()


def test_hash_survives_scaling_and_brightness() -> None:
    picture = gray_of(1, (128, 96))
    smaller = block_means(picture, 48).astype(np.uint8)
    brighter = np.clip(picture.astype(int) + 20, 0, 255).astype(np.uint8)
    assert bits_between(picture, smaller) <= 4
    assert bits_between(picture, brighter) <= 4


def test_hashes_of_other_pictures_differ_in_about_half_their_bits() -> None:
    distances = [bits_between(gray_of(1), gray_of(seed)) for seed in range(2, 12)]
    assert 20 <= float(np.mean(distances)) <= 44
    assert min(distances) > 10


def test_hash_of_a_flat_picture_is_stable() -> None:
    assert perceptual_hash(np.full((48, 64), 7, np.uint8)) == perceptual_hash(np.full((48, 64), 200, np.uint8))


def test_distance_is_the_mean_number_of_bits() -> None:
    many = np.array([[0b0, 0b0], [0b111, 0b1]], dtype=np.uint64)
    assert hash_distances(many, [0b0, 0b0]).tolist() == [0.0, 2.0]


def test_parts_keep_every_frame_once(tmp_path: Path) -> None:
    pictures = [flat(10 * number, 1)[0] for number in range(20)]
    source = write_video(tmp_path / "a.mp4", pictures, fps=10)
    parts = list(cut_spans(source, [Span(0.0, 0.7), Span(0.7, 2.0)], 10.0))
    seen: list[float] = []
    for number, content in enumerate(parts):
        path = tmp_path / f"part{number}.mp4"
        path.write_bytes(content)
        frames = list(iterate_frames(path))
        assert [frame.time_s for frame in frames] == pytest.approx([index / 10 for index in range(len(frames))])
        seen += [float(frame.gray().mean()) for frame in frames]
    assert len(seen) == 20
    assert np.all(np.diff(seen) > 4)


def test_cutting_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    source = write_video(tmp_path / "a.mp4", moving_square(1, 20))
    assert list(cut_spans(source, [Span(0.5, 1.5)], 10.0)) == list(cut_spans(source, [Span(0.5, 1.5)], 10.0))


def test_variable_rate_becomes_constant_and_keeps_its_speed(tmp_path: Path) -> None:
    pictures = [flat(20 * number, 1)[0] for number in range(10)]
    times = [0, 0.1, 0.2, 0.3, 0.4, 0.9, 1.4, 1.9, 2.4, 2.9]
    source = write_video(tmp_path / "a.mp4", pictures, times=times)
    (tmp_path / "b.mp4").write_bytes(next(cut_spans(source, [Span(0.0, 3.4)], 10.0)))
    frames = list(iterate_frames(tmp_path / "b.mp4"))
    assert len(frames) == 34
    # at 1.5 s the picture of 1.4 s is shown: number 6, luma 120
    assert float(frames[15].gray().mean()) == pytest.approx(120, abs=4)


def test_odd_sizes_lose_their_last_row_and_column(tmp_path: Path) -> None:
    source = write_video(tmp_path / "a.avi", flat(99, 6, (63, 47)), container="avi", codec="ffv1")
    (tmp_path / "b.mp4").write_bytes(next(cut_spans(source, [Span(0.0, 0.6)], 10.0)))
    assert next(iterate_frames(tmp_path / "b.mp4")).size == (62, 46)
