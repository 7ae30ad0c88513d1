"""The order in which a training sees its samples, against the published samplers."""

from __future__ import annotations

from typing import Any

import torch

from baselines.parity.checker import Checker
from baselines.training.sampler import group_by_length, group_by_modality

TWO_GENERATORS = (
    "the published sampler draws the order within each kind from the global generator even where it is given one; "
    "ours draws everything from the one it is given"
)

_SHAPE = ("lengths", "batch_size", "world_size")
_FILLED_FIELDS = frozenset([*_SHAPE, "torch_manual_seed", "indices", "num_returned", "single_modality", "note"])
_MIXED_FIELDS = frozenset([*_SHAPE, "torch_seed", "generator_seed", "note"])


def check_filled(checker: Checker, file: str) -> None:
    """LLaVolta's sampler, which fills up the last block of each kind."""
    golden = checker.golden.json(file)
    checker.fields(file, "", golden, frozenset(["meaning", "note", "cases"]))
    for number, case in enumerate(golden["cases"]):
        label = f"cases[{number}]"
        with checker.guarded(file, label):
            checker.fields(file, label, case, _FILLED_FIELDS)
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(case["torch_manual_seed"])
                ours = group_by_modality(*(case[name] for name in _SHAPE), filled=True)
            checker.same(file, f"{label} indices", ours, case["indices"])
            if "single_modality" in case:
                kinds = {length > 0 for length in case["lengths"]}
                checker.same(file, f"{label} single_modality", len(kinds) == 1, case["single_modality"])
            if "num_returned" in case:
                checker.same(file, f"{label} num_returned", len(ours), case["num_returned"])


def check_mixed(checker: Checker, file: str) -> None:
    """LLaMA-VID's samplers: by kind and length, and by length alone."""
    for number, case in enumerate(checker.golden.json(file)):
        label = f"[{number}]"
        outputs = {name for name in case if name.startswith(("modality_grouped", "length_grouped"))}
        checker.fields(file, label, case, _MIXED_FIELDS | outputs)
        for name in sorted(outputs):
            if name.endswith("_with_generator"):
                checker.not_covered(file, f"{label} {name}", TWO_GENERATORS)
                continue
            with checker.guarded(file, f"{label} {name}"):
                checker.same(file, f"{label} {name}", _mixed(case, name), case[name])


def _mixed(case: dict[str, Any], name: str) -> list[int]:
    lengths, batch_size, processes = (case[field] for field in _SHAPE)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(case["torch_seed"])
        if name.startswith("modality"):
            return group_by_modality(lengths, batch_size, processes, filled=False)
        return group_by_length([abs(length) for length in lengths], batch_size, processes)
