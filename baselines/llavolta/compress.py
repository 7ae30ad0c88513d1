"""The visual context compressor: tensors in, shorter tensors out, no model needed.

Each span of visual tokens in a row is replaced by the means of ``stride`` neighbours; text and order are kept.
:mod:`baselines.llavolta.compressors` has others, which leave as many tokens and differ in which:

    states     [ t0 t1 | v0 v1 v2 v3 v4 | t2 ]      stride 2
    compressed [ t0 t1 |  v01   v23     | t2 ]      the remainder v4 is dropped
    positions  [ 0  1  |  2     4       | 7  ]      floor of the mean; text keeps the positions it had

Rows may hold any number of spans of any length, or none; rows of different compressed length are padded again on the
side on which they were padded before.

Source: LLaVolta (arXiv 2406.20092) section 3, repository Beckschen/LLaVolta at 31ec151. It handles batches only where
every row has the same number of pictures, 576 tokens each, padded on the right.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional

from baselines.common.constants import IGNORED_LABEL
from baselines.common.splice import Span
from baselines.llavolta.compressors.reduction import Neighbours, Reduction
from baselines.llavolta.setting import PositionRounding

Reductions = tuple[tuple[Reduction, ...], ...]
"""One decision for each span of each row."""


@dataclass(frozen=True, slots=True)
class RowLayout:
    """One row before compression.

    Args:
        start: First real position.
        length: Real positions, in one piece.
        spans: Visual spans, in order, within the real positions.
    """

    start: int
    length: int
    spans: tuple[Span, ...]

    def compressed_length(self, stride: int) -> int:
        """Real positions after compression."""
        return self.length - sum(span.length - span.length // stride for span in self.spans)


@dataclass(frozen=True, slots=True)
class Layout:
    """What compression does to the positions of a batch; everything but the arithmetic on states.

    Args:
        rows: Each row.
        stride: Tokens per token that is kept.
        left: Padding goes to the left.
    """

    rows: tuple[RowLayout, ...]
    stride: int
    left: bool

    @property
    def lengths(self) -> tuple[int, ...]:
        """Real positions of each compressed row."""
        return tuple(row.compressed_length(self.stride) for row in self.rows)

    @property
    def length(self) -> int:
        """Positions of the compressed batch, padding included."""
        return max(self.lengths)

    def mask(self, device: torch.device) -> Tensor:
        """``(batch, length)`` bool, True on real positions of the compressed batch."""
        place = torch.arange(self.length, device=device)[None, :]
        count = torch.tensor(self.lengths, device=device)[:, None]
        return place >= self.length - count if self.left else place < count

    def reductions(self, decide: Callable[[int, Span], Reduction]) -> Reductions:
        """One decision per span.

        Args:
            decide: From a row's number and one of its spans to the decision.
        """
        return tuple(tuple(decide(index, span) for span in row.spans) for index, row in enumerate(self.rows))

    def states(self, states: Tensor, reductions: Reductions | None = None) -> Tensor:
        """Compress hidden states.

        Args:
            states: ``(batch, positions, dim)``.
            reductions: What to do with each span; None takes means of neighbours.

        Returns:
            ``(batch, length, dim)``, zero on padding. Gradients flow through means and kept tokens.
        """
        chosen = reductions or self._means()
        rows = [
            _join(row, states[index], [decision.states for decision in chosen[index]])
            for index, row in enumerate(self.rows)
        ]
        return self._pad(rows, 0)

    def labels(self, labels: Tensor) -> Tensor:
        """Labels of the compressed rows.

        Args:
            labels: ``(batch, positions)``.

        Returns:
            ``(batch, length)``: text keeps its labels, pooled tokens and padding have none.
        """

        def unlabelled(span: Tensor) -> Tensor:
            return span.new_full((len(span) // self.stride,), IGNORED_LABEL)

        rows = [_join(row, labels[index], [unlabelled] * len(row.spans)) for index, row in enumerate(self.rows)]
        return self._pad(rows, IGNORED_LABEL)

    def positions(
        self, positions: Tensor, rounding: PositionRounding = "floor", reductions: Reductions | None = None
    ) -> Tensor:
        """Position ids of the compressed rows.

        Args:
            positions: ``(batch, positions)`` or ``(1, positions)`` whole numbers.
            rounding: ``floor`` takes the floor of the mean. ``float16`` first rounds positions and mean to float16, as
                the published code does; the two differ only for tokens from position 1024 on.
            reductions: As :meth:`states`; the same.

        Returns:
            ``(batch, length)``. On padding they count on to the right, and are 0 to the left.
        """
        positions = positions.expand(len(self.rows), -1)
        chosen = reductions or self._means()
        rows = [
            _join(row, positions[index], [partial(decision.positions, rounding=rounding) for decision in chosen[index]])
            for index, row in enumerate(self.rows)
        ]
        if self.left:
            return self._pad(rows, 0)
        longest = self.length
        counted = [
            torch.cat([row, (row[-1] if len(row) else row.new_tensor(-1)) + 1 + _count(longest - len(row), row)])
            for row in rows
        ]
        return torch.stack(counted)

    def _means(self) -> Reductions:
        return self.reductions(lambda _row, _span: Neighbours(self.stride))

    def _pad(self, rows: Sequence[Tensor], value: int) -> Tensor:
        longest = self.length
        padded = []
        for row in rows:
            gap = (longest - len(row), 0) if self.left else (0, longest - len(row))
            padded.append(functional.pad(row, (0, 0, *gap) if row.ndim == 2 else gap, value=value))
        return torch.stack(padded)


def make_layout(
    spans: Sequence[Sequence[Span]], stride: int, *, positions: int, attention_mask: Tensor | None = None
) -> Layout:
    """Lay out a batch for compression.

    Args:
        spans: Visual spans of each row in coordinates of the padded batch; what reaches beyond the row is cut.
        stride: Tokens per token that is kept.
        positions: Positions of the batch, padding included.
        attention_mask: ``(batch, positions)``, real positions of each row in one piece; None means all are real.
    """
    if attention_mask is None:
        extents = [(0, positions)] * len(spans)
    else:
        real = attention_mask.bool()
        starts = real.int().argmax(dim=1)
        extents = list(zip(starts.tolist(), real.sum(dim=1).tolist(), strict=True))
    rows = []
    for row_spans, (start, length) in zip(spans, extents, strict=True):
        cut = [Span(span.start, min(span.length, start + length - span.start)) for span in row_spans]
        rows.append(RowLayout(start, length, tuple(span for span in cut if span.length > 0)))
    return Layout(tuple(rows), stride, left=any(row.start > 0 for row in rows))


def _join(row: RowLayout, values: Tensor, shorten: Sequence[Callable[[Tensor], Tensor]]) -> Tensor:
    """The row's pieces in order: text as it is, each span as its function makes it."""
    pieces = []
    place = row.start
    for span, shortened in zip(row.spans, shorten, strict=True):
        end = span.start + span.length
        pieces += [values[place : span.start], shortened(values[span.start : end])]
        place = end
    pieces.append(values[place : row.start + row.length])
    return torch.cat(pieces)


def _count(count: int, like: Tensor) -> Tensor:
    return torch.arange(count, device=like.device, dtype=like.dtype)
