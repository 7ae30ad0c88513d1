"""What generation needs beside the model: options that fit, and spans as a tensor."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from baselines.common.cache_name import CACHE_NAMES
from baselines.common.splice import Span
from vdc.errors import InputError, Problem


def check_options(options: dict[str, Any]) -> None:
    """Take out options that say what is done anyway.

    Args:
        options: Options of ``generate``, changed in place.

    Raises:
        InputError: A cache that cannot hold layers of different length, or none: later steps feed new tokens alone.
    """
    refused = {
        "use_cache": options.get("use_cache") is False,
        "cache_implementation": options.get("cache_implementation") not in (None, "dynamic"),
        **{name: options.get(name) is not None for name in CACHE_NAMES},
    }
    problems = [
        Problem(f"{name}={options[name]!r}", "the model's own cache", "leave the option out")
        for name, bad in refused.items()
        if bad
    ]
    if problems:
        raise InputError(problems)
    options.pop("use_cache", None)
    options.pop("cache_implementation", None)


def spans_to_tensor(spans: tuple[tuple[Span, ...], ...], device: torch.device) -> Tensor:
    """``(batch, most spans of a row, 2)``; a tensor, because beam search repeats tensors row by row."""
    table = torch.zeros((len(spans), max((len(row) for row in spans), default=0), 2), dtype=torch.long)
    for index, row in enumerate(spans):
        for number, span in enumerate(row):
            table[index, number] = torch.tensor((span.start, span.length))
    return table.to(device)


def spans_from_tensor(table: Tensor) -> tuple[tuple[Span, ...], ...]:
    """The spans of each row back from :func:`spans_to_tensor`; those of length 0 are filling."""
    return tuple(tuple(Span(start, length) for start, length in row if length > 0) for row in table.tolist())
