"""One record as tensors, and several as a batch: what every model's own preparation shares."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from baselines.common.constants import IMAGE_PLACEHOLDER
from baselines.common.images import Picture, Pixels, open_image
from baselines.common.prompts import TextSample, collate_text
from baselines.common.video import read_frames
from baselines.training.records import TrainRecord
from vdc.errors import InputError, Problem, RunFailed

Prepare = Callable[[Picture], Pixels]


@dataclass(frozen=True, slots=True)
class TrainRow:
    """One sample.

    Args:
        text: Ids and labels, a placeholder per picture, already cut to the longest allowed.
        frames: ``(frames, 3, side, side)`` pixels, or ``(frames, tokens, dim)`` stored features; None for text.
        questions: What LLaMA-VID's query transformer reads, one per placeholder.
        stored: Whether ``frames`` are features.
    """

    text: TextSample
    frames: Tensor | None = None
    questions: tuple[str, ...] = ()
    stored: bool = False

    @property
    def placeholders(self) -> int:
        """Pictures that its ids still mark."""
        return self.text.input_ids.count(IMAGE_PLACEHOLDER)


class RowMaker(Protocol):
    """A model's own way from records to batches."""

    def row(self, record: TrainRecord) -> TrainRow:
        """One sample.

        Raises:
            InputError: A file of it cannot be read.
        """
        ...

    def collate(self, rows: Sequence[TrainRow]) -> dict[str, Any]:
        """Keyword arguments of the model's forward pass."""
        ...


class TrainRows(Dataset[TrainRow]):
    """Records, prepared when they are asked for.

    Args:
        records: In order.
        maker: The model's preparation.
    """

    def __init__(self, records: Sequence[TrainRecord], maker: RowMaker) -> None:
        self.records = records
        self._maker = maker

    def __len__(self) -> int:
        return len(self.records)

    def __getitem__(self, index: int) -> TrainRow:
        record = self.records[index]
        try:
            return self._maker.row(record)
        except InputError as error:
            # A run that has begun fails; it was not started with bad input but met some.
            raise RunFailed(
                f"record {record.id} cannot be used; {error}; the same command goes on once it is"
            ) from error


def text_batch(rows: Sequence[TrainRow], pad_id: int) -> dict[str, Tensor]:
    """``input_ids``, ``labels`` and ``attention_mask``, each ``(batch, ids)``, padded on the right."""
    batch = collate_text([row.text for row in rows], pad_id)
    return {
        "input_ids": torch.tensor(batch.input_ids),
        "labels": torch.tensor(batch.labels),
        "attention_mask": torch.tensor(batch.attention_mask),
    }


def read_pixels(record: TrainRecord, prepare: Prepare, sampler: Callable[[int], list[int]]) -> Tensor | None:
    """Pictures of a record, or frames of its video, ``(frames, 3, side, side)``; None for text.

    Args:
        record: A picture, several, a video, or text.
        prepare: From a picture to pixels.
        sampler: Which frames of a video are taken, from their number.

    Raises:
        InputError: A file that cannot be read, or a film, which has features and no pixels.
    """
    if record.kind == "text":
        return None
    if record.kind == "video":
        return torch.from_numpy(read_frames(record.media[0], sampler, prepare).frames)
    if record.kind == "film":
        raise InputError(Problem("stored features of a film", "a video file", "only LLaMA-VID reads features"))
    return torch.from_numpy(np.stack([prepare(open_image(path)) for path in record.media]))
