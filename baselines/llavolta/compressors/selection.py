"""Compressors that keep some tokens and drop the others: at random, or by attention."""

from __future__ import annotations

import torch
from torch import Tensor

from baselines.llavolta.compressors.reduction import Kept


def drop_at_random(tokens: int, kept: int, *, seed: int | None, device: torch.device) -> Kept:
    """Keep a random part of a span.

    Args:
        tokens: Tokens of the span.
        kept: How many stay.
        seed: Decides which; every span of that length then keeps the same places, in any batch. None draws anew from
            torch's own generator, as dropout does in training.
        device: Where the indices are needed.
    """
    # Drawn on the CPU, so that the same seed means the same tokens on every device.
    generator = None if seed is None else torch.Generator().manual_seed(seed)
    order = torch.randperm(tokens, generator=generator)
    return Kept(order[:kept].sort().values.to(device))


def keep_attended(received: Tensor, kept: int) -> Kept:
    """Keep the tokens of a span that receive most attention.

    Args:
        received: ``(tokens,)`` attention that each receives; of equal ones the earlier stays.
        kept: How many stay.
    """
    order = received.argsort(descending=True, stable=True)
    return Kept(order[:kept].sort().values)
