"""Floating-point operations of one video, counted from sequence lengths; a multiply-add is two.

One layer of the tower, ``n`` tokens of width ``d`` in, ``k`` left after merging, MLP width ``m``:

    8 n d^2          queries, keys, values, output
    4 n^2 d          scores and weighted sum
    2 ceil(n/2) floor(n/2) d/heads    similarities, in layers that merge
    4 k d m          the two layers of the MLP

One layer of the decoder, ``n`` tokens of width ``D``, MLP width ``M``: ``8 n D^2 + 4 n^2 D + 6 n D M``. The MLP is
gated; attention is counted in full, although half of it is masked. A decoder that compresses is counted layer by layer;
ranking ``n`` tokens by attention takes ``2 D^2 + 2 n D^2 + 2 n D`` more, other compressors are not counted.

One picture in the query transformer, ``q`` queries and ``t`` question tokens (``s = q + t``) of width ``w``, MLP width
``m``, ``n`` patches of width ``d``:

    8 s w^2 + 4 s^2 w + 4 s w m        every layer
    4 q w^2 + 4 n d w + 4 q n w        cross attention, in every second layer
    2 q w d + 2 n d^2 + 2 q n d + 2 n d + 2 d D    context attention and its projections

Patch embedding, projector (``2 n d D + 2 n D^2``) and the head at the last position (``2 D V``) come on top. Norms,
activations and softmax are not counted.
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
        reader: Query transformer and context attention over all pictures; 0 where there is none.
    """

    encoder: int
    projector: int
    prefill: int
    reader: int = 0

    @property
    def total(self) -> int:
        """All of them."""
        return self.encoder + self.reader + self.projector + self.prefill


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
    projected = budget.visual_tokens - budget.questioned  # context tokens have a projection of their own
    projector = 2 * projected * tower.width * decoder.width + 2 * projected * decoder.width**2
    prefill = 2 * decoder.width * decoder.vocabulary
    for tokens in budget.decoder_tokens(decoder.layers):
        n = tokens + shape.text_tokens
        prefill += 8 * n * decoder.width**2 + 4 * n * n * decoder.width + 6 * n * decoder.width * decoder.mlp
    if budget.ranked:
        n = budget.visual_tokens + shape.text_tokens
        prefill += 2 * (n + 1) * decoder.width**2 + 2 * n * decoder.width
    return Flops(budget.pictures * per_picture, projector, prefill, budget.questioned * _reader_flops(shape))


def _reader_flops(shape: BenchShape) -> int:
    reader, patches, channels = shape.reader, shape.tower.encoder.patches, shape.tower.width
    queries, width = reader.queries, reader.width
    length = queries + reader.question_tokens
    layer = 8 * length * width**2 + 4 * length**2 * width + 4 * length * width * reader.mlp
    cross = 4 * queries * width**2 + 4 * patches * channels * width + 4 * queries * patches * width
    context = 2 * queries * width * channels + 2 * patches * channels**2 + 2 * queries * patches * channels
    context += 2 * patches * channels + 2 * channels * shape.decoder.width
    return reader.layers * layer + (reader.layers + 1) // 2 * cross + context


def _tokens_at_the_end(budget: TokenBudget) -> int:
    """Tokens of a picture after the last layer: only merging changes the count inside the tower."""
    entering = budget.encoder_tokens
    if len(set(entering)) == 1:
        return entering[-1]
    return budget.visual_tokens // budget.pictures + 1
