"""``tome.safetensors``: the merge step alone."""

from __future__ import annotations

import re
from typing import Any

import torch
from torch import Tensor

from baselines.parity.auroracap.context import Context
from baselines.parity.golden import Tolerance
from baselines.token_reduction.merging import (
    Matching,
    margin,
    match_tokens,
    merge_weighted,
    mergeable,
    trace_sources,
    unmerge,
)

_CASE = frozenset(
    [
        "index",
        "B",
        "N",
        "C_metric",
        "C_x",
        "r_requested",
        "r_effective",
        "class_token",
        "distill_token",
        "N_out",
        "margin_at_r",
    ]
)
_MARGIN = Tolerance(1e-6, 1e-4)


def check_merging(context: Context, file: str) -> None:
    """Every case and the sequence of merges."""
    entry = context.golden.files[file]
    for case in entry.get("cases", []):
        with context.checker.guarded(file, f"case{case.get('index')}"):
            _check_case(context, file, case)
    with context.checker.guarded(file, "seq"):
        _check_sequence(context, file)


def _check_case(context: Context, file: str, case: dict[str, Any]) -> None:
    checker, label = context.checker, f"case{case['index']}"
    checker.fields(file, label, case, _CASE)
    metric, x = context.input(file, f"{label}.metric"), context.input(file, f"{label}.x")
    sizes = context.input(file, f"{label}.size_in")
    tokens = metric.shape[1]
    checker.same(
        file, f"{label} shape", [*metric.shape, x.shape[2]], [case[key] for key in ("B", "N", "C_metric", "C_x")]
    )
    protect = {"class_token": bool(case["class_token"]), "distill_token": bool(case["distill_token"])}
    checker.same(file, f"{label} r_effective", mergeable(tokens, case["r_requested"], **protect), case["r_effective"])
    matching = match_tokens(metric, case["r_requested"], **protect)
    plain, plain_sizes = merge_weighted(x, None, matching)
    merged, merged_sizes = merge_weighted(x, sizes, matching)
    checker.same(file, f"{label} N_out", merged.shape[1], case["N_out"])
    ours: dict[str, Tensor] = {
        "out_x_nosize": plain,
        "out_size_nosize": plain_sizes,
        "out_x": merged,
        "out_size": merged_sizes,
        "source": trace_sources(matching, tokens, len(x)),
    }
    if matching is not None:
        ours["unmerge_of_out_x"] = unmerge(merged, matching, as_published=True)
    for name, tensor in ours.items():
        checker.tensor(file, f"{label}.{name}", tensor)
    _check_margin(context, file, label, matching, case.get("margin_at_r"))


def _check_margin(context: Context, file: str, label: str, matching: Matching | None, golden: float | None) -> None:
    gap = None if matching is None else float(margin(matching).min())
    if gap is None or gap != gap:  # NaN: nothing is left over, so there is no gap
        context.checker.same(file, f"{label} margin_at_r", None, golden)
    else:
        context.checker.number(file, f"{label} margin_at_r", gap, float("nan") if golden is None else golden, _MARGIN)


def _check_sequence(context: Context, file: str) -> None:
    """Merges in a row; how many per step follows from the shapes."""
    tensors = context.golden.tensors(file)
    steps = sorted(int(found[1]) for name in tensors if (found := re.match(r"^seq\.metric(\d+)$", name)))
    if not steps:
        return
    x: Tensor = context.input(file, "seq.x0")
    sizes: Tensor | None = None
    for step in steps:
        metric = context.input(file, f"seq.metric{step}")
        count = metric.shape[1] - tensors[f"seq.x{step + 1}"].shape[1]
        x, sizes = merge_weighted(x, sizes, match_tokens(metric, count))
        context.checker.tensor(file, f"seq.x{step + 1}", x)
        context.checker.tensor(file, f"seq.size{step + 1}", sizes)
    if "seq.size0" in tensors:
        context.checker.tensor(file, "seq.size0", torch.ones_like(context.golden.tensors(file)["seq.x0"][..., :1]))
