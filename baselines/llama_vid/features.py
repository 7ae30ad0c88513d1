"""Features of a film on disk: made block by block, so that memory does not grow with its length, and resumable.

A folder holds ``features.npy`` (half floats, read as a memory map) and ``film.json``: one ``<image>`` per frame with
the subtitles between, and the time of every frame. The published files, one pickle per film, are read and written too.
"""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from baselines.common.frame_sampling import by_rate
from baselines.common.images import ImageSpec, centre_crop_pixels, prepare_many
from baselines.common.shards import read_json, write_json
from baselines.common.video import iterate_frames, read_frames
from baselines.llama_vid.model import LlamaVidForConditionalGeneration
from baselines.llama_vid.prompts import IMAGE_MARK
from baselines.llama_vid.subtitles import Subtitle, interleave
from vdc.errors import InputError, Problem

FEATURES, FILM, PROGRESS = "features.npy", "film.json", "progress.json"


@dataclass(frozen=True, slots=True)
class Film:
    """A film as the model reads it.

    Args:
        features: ``(frames, tokens, vision dim)`` half floats, class token included, usually a memory map.
        inputs: One mark per frame with the subtitles between them.
        times_s: When each frame is shown, seconds; empty where the file does not say.
    """

    features: NDArray[np.float16]
    inputs: str
    times_s: tuple[float, ...] = ()

    def tensor(self) -> torch.Tensor:
        """The features without copying them; the model reads a block at a time."""
        # A map that may be written to is asked for by torch; its pages are private and never reach the file.
        return torch.from_numpy(self.features)


def extract_film(
    model: LlamaVidForConditionalGeneration,
    spec: ImageSpec,
    video: str | Path,
    target: str | Path,
    *,
    fps: float = 1.0,
    subtitles: Sequence[Subtitle] = (),
    block: int = 48,
) -> Film:
    """Run the tower over a film and keep what it returns.

    Called again after it was broken off, it goes on behind the last block that was written.

    Args:
        model: Its tower is used, on its device and in its dtype.
        spec: Of the pictures, from the processor.
        video: File.
        target: Folder to write.
        fps: Frames a second to keep.
        subtitles: Of the film, in order.
        block: Frames in memory at a time.

    Returns:
        The film, from the folder.

    Raises:
        InputError: An unreadable video, or a folder that holds the start of another extraction.
    """
    folder = Path(target)
    if (folder / FILM).is_file():
        return read_film(folder)
    folder.mkdir(parents=True, exist_ok=True)
    seen = read_frames(video, lambda _: [0])
    rate = seen.average_fps or fps
    indices = by_rate(seen.total_frames, rate, fps)
    vision = model.config.vision_config
    shape = (len(indices), vision.grid_side**2 + 1, vision.hidden_size)
    plan = {"video": Path(video).name, "fps": fps, "rate": rate, "shape": list(shape)}
    done = _resume(folder, plan)
    # Opened once per block, so that written pages do not gather in memory.
    if not done:
        np.lib.format.open_memmap(folder / FEATURES, mode="w+", dtype=np.float16, shape=shape)
    weight = model.model.vision_tower.cls_token
    for pictures in _blocks(video, indices[done:], block):
        pixels = torch.from_numpy(np.stack(prepare_many(pictures, lambda one: centre_crop_pixels(one, spec))))
        made = model.model.encode_frames(pixels.to(weight.device, weight.dtype))
        stored = np.lib.format.open_memmap(folder / FEATURES, mode="r+")
        stored[done : done + len(made)] = made.to(torch.float16).cpu().numpy()
        stored.flush()
        done += len(made)
        write_json(folder / PROGRESS, plan | {"done": done})
    times = [index / rate for index in indices[:done]]
    write_json(folder / FILM, {"frames": done, "inputs": interleave(subtitles, times), "times_s": times})
    return read_film(folder)


def _resume(folder: Path, plan: dict[str, Any]) -> int:
    """Frames that an earlier call of the same plan has written."""
    if not (folder / PROGRESS).is_file():
        return 0
    earlier = read_json(folder / PROGRESS)
    done = int(earlier.pop("done", 0))
    if earlier != plan:
        raise InputError(
            Problem(f"an extraction of {earlier}", f"one of {plan}", "choose another folder, or empty it", str(folder))
        )
    return done


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
        InputError: Neither, broken, or another number of marks than frames.
    """
    source = Path(path)
    if source.is_dir():
        table = read_json(source / FILM)
        try:
            features = np.load(source / FEATURES, mmap_mode="c")[: table["frames"]]
            film = Film(features, str(table["inputs"]), tuple(table["times_s"]))
        except (OSError, ValueError, KeyError) as error:
            raise InputError(
                Problem(f"broken features ({error})", "features.npy and film.json", "extract again", str(source))
            ) from error
    else:
        film = _read_published(source)
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


def write_published(film: Film, path: str | Path) -> None:
    """Write a film as the published code reads it: a pickle of ``feats`` and ``inputs``."""
    Path(path).write_bytes(pickle.dumps({"feats": np.array(film.features), "inputs": film.inputs}))


_ALLOWED = {
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy.core.numeric", "_frombuffer"),
    ("numpy._core.numeric", "_frombuffer"),
    ("_codecs", "encode"),
}
"""What an array needs to come out of a pickle; nothing else is ever looked up, so a file cannot run code."""


class _ArraysOnly(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which no array needs")
        return super().find_class(module, name)


def _read_published(path: Path) -> Film:
    expected = "a published feature file: feats and inputs"
    try:
        with path.open("rb") as opened:
            table = _ArraysOnly(opened).load()
    except FileNotFoundError as error:
        raise InputError(Problem("no file or folder", expected, "check the path", str(path))) from error
    except (pickle.UnpicklingError, EOFError, ValueError, TypeError, AttributeError, ImportError, IndexError) as error:
        raise InputError(
            Problem(f"a file that cannot be used ({error})", expected, "extract it again", str(path))
        ) from error
    feats = table.get("feats") if isinstance(table, dict) else None
    if not isinstance(feats, np.ndarray) or not isinstance(table.get("inputs"), str):
        raise InputError(Problem("another content", expected, "extract it again", str(path)))
    return Film(feats.astype(np.float16, copy=False), table["inputs"])
