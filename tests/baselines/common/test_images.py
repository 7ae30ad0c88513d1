"""From pictures to pixels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from baselines.common.images import (
    ImageSpec,
    blank_pixels,
    centre_crop_pixels,
    open_image,
    pad_to_square,
    padded_pixels,
    prepare_many,
    square_pixels,
)
from vdc.errors import InputError

SPEC = ImageSpec(size=56)


def picture(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    ("height", "width", "size"),
    [
        (90, 60, 56),
        (40, 70, 56),
        (56, 56, 56),
        (57, 131, 56),
        (720, 1280, 378),
        (480, 640, 378),
        (640, 480, 378),
        (300, 400, 224),
    ],
    ids=lambda value: str(value),
)
def test_cropping_equals_clips_own_processor_to_the_bit(height: int, width: int, size: int) -> None:
    pytest.importorskip("transformers", reason="the baselines extra (transformers) is not installed")
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

    image = picture(height, width)
    processor = CLIPImageProcessorPil(size={"shortest_edge": size}, crop_size={"height": size, "width": size})
    theirs = processor(Image.fromarray(image), return_tensors="np")["pixel_values"][0]
    assert np.array_equal(centre_crop_pixels(image, ImageSpec(size=size)), theirs)


def test_padding_puts_the_picture_in_the_middle_of_the_mean_colour() -> None:
    square = np.asarray(pad_to_square(np.zeros((2, 5, 3), dtype=np.uint8), SPEC))
    assert square.shape == (5, 5, 3)
    assert (square[:1] == (122, 116, 104)).all()  # offset floor((5 - 2) / 2) = 1
    assert (square[1:3] == 0).all()
    assert (square[3:] == (122, 116, 104)).all()


@pytest.mark.parametrize(("side", "strip"), [(155, 1), (200, 0)])
def test_sides_that_truncate_show_a_black_strip_on_two_edges(side: int, strip: int) -> None:
    spec = ImageSpec(size=378)
    pixels = padded_pixels(np.full((side, side, 3), 255, dtype=np.uint8), spec)
    assert pixels.shape == (3, 378, 378)
    black = np.float32(-spec.mean[0] / spec.std[0])
    rows = int((np.abs(pixels[0, :, 0] - black) < 1e-6).sum())
    columns = int((np.abs(pixels[0, 0, :] - black) < 1e-6).sum())
    assert (rows, columns) == (strip, strip)


def test_a_size_that_is_no_multiple_of_the_patch_is_filled_up() -> None:
    assert padded_pixels(picture(50, 50), ImageSpec(size=50, patch_size=14)).shape == (3, 56, 56)


def test_square_road_sees_the_whole_picture_and_blank_is_zero() -> None:
    assert square_pixels(picture(30, 90), SPEC).shape == (3, 56, 56)
    assert not blank_pixels(SPEC).any()
    assert blank_pixels(SPEC).shape == (3, 56, 56)


def test_many_frames_keep_their_order() -> None:
    frames = [picture(60, 80, seed) for seed in range(5)]
    together = prepare_many(frames, lambda frame: centre_crop_pixels(frame, SPEC))
    assert all(np.array_equal(a, centre_crop_pixels(b, SPEC)) for a, b in zip(together, frames, strict=True))
    with pytest.raises(InputError, match="no frames"):
        prepare_many([], lambda frame: centre_crop_pixels(frame, SPEC))


def test_bad_pictures_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="float32"):
        centre_crop_pixels(np.zeros((4, 4, 3), dtype=np.float32), SPEC)  # type: ignore[arg-type]
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\n broken")
    for path in (broken, tmp_path / "absent.png"):
        with pytest.raises(InputError, match=path.name):
            open_image(path)


def test_grey_and_transparent_files_become_rgb(tmp_path: Path) -> None:
    for mode in ("L", "RGBA", "P"):
        Image.new(mode, (8, 6)).save(tmp_path / "one.png")
        assert open_image(tmp_path / "one.png").mode == "RGB"
