"""The one place where visual tokens enter a row of text embeddings; masks, labels and positions follow them.

    ids      [ bos  USER  <image>  why  ? ]           placeholder k of a row takes visual block k of that row
    blocks   [ (3, dim) ]
    row      [ bos  USER  v0 v1 v2  why  ? ]          5 ids become 7 embeddings
    labels   [ -100 -100  -100 x 3  why  ? ]

Rows may hold any number of placeholders or none, and blocks any number of tokens: one for long videos, hundreds for
a picture. Rows are padded to the longest, on either side.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from baselines.common.constants import IGNORED_LABEL, IMAGE_PLACEHOLDER
from vdc.errors import InputError, Problem

PaddingSide = Literal["left", "right"]


@dataclass(frozen=True, slots=True)
class Span:
    """Where one visual block lies in its row of the padded batch: ``[start, start + length)``."""

    start: int
    length: int


@dataclass(frozen=True, slots=True)
class Spliced:
    """A batch ready for a language model.

    Args:
        inputs_embeds: ``(batch, length, dim)``; zero on padding.
        attention_mask: ``(batch, length)`` bool, True on real positions; None where the caller gave none and nothing is
            padded.
        position_ids: ``(batch, length)``, counted from 0 at each row's first real position, 0 on padding; None as
            above.
        labels: ``(batch, length)``, ``IGNORED_LABEL`` on visual tokens and padding; None where the caller gave none.
        spans: Per row, the visual blocks in order.
        dropped_placeholders: Placeholders for which there was no block, over the batch.
    """

    inputs_embeds: Tensor
    attention_mask: Tensor | None
    position_ids: Tensor | None
    labels: Tensor | None
    spans: tuple[tuple[Span, ...], ...]
    dropped_placeholders: int


def placeholder_mask(input_ids: Tensor, placeholder_ids: Collection[int] = (IMAGE_PLACEHOLDER,)) -> Tensor:
    """True where an id is a placeholder; same shape as ``input_ids``."""
    mask = torch.zeros_like(input_ids, dtype=torch.bool)
    for placeholder in placeholder_ids:
        mask |= input_ids == placeholder
    return mask


def placeholders_per_row(
    input_ids: Tensor, attention_mask: Tensor | None = None, placeholder_ids: Collection[int] = (IMAGE_PLACEHOLDER,)
) -> list[int]:
    """How many placeholders each row holds outside its padding."""
    mask = placeholder_mask(input_ids, placeholder_ids)
    if attention_mask is not None:
        mask &= attention_mask.bool()
    counts: list[int] = mask.sum(dim=1).tolist()
    return counts


def splice(
    *,
    input_ids: Tensor,
    visual: Sequence[Sequence[Tensor]],
    embed: Callable[[Tensor], Tensor],
    attention_mask: Tensor | None = None,
    labels: Tensor | None = None,
    want_positions: bool = False,
    placeholder_ids: Collection[int] = (IMAGE_PLACEHOLDER,),
    padding_side: PaddingSide = "right",
    max_length: int | None = None,
) -> Spliced:
    """Replace placeholders by visual tokens and pad.

    Args:
        input_ids: ``(batch, ids)``, placeholders included. Not changed.
        visual: For each row its blocks, each ``(tokens, dim)``, in the order of the row's placeholders. Surplus blocks
            are left out; surplus placeholders vanish and are counted.
        embed: Ids to embeddings, ``(n,) -> (n, dim)``; sees no placeholder.
        attention_mask: ``(batch, ids)``, non-zero on real ids; None means that all are real.
        labels: ``(batch, ids)``.
        want_positions: Return positions even if nothing is padded.
        placeholder_ids: Ids that stand for a block.
        padding_side: Side on which short rows are filled.
        max_length: Longest row, in positions; longer rows lose their end.

    Raises:
        InputError: As many rows of ``visual`` as of ``input_ids`` are not given, or a block's width does not fit.

    Source: LLaVA's input preparation as AuroraCap, LLaMA-VID and LLaVolta use it; these pad on the right only.
    """
    if len(visual) != input_ids.shape[0]:
        raise InputError(
            Problem(
                f"{len(visual)} rows of visual tokens", f"{input_ids.shape[0]}, one per row of ids", "give a row each"
            )
        )
    holes = placeholder_mask(input_ids, placeholder_ids)
    real = torch.ones_like(holes) if attention_mask is None else attention_mask.bool()
    # One call for the whole batch: a call per piece would launch a kernel each. Placeholders look up id 0 for now.
    embedded = embed(input_ids.masked_fill(holes, 0).reshape(-1)).view(*input_ids.shape, -1)

    rows, row_labels, row_spans, dropped = [], [], [], 0
    for index, blocks in enumerate(visual):
        kept = real[index]
        row = _splice_row(
            embedded[index][kept], holes[index][kept], blocks, None if labels is None else labels[index][kept]
        )
        rows.append(row.embeddings[:max_length])
        row_labels.append(None if row.labels is None else row.labels[:max_length])
        row_spans.append(_cut(row.spans, max_length))
        dropped += row.dropped

    lengths = [len(row) for row in rows]
    return _pad(
        rows,
        row_labels,
        row_spans,
        lengths,
        dropped=dropped,
        left=padding_side == "left",
        masked=attention_mask is not None or len(set(lengths)) > 1,
        positions=want_positions or len(set(lengths)) > 1,
    )


@dataclass(frozen=True, slots=True)
class _Row:
    embeddings: Tensor
    labels: Tensor | None
    spans: list[Span]
    dropped: int


def _splice_row(embedded: Tensor, holes: Tensor, blocks: Sequence[Tensor], labels: Tensor | None) -> _Row:
    pieces: list[Tensor] = []
    label_pieces: list[Tensor] = []
    spans: list[Span] = []
    start = length = dropped = 0
    positions: list[int] = holes.nonzero().flatten().tolist()
    for number, position in enumerate([*positions, len(holes)]):
        pieces.append(embedded[start:position])
        if labels is not None:
            label_pieces.append(labels[start:position])
        length += position - start
        start = position + 1
        if position == len(holes):
            break
        if number >= len(blocks):
            dropped += 1
            continue
        block = blocks[number]
        if block.ndim != 2 or block.shape[1] != embedded.shape[1]:
            raise InputError(
                Problem(
                    f"visual tokens of shape {tuple(block.shape)}",
                    f"(tokens, {embedded.shape[1]}), the width of the text embeddings",
                    "check the projector's output width",
                )
            )
        pieces.append(block.to(embedded))  # dtype and, where parts lie on several devices, device
        spans.append(Span(length, len(block)))
        length += len(block)
        if labels is not None:
            label_pieces.append(labels.new_full((len(block),), IGNORED_LABEL))
    return _Row(torch.cat(pieces), torch.cat(label_pieces) if labels is not None else None, spans, dropped)


def _cut(spans: list[Span], max_length: int | None) -> list[Span]:
    if max_length is None:
        return spans
    return [Span(span.start, min(span.length, max_length - span.start)) for span in spans if span.start < max_length]


def _pad(
    rows: list[Tensor],
    row_labels: list[Tensor | None],
    row_spans: list[list[Span]],
    lengths: list[int],
    *,
    dropped: int,
    left: bool,
    masked: bool,
    positions: bool,
) -> Spliced:
    longest = max(lengths)
    first = rows[0]
    offsets = [longest - length if left else 0 for length in lengths]
    device = first.device
    count = torch.tensor(lengths, device=device)[:, None]
    offset = torch.tensor(offsets, device=device)[:, None]
    place = torch.arange(longest, device=device)[None, :] - offset  # (batch, length): position within the row
    real = (place >= 0) & (place < count)

    labels = None
    if row_labels[0] is not None:
        labels = row_labels[0].new_full((len(rows), longest), IGNORED_LABEL)
        for index, values in enumerate(row_labels):
            if values is not None:
                labels[index, offsets[index] : offsets[index] + len(values)] = values
    padded = [
        torch.nn.functional.pad(row, (0, 0, start, longest - start - len(row)))
        for row, start in zip(rows, offsets, strict=True)
    ]
    return Spliced(
        inputs_embeds=torch.stack(padded),
        attention_mask=real if masked else None,
        position_ids=place.masked_fill(~real, 0) if positions else None,
        labels=labels,
        spans=tuple(
            tuple(Span(span.start + start, span.length) for span in spans)
            for spans, start in zip(row_spans, offsets, strict=True)
        ),
        dropped_placeholders=dropped,
    )
