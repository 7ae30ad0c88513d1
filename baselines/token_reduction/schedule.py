"""From the fraction of tokens to keep to merges per layer, and to the tokens that are really left."""

from __future__ import annotations

from baselines.token_reduction.merging import mergeable
from vdc.errors import InputError, Problem


def check_ratio(ratio: float) -> float:
    """The ratio itself.

    Raises:
        InputError: It is not in [0, 1].
    """
    if not 0.0 <= ratio <= 1.0:  # NaN fails too
        raise InputError(
            Problem(f"token kept ratio {ratio}", "a number from 0 to 1", "1.0 keeps every token, 0.2 suits captioning")
        )
    return float(ratio)


def merges_per_layer(height: int, width: int, patch_size: int, layers: int, ratio: float) -> int:
    """Merges in each layer so that about ``ratio`` of the patches of a picture would be left after all layers.

    The same number in every layer, truncated, so what is really kept differs from ``ratio``:
    :func:`tokens_per_layer` tells what it is.

    Args:
        height: Picture height, pixels.
        width: Picture width, pixels.
        patch_size: Patch side, pixels.
        layers: Encoder layers.
        ratio: Fraction of tokens to keep, 0 to 1; 1 merges nothing.

    Raises:
        InputError: The ratio is not in [0, 1].

    Source: AuroraCap's encoder; the order of the operations decides the truncation and is kept.
    """
    return int(height * width / patch_size**2 * (1 - check_ratio(ratio)) / layers)


def tokens_per_layer(tokens: int, count: int, layers: int, *, class_token: bool = True) -> tuple[int, ...]:
    """Tokens before the first layer and after each layer, ``layers + 1`` numbers.

    Args:
        tokens: Tokens at the start, class token included.
        count: Merges in each layer.
        layers: Layers.
        class_token: Whether position 0 is protected.
    """
    lengths = [tokens]
    for _ in range(layers):
        lengths.append(lengths[-1] - mergeable(lengths[-1], count, class_token=class_token))
    return tuple(lengths)
