"""A key-value cache whose deep layers are shorter than its shallow ones."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache


class CompressedCache(DynamicCache):
    """Keys and values of every layer, and what deep layers need to know about padding.

    Everything that later steps need travels with the cache, so that nothing is left behind on the model and two
    generations can run side by side.

    Attributes:
        full_length: Positions fed so far, counted before compression, padding included.
        deep_layer: First layer that saw the compressed rows; None before, or without, compression.
        deep_mask: ``(batch, positions of the deep layers)`` bool, True on real positions.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.full_length = 0
        self.deep_layer: int | None = None
        self.deep_mask: Tensor | None = None

    def get_seq_length(self, layer_idx: int | None = None) -> int:
        """Positions of one layer; without a layer, positions fed so far, which is what position ids follow."""
        return self.full_length if layer_idx is None else int(super().get_seq_length(layer_idx))

    def extend(self, new: Tensor, columns: Tensor | None) -> Tensor | None:
        """Note more positions.

        Args:
            new: Their embeddings, ``(batch, count, dim)``.
            columns: Their mask ``(batch, count)``; None means real.

        Returns:
            Mask of the deep layers with the new positions; None without compression.
        """
        self.full_length += new.shape[1]
        if self.deep_mask is not None:
            if columns is None:
                columns = torch.ones(new.shape[:2], dtype=torch.bool, device=new.device)
            self.deep_mask = torch.cat([self.deep_mask, columns.bool()], dim=1)
        return self.deep_mask

    def reorder_cache(self, beam_idx: Tensor) -> None:
        """Reorder rows for beam search."""
        super().reorder_cache(beam_idx)
        self.batch_select_mask(beam_idx)

    def batch_repeat_interleave(self, repeats: int) -> None:
        """Repeat each row."""
        super().batch_repeat_interleave(repeats)
        if self.deep_mask is not None:
            self.deep_mask = self.deep_mask.repeat_interleave(repeats, dim=0)

    def batch_select_indices(self, indices: Tensor) -> None:
        """Keep some rows."""
        super().batch_select_indices(indices)
        self.batch_select_mask(indices)

    def batch_select_mask(self, indices: Tensor) -> None:
        """Keep rows of the deep layers' mask."""
        if self.deep_mask is not None:
            self.deep_mask = self.deep_mask[indices.to(self.deep_mask.device)]

    def crop(self, tokens_to_remove: int) -> None:
        """Forget the last positions; none of them may be a compressed one."""
        super().crop(tokens_to_remove)
        count = abs(tokens_to_remove)
        self.full_length -= count
        if self.deep_mask is not None and count:
            self.deep_mask = self.deep_mask[:, :-count]

    def reset(self) -> None:
        """Forget everything."""
        super().reset()
        self.full_length, self.deep_layer, self.deep_mask = 0, None, None
