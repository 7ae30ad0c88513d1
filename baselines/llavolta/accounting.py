"""What compression saves, counted: visual tokens over layers, compression ratio, and the paper's cost in TFLOPs."""

from __future__ import annotations

from collections.abc import Sequence

from baselines.llavolta.setting import Compression

LAYER_PARAMETERS_7B = 4 * 4096**2 + 3 * 4096 * 11008
"""Weights of the linear layers in one decoder layer of the 7B model."""

TEXT_TOKENS = 61.7
"""Text tokens that, with the weights above, give the paper's TFLOPs; found by arithmetic, not published."""


def token_layers(compression: Compression, *, layers: int = 32, visual_tokens: int = 576) -> int:
    """Visual tokens summed over the decoder layers that they enter.

    Args:
        compression: The setting.
        layers: Decoder layers.
        visual_tokens: Tokens of one picture before compression.

    Source: LLaVolta (arXiv 2406.20092) section 3, the column of tokens.
    """
    if not compression.pools:
        return layers * visual_tokens
    full = min(max(compression.layer, 0), layers)
    return full * visual_tokens + (layers - full) * (visual_tokens // compression.stride)


def compression_ratio(compression: Compression, *, layers: int = 32, visual_tokens: int = 576) -> float:
    """Uncompressed over compressed :func:`token_layers`; 1 without compression, 5.57 for layer 2 and stride 8."""
    used = token_layers(compression, layers=layers, visual_tokens=visual_tokens)
    return layers * visual_tokens / used


def mean_token_layers(
    stages: Sequence[Compression], shares: Sequence[float] | None = None, *, layers: int = 32, visual_tokens: int = 576
) -> float:
    """Average of :func:`token_layers` over the stages of a training.

    Args:
        stages: Settings in order.
        shares: Part of the training that each takes; None means equal parts. They are normalised.
        layers: Decoder layers.
        visual_tokens: Tokens of one picture before compression.
    """
    weights = [1.0] * len(stages) if shares is None else list(shares)
    counts = [token_layers(stage, layers=layers, visual_tokens=visual_tokens) for stage in stages]
    return sum(weight * count for weight, count in zip(weights, counts, strict=True)) / sum(weights)


def tera_flops(mean_tokens: float, *, layers: int = 32) -> float:
    """Cost of one prompt by the rule that gives all but one of the paper's figures, in units of 1e12 operations.

    Linear layers of the decoder alone: no attention products, no head. The rule was found from the table and is not
    published; the paper says that a profiler measured its figures.

    Args:
        mean_tokens: As :func:`mean_token_layers`.
        layers: Decoder layers.
    """
    return 2 * LAYER_PARAMETERS_7B * (layers * TEXT_TOKENS + mean_tokens) / 1e12
