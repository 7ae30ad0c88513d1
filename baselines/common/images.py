"""From pictures to normalised pixels, with PIL and NumPy alone, bit for bit as CLIP's PIL image processor does it.

Two roads, because the published AuroraCap uses two: inference crops the centre, training pads to a square. Both end in
``float32`` arrays of shape ``(3, height, width)``.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import IO, Any, TypeAlias
from urllib.parse import unquote_to_bytes

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from vdc.errors import InputError, Problem

Pixels: TypeAlias = NDArray[np.float32]
"""Normalised pixels, ``(3, height, width)`` or ``(frames, 3, height, width)``."""

Picture: TypeAlias = Image.Image | NDArray[np.uint8]
"""A PIL image, or bytes of shape ``(height, width, 3)`` in RGB order."""

CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)


@dataclass(frozen=True, slots=True)
class ImageSpec:
    """What a vision tower wants to see.

    Args:
        size: Side of the square it was trained on, pixels.
        patch_size: Side of one patch, pixels.
        mean: Per channel, in units of the 0..1 range.
        std: Per channel, same units.
    """

    size: int
    patch_size: int = 14
    mean: tuple[float, float, float] = CLIP_MEAN
    std: tuple[float, float, float] = CLIP_STD


def open_picture(given: Any) -> Picture:
    """A picture in any form a caller may hand it over.

    Args:
        given: A PIL image, an array or tensor of bytes ``(height, width, 3)``, a path, or a ``data:`` URL.

    Raises:
        InputError: As :func:`open_image`; or the address of a picture on the network, which nothing here fetches.
    """
    if isinstance(given, Path):
        return open_image(given)
    if isinstance(given, str):
        if given[:5].lower() == "data:":
            return _read_picture(BytesIO(_embedded_bytes(given)), _shortened(given))
        if _ADDRESS.match(given):
            raise InputError(
                Problem(
                    "an address on the network",
                    "a file, a data: URL, or the picture itself",
                    "download it first: models fetch nothing",
                    _shortened(given),
                )
            )
        return open_image(given)
    picture: Picture = given.numpy() if hasattr(given, "numpy") else given
    return picture


_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://", re.IGNORECASE)


def open_image(path: str | Path) -> Image.Image:
    """The picture in a file, upright and in RGB.

    Raises:
        InputError: There is no such file, or it holds no picture that can be read to its end.
    """
    return _read_picture(path, _shortened(str(path)))


def _read_picture(source: str | Path | IO[bytes], where: str) -> Image.Image:
    try:
        with Image.open(source) as opened:
            return (ImageOps.exif_transpose(opened) or opened).convert("RGB")
    except FileNotFoundError as error:
        raise InputError(Problem("no file", "a picture", "check the path", where)) from error
    except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError) as error:
        reason = "no known format" if isinstance(error, UnidentifiedImageError) else _shortened(str(error))
        raise InputError(
            Problem(f"a file that cannot be read as a picture ({reason})", "an image file", "replace it", where)
        ) from error


def _embedded_bytes(url: str) -> bytes:
    header, _, body = url.partition(",")
    try:
        content = unquote_to_bytes(body)
        return base64.b64decode(content, validate=True) if header.lower().endswith(";base64") else content
    except ValueError as error:
        where = _shortened(url)
        problem = Problem(f"a data: URL that cannot be read ({error})", "data:image/png;base64,...", "encode it", where)
        raise InputError(problem) from error


def _shortened(text: str) -> str:
    return text if len(text) <= 300 else f"{text[:80]}...{text[-80:]} ({len(text)} characters)"


def to_pil(picture: Picture) -> Image.Image:
    """The picture as an RGB PIL image.

    Raises:
        InputError: An array that is not ``uint8`` of shape ``(height, width, 3)``.
    """
    if isinstance(picture, Image.Image):
        return picture if picture.mode == "RGB" else picture.convert("RGB")
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3:
        raise InputError(
            Problem(
                f"an array of {picture.dtype} with shape {picture.shape}",
                "uint8 of shape (height, width, 3), RGB",
                "convert the frame first",
            )
        )
    return Image.fromarray(picture)


def centre_crop_pixels(picture: Picture, spec: ImageSpec) -> Pixels:
    """Inference road: shorter side to ``spec.size`` (bicubic), centre crop, normalise.

    Args:
        picture: One picture of any size.
        spec: Target.

    Returns:
        ``(3, spec.size, spec.size)``.

    Source: CLIP's image processor as AuroraCap, LLaVA and LLaMA-VID configure it.
    """
    image = to_pil(picture)
    width, height = image.size
    short, long = min(width, height), max(width, height)
    other = int(spec.size * long / short)
    size = (spec.size, other) if width <= height else (other, spec.size)
    left, top = (size[0] - spec.size) // 2, (size[1] - spec.size) // 2
    if size == image.size:
        return normalise(np.asarray(image)[top : top + spec.size, left : left + spec.size], spec)
    edges = _whole_pixel_columns(width, size[0], left, spec.size) if top == 0 else None
    if edges is not None:
        box = (edges[0], 0, edges[1], height)
        return normalise(np.asarray(image.resize((spec.size, spec.size), Image.Resampling.BICUBIC, box=box)), spec)
    resized = np.asarray(image.resize(size, Image.Resampling.BICUBIC))
    return normalise(resized[top : top + spec.size, left : left + spec.size], spec)


def _whole_pixel_columns(width: int, scaled: int, left: int, side: int) -> tuple[int, int] | None:
    """The columns of a landscape picture that the crop shows, where both edges are whole pixels, as for 16:9 and 4:3.

    Resizing those alone gives the same bytes as resizing everything and cropping, in half the time. With edges between
    pixels it would not (PIL keeps a box in single precision), nor for upright pictures (PIL then rounds between its two
    passes in the other order).
    """
    first, rest_first = divmod(left * width, scaled)
    last, rest_last = divmod((left + side) * width, scaled)
    return None if rest_first or rest_last else (first, last)


def pad_to_square(picture: Picture, spec: ImageSpec) -> Image.Image:
    """The picture centred on a square of the mean colour, so that nothing of it is cut off."""
    image = to_pil(picture)
    width, height = image.size
    if width == height:
        return image
    side = max(width, height)
    red, green, blue = (int(channel * 255) for channel in spec.mean)
    square = Image.new("RGB", (side, side), (red, green, blue))
    square.paste(image, ((side - width) // 2, (side - height) // 2))
    return square


def padded_pixels(picture: Picture, spec: ImageSpec) -> Pixels:
    """Training road: pad to a square, scale to ``spec.size``, fill up to whole patches with black, normalise.

    The scale is computed in floating point and truncated as in the published code, so for some sides (155, 309, ...)
    the scaled picture is one pixel short and a black strip shows on two edges.

    Returns:
        ``(3, side, side)`` with ``side`` a multiple of ``spec.patch_size``; ``spec.size`` for sizes that are one.

    Source: AuroraCap's training data class with its default options.
    """
    square = pad_to_square(picture, spec)
    side = int(square.width * (spec.size / square.width))
    scaled = square.resize((side, side), Image.Resampling.BICUBIC)
    whole = -(-side // spec.patch_size) * spec.patch_size
    canvas = np.zeros((whole, whole, 3), dtype=np.uint8)
    canvas[:side, :side] = np.asarray(scaled)
    return normalise(canvas, spec)


def square_pixels(picture: Picture, spec: ImageSpec) -> Pixels:
    """Pad to a square, then the inference road: LLaVA's ``pad`` setting.

    Returns:
        ``(3, spec.size, spec.size)``.
    """
    return centre_crop_pixels(pad_to_square(picture, spec), spec)


def blank_pixels(spec: ImageSpec) -> Pixels:
    """All-zero pixels: stands in for the picture of a text-only sample. Shape ``(3, spec.size, spec.size)``."""
    return np.zeros((3, spec.size, spec.size), dtype=np.float32)


def prepare_many(
    frames: Sequence[Picture], prepare: Callable[[Picture], Pixels], *, workers: int | None = None
) -> list[Pixels]:
    """Prepare many frames in threads; PIL gives up the interpreter lock while it resizes.

    Args:
        frames: Pictures of any sizes, one or more.
        prepare: What to do with each.
        workers: Threads. None picks by the machine.

    Raises:
        InputError: No frames.
    """
    if not frames:
        raise InputError(Problem("no frames", "one frame or more", "check the video"))
    with ThreadPoolExecutor(max_workers=workers) as pool:
        return list(pool.map(prepare, frames))


def normalise(picture: NDArray[np.uint8], spec: ImageSpec) -> Pixels:
    """``(height, width, 3)`` bytes to ``(3, height, width)`` floats with the channels' mean and deviation taken out."""
    table = _levels(spec.mean, spec.std)
    return np.stack([table[channel][picture[:, :, channel]] for channel in range(3)])


@cache
def _levels(mean: tuple[float, float, float], std: tuple[float, float, float]) -> Pixels:
    # 256 levels and three channels are all the values there are: one table look-up replaces the arithmetic per pixel,
    # and the table is made in the dtypes CLIP's processor uses, so the result is the same to the last bit.
    scaled = (np.arange(256, dtype=np.float64) * (1 / 255)).astype(np.float32)
    return np.stack([(scaled - np.float32(mean[channel])) / np.float32(std[channel]) for channel in range(3)]).astype(
        np.float32
    )
