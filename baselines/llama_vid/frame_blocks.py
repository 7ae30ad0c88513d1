"""Which frames pass the query transformer together: blocks over the whole batch, none larger than memory allows.

samples   5 frames, 2 frames, 4 frames        limit 4
blocks    [0: 0-4]  [0: 4-5, 1: 0-2, 2: 0-1]  [2: 1-4]
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Part:
    """Frames of one sample: ``[start, stop)``.

    Args:
        sample: Which sample.
        start: First frame.
        stop: Behind the last one.
    """

    sample: int
    start: int
    stop: int


def frame_blocks(features: Sequence[Tensor], limit: int) -> list[list[Part]]:
    """Cut the frames of a batch into blocks.

    Args:
        features: Per sample ``(frames, tokens, dim)``. Samples whose frames have another number of tokens than those
            before them start a block of their own: a block is one tensor.
        limit: Most frames of a block.

    Returns:
        Blocks in the order of the batch; a sample's frames may be spread over several.
    """
    blocks: list[list[Part]] = []
    free = tokens = 0
    for sample, frames in enumerate(features):
        start = 0
        while start < len(frames):
            if free == 0 or frames.shape[1] != tokens:
                blocks.append([])
                free, tokens = limit, frames.shape[1]
            stop = min(len(frames), start + free)
            blocks[-1].append(Part(sample, start, stop))
            free -= stop - start
            start = stop
    return blocks


def paired_rows(
    block: Sequence[Part], questions: Sequence[Tensor], masks: Sequence[Tensor]
) -> tuple[Tensor, Tensor, Tensor]:
    """Every frame of a block with every question of its sample.

    Args:
        block: As :func:`frame_blocks`.
        questions: Per sample ``(questions, ids)``, of any width.
        masks: Same shapes.

    Returns:
        Per pair the number of its frame within the block ``(pairs,)``, ids and mask ``(pairs, most ids)``; frame by
        frame, filled up with zeros that the mask hides.
    """
    width = max(questions[part.sample].shape[1] for part in block)
    frames, ids, mask = [], [], []
    first = 0
    for part in block:
        asked, seen = questions[part.sample], masks[part.sample]
        count = part.stop - part.start
        gap = (0, width - asked.shape[1])
        frames.append(torch.arange(first, first + count, device=asked.device).repeat_interleave(len(asked)))
        ids.append(torch.nn.functional.pad(asked, gap).repeat(count, 1))
        mask.append(torch.nn.functional.pad(seen, gap).repeat(count, 1))
        first += count
    return torch.cat(frames), torch.cat(ids), torch.cat(mask)
