"""Pictures as paths, data: URLs, addresses and pixels: three kinds of text that must not be mistaken for each other."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pytest
from PIL import Image

from baselines.common.images import open_picture
from vdc.errors import InputError

PIXELS = np.random.default_rng(0).integers(0, 256, (4, 6, 3), dtype=np.uint8)


def png() -> bytes:
    stream = io.BytesIO()
    Image.fromarray(PIXELS).save(stream, "PNG")
    return stream.getvalue()


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("data:image/png;base64," + base64.b64encode(png()).decode(), id="base64"),
        pytest.param("DATA:;BASE64," + quote(base64.b64encode(png())), id="upper case, escaped, no media type"),
        pytest.param("data:image/png," + quote(png()), id="percent"),
    ],
)
def test_a_data_url_is_the_picture_in_it(url: str) -> None:
    assert np.array_equal(np.asarray(open_picture(url)), PIXELS)


def test_a_path_is_a_file_even_with_a_colon_in_its_name(tmp_path: Path) -> None:
    path = tmp_path / "data 1:2.png"
    path.write_bytes(png())
    for given in (path, str(path)):
        assert np.array_equal(np.asarray(open_picture(given)), PIXELS)


def test_pixels_stay_as_they_are() -> None:
    assert open_picture(PIXELS) is PIXELS
    torch = pytest.importorskip("torch", reason="the baselines extra (torch) is not installed")
    assert np.array_equal(open_picture(torch.from_numpy(PIXELS)), PIXELS)


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ("https://example.org/a.png", "an address on the network"),
        ("HTTP://example.org/a.png", "an address on the network"),
        ("s3://bucket/a.png", "an address on the network"),
        ("data:image/png;base64,???", "a data: URL that cannot be read"),
        ("data:image/png;base64", "cannot be read as a picture"),
        ("data:text/plain,hello", r"cannot be read as a picture \(no known format\)"),
        ("absent.png", "no file"),
    ],
)
def test_what_is_no_picture_is_refused_and_nothing_is_fetched(given: str, found: str) -> None:
    with pytest.raises(InputError, match=found):
        open_picture(given)


def test_a_long_url_does_not_fill_the_message() -> None:
    with pytest.raises(InputError) as caught:
        open_picture("data:image/png;base64," + "A" * 10_000)
    assert len(str(caught.value)) < 500
