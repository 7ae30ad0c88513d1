"""The ids of a golden batch must be what our own text code makes of the samples it came from."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from random import Random
from typing import Any

import torch

from baselines.common.prompts import collate_text, encode_with_placeholders
from baselines.llama_vid.training_text import Stage, TrainingSample, encode_sample, insert_film, read_messages
from baselines.parity.llama_vid.context import Context
from vdc.errors import InputError


class FixedCoin(Random):
    """A coin that falls as it is told, and then on 0.

    Args:
        falls: 0 or 1 per throw.
    """

    def __init__(self, falls: Sequence[int]) -> None:
        super().__init__(0)
        self._falls = list(falls)

    def randint(self, a: int, b: int) -> int:
        """The next fall; the bounds are those of a coin."""
        del b
        return self._falls.pop(0) if self._falls else a


def check_batch(context: Context, file: str) -> None:
    """Prompt text, training samples, or the question of a film, whichever the manifest gives."""
    entry, checker = context.golden.files[file], context.checker
    if "text" in entry:
        made = encode_with_placeholders(entry["text"], context.encoder(context.legacy))
        checker.same(file, "ids of text", made, context.input(file, "input.input_ids")[0].tolist())
    if "samples" in entry:
        _check_samples(context, file, entry["samples"])
    if "query_prompt" in entry and "sample" in entry:
        # The subtitles between the marks are not in the folder, so of the text only the question can be made again.
        _, question = insert_film(read_messages(entry["sample"]), "")
        checker.same(file, "query_prompt", question, entry["query_prompt"])


def _check_samples(context: Context, file: str, samples: Sequence[Any]) -> None:
    """The manifest does not say how the coins fell, so every way is tried."""
    entry, checker = context.golden.files[file], context.checker
    ids, labels = context.input(file, "input.input_ids"), context.input(file, "input.labels")
    mask = context.input(file, "input.attention_mask")
    chosen: list[TrainingSample] = []
    for number, sample in enumerate(samples):
        row = ids[number][mask[number].bool()].tolist()
        found = _matching(context, sample, row)
        checker.same(file, f"samples[{number}] ids", None if found is None else "ours", "ours")
        if found is None:
            return
        checker.same(file, f"samples[{number}] prompts", list(found.published_questions), entry["prompts"][number])
        chosen.append(found)
    batch = collate_text([sample.text for sample in chosen])
    checker.same(file, "samples collated: ids", batch.input_ids, ids.tolist())
    checker.same(file, "samples collated: labels", batch.labels, labels.tolist())
    checker.same(file, "samples collated: mask", torch.tensor(batch.attention_mask).long().tolist(), mask.tolist())


def _matching(context: Context, sample: Any, row: list[int]) -> TrainingSample | None:
    stages: tuple[Stage, ...] = ("imgsp_v1", "plain_guided")
    throws = min(sum(1 for message in sample if message["from"] == "human"), 10)
    for stage in stages:
        if stage == "plain_guided" and len(sample) != 2:
            continue
        for falls in product((0, 1), repeat=throws):
            try:
                made = encode_sample(
                    sample,
                    context.encoder(context.legacy),
                    stage=stage,
                    coin=FixedCoin(falls),
                    ignore_miscounted=True,
                )
            except InputError:
                break
            if list(made.text.input_ids) == row:
                return made
    return None
