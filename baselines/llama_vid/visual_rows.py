"""Which visual tokens stand at which placeholder: three layouts, checked before anything is computed.

- Picture or short video: one placeholder per question; it becomes all tokens of all frames, as that question saw them.
- Long video: one placeholder per token, in runs between subtitles; one question.
- Text alone: none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from vdc.errors import InputError, Problem

Layout = Literal["block", "token"]


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a batch before its visual tokens are made.

    Args:
        placeholders: Placeholders in its ids.
        frames: Frames it brings.
        questions: Questions that go with them.
        stored_tokens: Visual tokens it makes of stored features, over all frames; 0 for pixels. Only stored features
            may stand one token per placeholder. (The published code tells by the width of the picture and mistakes
            wide ones for features.)
    """

    placeholders: int
    frames: int
    questions: int
    stored_tokens: int = 0


def choose_layouts(rows: Sequence[Row]) -> list[Layout | None]:
    """The layout of every row; None for rows without a placeholder.

    Args:
        rows: The batch.

    Raises:
        InputError: Placeholders without frames or without questions, more placeholders than questions, or a number
            that fits neither layout. All rows are looked at before.
    """
    problems: list[Problem] = []
    layouts: list[Layout | None] = []
    for number, row in enumerate(rows):
        layout: Layout | None = None
        if row.placeholders == 0:
            pass
        elif row.frames == 0 or row.questions == 0:
            problems.append(
                Problem(
                    f"{row.placeholders} placeholders, {row.frames} frames and {row.questions} questions",
                    "frames and a question for every placeholder",
                    "give pixel_values or frame_features, and question_ids",
                    f"row {number}",
                )
            )
        elif row.questions == 1 and row.placeholders == row.stored_tokens:
            layout = "token"
        elif row.placeholders <= row.questions:
            layout = "block"
        else:
            expected = f"at most {row.questions}, one per question"
            if row.stored_tokens:
                expected += f", or {row.stored_tokens}, one per visual token of {row.frames} frames"
            problems.append(
                Problem(f"{row.placeholders} placeholders", expected, "prepare it with the processor", f"row {number}")
            )
        layouts.append(layout)
    if problems:
        raise InputError(problems)
    return layouts


def row_blocks(tokens: Tensor, layout: Layout, placeholders: int) -> list[Tensor]:
    """What to splice at the placeholders of one row.

    Args:
        tokens: ``(questions, tokens, text dim)``.
        layout: As :func:`choose_layouts`.
        placeholders: Placeholders of the row.

    Returns:
        One ``(n, text dim)`` per placeholder.
    """
    if layout == "token":
        return list(tokens[0].split(1))
    return list(tokens[:placeholders].unbind(0))


def frames_per_row(
    pixel_values: Tensor | Sequence[Tensor] | None,
    features: Sequence[Tensor] | None,
    counts: Tensor | Sequence[int] | None,
    batch: int,
) -> list[Tensor]:
    """Frames or features of every row, in one form.

    Args:
        pixel_values: ``(batch, frames, 3, side, side)``, ``(batch, 3, side, side)``, or per row either without batch.
        features: Per row ``(frames, tokens, vision dim)``; taken instead of pixels.
        counts: Real frames of each row; None means all.
        batch: Rows there must be.

    Raises:
        InputError: Another number of rows.
    """
    given = pixel_values if features is None else features
    if given is None:
        return [torch.empty(0)] * batch
    rows: list[Tensor] = [row[None] if row.ndim == 3 and features is None else row for row in given]
    if len(rows) != batch:
        raise InputError(Problem(f"frames for {len(rows)} rows", f"{batch}, one per row of ids", "give a row each"))
    if counts is None:
        return rows
    return [row[: int(count)] for row, count in zip(rows, counts, strict=True)]


def questions_per_row(ids: Tensor | None, mask: Tensor | None, batch: int) -> tuple[list[Tensor], list[Tensor]]:
    """Real questions of every row and their masks, each ``(questions, ids)``.

    Args:
        ids: ``(batch, questions, ids)``.
        mask: Same shape; a question of zeros alone does not exist.
        batch: Rows there must be.

    Raises:
        InputError: Other shapes.
    """
    if ids is None:
        return [torch.empty(0)] * batch, [torch.empty(0)] * batch
    mask = torch.ones_like(ids) if mask is None else mask
    if ids.ndim != 3 or len(ids) != batch or mask.shape != ids.shape:
        raise InputError(
            Problem(
                f"question ids of shape {tuple(ids.shape)} and a mask of {tuple(mask.shape)} for {batch} rows",
                "(batch, questions, ids) for both",
                "prepare them with the processor",
            )
        )
    real = mask.bool().any(dim=-1)
    rows = range(batch)
    return [ids[row][real[row]] for row in rows], [mask[row][real[row]] for row in rows]
