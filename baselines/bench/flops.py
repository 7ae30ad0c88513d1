"""Floating-point operations of one video, counted from sequence lengths; a multiply-add is two.

One layer of the tower, ``n`` tokens of width ``d`` in, ``k`` left after merging, MLP width ``m``:

    8 n d^2          queries, keys, values, output
    4 n^2 d          scores and weighted sum
    2 ceil(n/2) floor(n/2) d/heads    similarities, in layers that merge
    4 k d m          the two layers of the MLP

One layer of the decoder, ``n`` tokens of width ``D``, MLP width ``M``: ``8 n D^2 + 4 n^2 D + 6 n D M``. The MLP is
gated; attention is counted in full, although half of it is masked. Patch embedding, projector (``2 n d D + 2 n D^2``)
and the head at the last position (``2 D V``) come on top. Norms, activations and softmax are not counted.
"""

from __future__ import annotations

from dataclasses import dataclass

from baselines.bench.shapes import BenchShape
from baselines.token_reduction.interface import TokenBudget

COLOURS = 3


@dataclass(frozen=True, slots=True)
class Flops:
    """Operations of one video.

    Args:
        encoder: Tower over all pictures.
        projector: Projector over all visual tokens.
        prefill: Decoder over visual and text tokens, up to the first new token.
    """

    encoder: int
    projector: int
    prefill: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.encoder + self.projector + self.prefill


def count_flops(budget: TokenBudget, shape: BenchShape) -> Flops:
    """Count by the formula above.

    Args:
        budget: Sequence lengths of a reduction.
        shape: The model's.
    """
    tower, decoder = shape.tower, shape.decoder
    per_picture = 2 * tower.encoder.patches * COLOURS * tower.patch_size**2 * tower.width
    entering = budget.encoder_tokens
    left = [*entering[1:], _tokens_at_the_end(budget)]
    for n, k in zip(entering, left, strict=True):
        per_picture += 8 * n * tower.width**2 + 4 * n * n * tower.width + 4 * k * tower.width * tower.mlp
        if k < n:
            per_picture += 2 * ((n + 1) // 2) * (n // 2) * (tower.width // tower.heads)
    visual = budget.visual_tokens
    projector = 2 * visual * tower.width * decoder.width + 2 * visual * decoder.width**2
    prefill = 2 * decoder.width * decoder.vocabulary
    for tokens in budget.decoder_tokens(decoder.layers):
        n = tokens + shape.text_tokens
        prefill += 8 * n * decoder.width**2 + 4 * n * n * decoder.width + 6 * n * decoder.width * decoder.mlp
    return Flops(budget.pictures * per_picture, projector, prefill)


def _tokens_at_the_end(budget: TokenBudget) -> int:
    """Tokens of a picture after the last layer: only merging changes the count inside the tower."""
    entering = budget.encoder_tokens
    if len(set(entering)) == 1:
        return entering[-1]
    return budget.visual_tokens // budget.pictures + 1
