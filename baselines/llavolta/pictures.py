"""Which picture belongs to which row, in every form callers hand pictures over."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from vdc.errors import InputError, Problem

Pictures = Tensor | Sequence[Tensor | None]
"""Pictures of a batch; see :func:`assign_pictures`."""


def assign_pictures(pictures: Pictures, holes: Sequence[int]) -> tuple[Tensor | None, list[list[int]]]:
    """One stack of pictures, and the numbers of those that each row shows.

    Args:
        pictures: One of

            - ``(total, 3, height, width)`` or a sequence of ``(3, height, width)``, row after row. A row without
              placeholder may have a dummy among them, as in the published data format: all such rows have one, or none.
            - ``(rows, pictures, 3, height, width)``: each row takes as many of its own as it has placeholders.
            - a sequence with one ``(pictures, 3, height, width)`` or None per row.
        holes: Placeholders of each row.

    Returns:
        The pictures that some row shows, ``(shown, 3, height, width)``, or None where no row shows any; and for each
        row the numbers of its own among them.

    Raises:
        InputError: Numbers or shapes that do not fit together.
    """
    stacks = _per_row(pictures, holes)
    chosen, numbers, problems = [], [], []
    count = 0
    for row, (stack, wanted) in enumerate(zip(stacks, holes, strict=True)):
        if wanted and (stack is None or len(stack) < wanted):
            has = 0 if stack is None else len(stack)
            problems.append(
                Problem(f"{has} pictures", f"{wanted}, one per placeholder", "give every picture", f"row {row}")
            )
            continue
        if wanted and stack is not None:
            chosen.append(stack[:wanted])
        numbers.append(list(range(count, count + wanted)))
        count += wanted
    if problems:
        raise InputError(problems)
    return (torch.cat(chosen) if chosen else None), numbers


def first_picture(pictures: Pictures) -> Tensor | None:
    """Any one picture, ``(1, 3, height, width)``; None where there is none."""
    if isinstance(pictures, Tensor):
        return pictures.flatten(0, -4)[:1] if pictures.ndim >= 4 and pictures.numel() else None
    found = next((picture for picture in pictures if picture is not None and picture.numel()), None)
    return None if found is None else found.reshape(-1, *found.shape[-3:])[:1]


def _per_row(pictures: Pictures, holes: Sequence[int]) -> list[Tensor | None]:
    if isinstance(pictures, Tensor):
        if pictures.ndim == 5 and len(pictures) == len(holes):
            return list(pictures)
        if pictures.ndim == 4:
            return _flat(pictures, holes)
        raise _misfit(f"pictures of shape {tuple(pictures.shape)}", holes)
    if all(picture is not None and picture.ndim == 3 for picture in pictures) and len(pictures):
        return _flat(torch.stack([picture for picture in pictures if picture is not None]), holes)
    if len(pictures) != len(holes) or any(picture is not None and picture.ndim not in (3, 4) for picture in pictures):
        raise _misfit(f"a list of {len(pictures)}", holes)
    return [picture[None] if picture is not None and picture.ndim == 3 else picture for picture in pictures]


def _flat(pictures: Tensor, holes: Sequence[int]) -> list[Tensor | None]:
    # A row without placeholder stands for one dummy in the published format. Both counts are accepted because both say
    # without doubt which picture is whose.
    for slots in (list(holes), [max(wanted, 1) for wanted in holes]):
        if len(pictures) == sum(slots):
            return list(pictures.split(slots))
    raise _misfit(f"{len(pictures)} pictures", holes)


def _misfit(found: str, holes: Sequence[int]) -> InputError:
    return InputError(
        Problem(
            found,
            f"{sum(holes)} pictures in the order of the placeholders, or a stack for each of the {len(holes)} rows",
            "prepare text and pictures together",
        )
    )
