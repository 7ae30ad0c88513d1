"""Pictures and videos in every form callers hand them over, and rows of different length to tensors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor

from baselines.common.images import Picture, Pixels, open_picture, prepare_many
from baselines.common.splice import PaddingSide
from baselines.common.video import Sampler, VideoFrames, read_frames

Prepare: TypeAlias = Callable[[Picture], Pixels]
"""From a picture to what the vision tower sees."""


def flat(given: Any, is_one: Callable[[Any], bool]) -> list[Any]:
    """Pictures or videos in order, out of lists nested to any depth; None stands for nothing.

    Args:
        given: What the caller gave.
        is_one: Whether something is one picture or video, and not a list of them.
    """
    if given is None:
        return []
    if is_one(given):
        return [given]
    return [one for part in given for one in flat(part, is_one)]


def is_picture(given: Any) -> bool:
    """Whether something is one picture: no list, and no array of several."""
    return not isinstance(given, (list, tuple)) and (not hasattr(given, "ndim") or given.ndim == 3)


def is_video(given: Any) -> bool:
    """Whether something is one video. A list of pictures is one; a list of anything else holds several."""
    if isinstance(given, (str, Path, VideoFrames)) or getattr(given, "ndim", 0) == 4:
        return True
    return is_frame_list(given)


def is_frame_list(given: Any) -> bool:
    """Whether something is a list of opened pictures, at least one."""
    unopened = (str, Path, VideoFrames, list, tuple, type(None))
    return (
        isinstance(given, (list, tuple))
        and bool(given)
        and all(getattr(one, "ndim", 3) == 3 and not isinstance(one, unopened) for one in given)
    )


def clip_pixels(given: Any, sampler: Sampler, prepare: Prepare) -> list[Pixels]:
    """The frames of one video.

    Args:
        given: A file, frames already read, a list of pictures, or ``(frames, height, width, 3)`` bytes. Of frames
            already read all are taken.
        sampler: Which frames of a file are taken.
        prepare: What to do with each.

    Raises:
        InputError: An unreadable file, or no frames.
    """
    if isinstance(given, (str, Path)):
        return list(read_frames(given, sampler, prepare).frames)
    frames = given.frames if isinstance(given, VideoFrames) else given
    return prepare_many([open_picture(frame) for frame in frames], prepare)


def stack_pixels(rows: Sequence[Sequence[Pixels]]) -> dict[str, Tensor]:
    """The pictures of a batch as the models take them.

    Args:
        rows: The pictures of each row, all of one size.

    Returns:
        ``pixel_values`` ``(batch, most pictures, 3, height, width)``, zero where a row has fewer, and ``frame_counts``
        ``(batch,)``; nothing where no row has a picture.
    """
    most = max(len(row) for row in rows)
    if most == 0:
        return {}
    shape = next(row[0].shape for row in rows if row)
    pixels = torch.zeros(len(rows), most, *shape)
    for number, row in enumerate(rows):
        if row:
            pixels[number, : len(row)] = torch.from_numpy(np.stack(row))
    return {"pixel_values": pixels, "frame_counts": torch.tensor([len(row) for row in rows])}


def pad_ids(rows: Sequence[Sequence[int]], pad_id: int, side: PaddingSide) -> dict[str, Tensor]:
    """Rows of ids as ``input_ids`` and ``attention_mask``, both ``(batch, ids)``.

    Args:
        rows: Ids of each row.
        pad_id: Fills short rows.
        side: Side on which they are filled.
    """
    longest = max(len(row) for row in rows)
    padded = torch.full((len(rows), longest), pad_id, dtype=torch.long)
    mask = torch.zeros_like(padded)
    for number, row in enumerate(rows):
        place = slice(longest - len(row), longest) if side == "left" else slice(0, len(row))
        padded[number, place] = torch.tensor(row, dtype=torch.long)
        mask[number, place] = 1
    return {"input_ids": padded, "attention_mask": mask}
