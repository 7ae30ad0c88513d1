"""Films as the model reads them: features of every frame and the subtitles between, extracted, read and written.

The tower runs once over a film. What it returns goes to disk block by block and is read as a memory map, so that
memory does not grow with the length of the film. The published files, one pickle per film, are read and written too.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from baselines.common.frame_sampling import by_rate
from baselines.common.images import ImageSpec, centre_crop_pixels, prepare_many
from baselines.common.shards import read_json
from baselines.common.video import iterate_frames, read_frames
from baselines.llama_vid.film_pickle import read_feature_file, write_feature_file
from baselines.llama_vid.film_store import FEATURES, FILM, FilmStore
from baselines.llama_vid.model import LlamaVidForConditionalGeneration
from baselines.llama_vid.prompts import IMAGE_MARK
from baselines.llama_vid.subtitles import Subtitle, interleave
from baselines.llama_vid.vision import EvaVisionTower
from vdc.errors import InputError, Problem

DEFAULT_BLOCK = 48
"""Frames that pass the tower together, as in the published extraction."""


@dataclass(frozen=True, slots=True)
class Film:
    """A film as the model reads it.

    Args:
        features: ``(frames, tokens, vision dim)`` half floats, class token included, usually a memory map.
        inputs: One mark per frame with the subtitles between them.
        times_s: When each frame is shown, seconds; empty where the file does not say.
    """

    features: NDArray[np.floating[Any]]
    inputs: str
    times_s: tuple[float, ...] = ()

    def tensor(self) -> torch.Tensor:
        """The features without copying them; the model reads a block at a time."""
        # A map that may be written to is asked for by torch; its pages are private and never reach the file.
        return torch.from_numpy(self.features)


def extract_film(
    model: LlamaVidForConditionalGeneration | EvaVisionTower,
    spec: ImageSpec,
    video: str | Path,
    target: str | Path,
    *,
    fps: float = 1.0,
    subtitles: Sequence[Subtitle] = (),
    block: int = DEFAULT_BLOCK,
    told: Callable[[int, int], None] | None = None,
) -> Film:
    """Run the tower over a film and keep what it returns.

    Called again after it was broken off, it goes on behind the last block that was written; called with other
    subtitles, it runs nothing and puts the new ones between the frames.

    Args:
        model: Its tower is used, on its device and in its dtype; the tower alone will do.
        spec: Of the pictures, from the processor.
        video: File.
        target: Folder to write.
        fps: Frames a second to keep.
        subtitles: Of the film, in order.
        block: Frames in memory at a time.
        told: Frames done and frames in all, after every block.

    Returns:
        The film, from the folder.

    Raises:
        InputError: An unreadable video, or a folder that holds another extraction.
    """
    if block < 1:
        raise InputError(Problem(f"blocks of {block} frames", "1 or more", "raise --block"))
    tower = model if isinstance(model, EvaVisionTower) else model.model.vision_tower
    first = read_frames(video, lambda _: [0])
    rate = first.average_fps or fps
    indices = by_rate(first.total_frames, rate, fps)
    shape = [len(indices), tower.config.grid_side**2 + 1, tower.config.hidden_size]
    plan = {
        "video": Path(video).name,
        "video_bytes": Path(video).stat().st_size,
        "fps": fps,
        "rate": rate,
        "shape": shape,
        "tower": fingerprint(tower),
    }
    store = FilmStore(Path(target), plan)
    if not store.complete:
        weight = tower.cls_token
        for pictures in _blocks(video, indices[store.done :], block):
            pixels = torch.from_numpy(np.stack(prepare_many(pictures, lambda one: centre_crop_pixels(one, spec))))
            made = tower(pixels.to(weight.device, weight.dtype))
            store.append(made.to(torch.float16).cpu().numpy())
            if told is not None:
                told(store.done, len(indices))
    times = [index / rate for index in indices[: store.done]]
    store.finish(interleave(subtitles, times), times)
    return read_film(store.folder)


def fingerprint(tower: EvaVisionTower) -> str:
    """Sixteen hex digits that tell two towers apart, from their small parameters: a gigabyte is not read for it."""
    digest = hashlib.sha256(str(tower.cls_token.dtype).encode())
    for name, parameter in tower.named_parameters():
        if parameter.ndim < 2 or name in ("cls_token", "pos_embed"):
            digest.update(name.encode() + parameter.detach().float().cpu().numpy().tobytes())
    return digest.hexdigest()[:16]


def _blocks(video: str | Path, indices: Sequence[int], size: int) -> Iterator[list[NDArray[np.uint8]]]:
    wanted = set(indices)
    last = max(wanted, default=-1)
    pictures: list[NDArray[np.uint8]] = []
    for number, picture in enumerate(iterate_frames(video)):
        if number > last:
            break
        if number in wanted:
            pictures.append(picture)
        if len(pictures) == size:
            yield pictures
            pictures = []
    if pictures:
        yield pictures


def read_film(path: str | Path) -> Film:
    """A film from a folder of ours, or from a published file.

    Args:
        path: Folder of :func:`extract_film`, or a ``.pkl`` file.

    Raises:
        InputError: Neither, broken, not finished, or another number of marks than frames.
    """
    source = Path(path)
    film = _read_folder(source) if source.is_dir() else Film(*read_feature_file(source))
    marks = film.inputs.count(IMAGE_MARK)
    if film.features.ndim != 3 or marks != len(film.features):
        raise InputError(
            Problem(
                f"features of shape {film.features.shape} and {marks} marks",
                "(frames, tokens, dim) and one mark per frame",
                "extract them again",
                str(source),
            )
        )
    return film


def _read_folder(folder: Path) -> Film:
    table = read_json(folder / FILM)
    try:
        features = np.load(folder / FEATURES, mmap_mode="c")[: table["frames"]]
        return Film(features, str(table["inputs"]), tuple(table["times_s"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            Problem(f"broken features ({error})", "features.npy and film.json", "extract again", str(folder))
        ) from error


def write_published(film: Film, path: str | Path) -> None:
    """Write a film as the published code reads it: a pickle of ``feats`` and ``inputs``."""
    write_feature_file(path, film.features, film.inputs)
