"""The order in which samples are seen: drawn anew each epoch from seed and epoch alone, so that it can be resumed.

``random`` is a permutation. The two others put samples of one kind (with picture, without) and of like length together,
because a batch is as slow as its longest row. Length is the number of words, negative for samples without picture or
video.

    lengths  [ 9 -3 7 8 -4 -5 ]
    kinds    [ 9 7 8 ] [ 3 4 5 ]      each shuffled and cut into blocks of batch x processes
    block    longest first, dealt out so that every process has about as much to do
    blocks   shuffled; each holds one kind
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import cycle, islice
from typing import Literal, get_args

import torch
from torch.utils.data import Sampler

from vdc.errors import InputError, Problem, unknown_name

Grouping = Literal["random", "modality", "modality_filled"]
GROUPINGS: tuple[Grouping, ...] = get_args(Grouping)


class TrainSampler(Sampler[int]):
    """Indices of one epoch after another.

    Args:
        lengths: Length of each sample, negative without picture or video; see :func:`word_length`.
        grouping: ``random``; ``modality`` as LLaVA and LLaMA-VID; ``modality_filled`` as LLaVolta.
        batch_size: Rows of one process in one pass.
        processes: Processes that train.
        seed: Of the run.

    Raises:
        InputError: No samples, a length of 0, or an unknown grouping.
    """

    def __init__(
        self, lengths: Sequence[int], *, grouping: Grouping, batch_size: int, processes: int = 1, seed: int = 0
    ) -> None:
        if grouping not in GROUPINGS:
            raise InputError(unknown_name("grouping", grouping, GROUPINGS))
        empty = [index for index, length in enumerate(lengths) if length == 0]
        if not lengths or empty:
            found = f"samples {empty[:5]} of length 0" if empty else "no samples"
            raise InputError(Problem(found, "samples with words", "correct the data"))
        self._lengths = list(lengths)
        self._grouping = grouping
        self._batch_size, self._processes, self._seed = batch_size, processes, seed
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch of the next iteration, from 0."""
        self.epoch = epoch

    def __len__(self) -> int:
        kinds = _kinds(self._lengths)
        if self._grouping != "modality_filled" or len(kinds) == 1:
            return len(self._lengths)
        block = self._batch_size * self._processes
        return sum(-(-len(kind) // block) * block for kind in kinds)

    def __iter__(self) -> Iterator[int]:
        generator = torch.Generator().manual_seed(self._seed + self.epoch)
        if self._grouping == "random":
            return iter(torch.randperm(len(self._lengths), generator=generator).tolist())
        filled = self._grouping == "modality_filled"
        return iter(
            group_by_modality(self._lengths, self._batch_size, self._processes, filled=filled, generator=generator)
        )


def word_length(texts: Sequence[str], *, visual: bool) -> int:
    """Length of a sample for grouping: its words, negative without picture or video.

    Args:
        texts: All messages.
        visual: Whether it has a picture or a video.
    """
    words = max(1, sum(len(text.split()) for text in texts))
    return words if visual else -words


def group_by_modality(
    lengths: Sequence[int], batch_size: int, processes: int, *, filled: bool, generator: torch.Generator | None = None
) -> list[int]:
    """One epoch's order.

    Args:
        lengths: As :class:`TrainSampler`.
        batch_size: Rows of one process in one pass.
        processes: Processes that train.
        filled: The short last block of each kind is filled up from that kind's first block, so that no batch mixes
            kinds and some samples come twice. Otherwise the last blocks of both kinds are joined and may mix them.
        generator: Source of chance; None takes torch's own.

    Source: the samplers of LLaVolta (``filled``, at 31ec151) and of LLaMA-VID (at b3d3ae2b, which is LLaVA's).
    """
    kinds = _kinds(lengths)
    block = batch_size * processes
    ordered = []
    for kind in kinds:
        order = group_by_length([abs(lengths[index]) for index in kind], batch_size, processes, generator=generator)
        ordered.append([kind[place] for place in order])
    if len(ordered) == 1:
        return ordered[0]
    whole: list[list[int]] = []
    rest: list[list[int]] = []
    for order in ordered:
        blocks = [order[start : start + block] for start in range(0, len(order), block)]
        whole += blocks[:-1]
        last = blocks[-1]
        rest.append([*last, *islice(cycle(order), block - len(last))] if filled else last)
    mixed = [whole[number] for number in torch.randperm(len(whole), generator=generator).tolist()]
    if filled:
        mixed += rest
    else:
        joined = rest[0] + rest[1]
        # Where both ends together fill a block, that one comes first of all, and what is left comes last.
        mixed = [joined[:block], *mixed, joined[block:]] if len(joined) >= block else [*mixed, joined]
    return [index for one in mixed for index in one]


def group_by_length(
    lengths: Sequence[int], batch_size: int, processes: int, *, generator: torch.Generator | None = None
) -> list[int]:
    """A random order in which each block of ``batch_size * processes`` is sorted and shared out evenly by length."""
    order = torch.randperm(len(lengths), generator=generator).tolist()
    block = batch_size * processes
    shared: list[int] = []
    for start in range(0, len(order), block):
        longest_first = sorted(order[start : start + block], key=lambda index: lengths[index], reverse=True)
        for part in _share_out(longest_first, lengths, processes):
            shared += part
    return shared


def _share_out(longest_first: Sequence[int], lengths: Sequence[int], parts: int) -> list[list[int]]:
    """Parts of equal count; each next sample goes to the part that is shortest so far and not yet full."""
    if len(longest_first) % parts:
        return [list(longest_first[part::parts]) for part in range(parts)]
    room = len(longest_first) // parts
    shared: list[list[int]] = [[] for _ in range(parts)]
    sums: list[float] = [0.0] * parts
    for index in longest_first:
        shortest = sums.index(min(sums))
        shared[shortest].append(index)
        sums[shortest] = float("inf") if len(shared[shortest]) == room else sums[shortest] + lengths[index]
    return shared


def _kinds(lengths: Sequence[int]) -> list[list[int]]:
    """Indices with picture or video and indices without; kinds that do not occur are left out."""
    visual = [index for index, length in enumerate(lengths) if length > 0]
    text = [index for index, length in enumerate(lengths) if length < 0]
    return [kind for kind in (visual, text) if kind]
