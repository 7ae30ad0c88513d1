"""Which setting holds when, and what it saves."""

from __future__ import annotations

from typing import Any

from baselines.llavolta.accounting import compression_ratio, mean_token_layers, token_layers
from baselines.llavolta.schedule import CounterSchedule
from baselines.parity.golden import Tolerance
from baselines.parity.llavolta.context import Context, compression_of
from vdc.errors import InputError

_STAGE_FIELDS = frozenset(("layer", "stride", "grouping", "tokens_over_layers", "compression_ratio"))

_FLOAT = Tolerance(1e-9, 1e-12)
"""Ratios of whole numbers in double precision."""


def check_stages(context: Context, file: str) -> None:
    """Which setting holds in every forward pass of the published, counting schedule."""
    golden, checker = context.golden.json(file), context.checker
    checker.fields(file, "", golden, frozenset(("meaning", "schemes", "conventions", "note")))
    for name, scheme in golden.get("schemes", {}).items():
        checker.fields(
            file,
            name,
            scheme,
            frozenset(("strides", "pivots", "layers", "total_forwards", "segments", "error", "note")),
        )
        with checker.guarded(file, name):
            segments, failed = _run_scheme(scheme)
            checker.same(file, f"{name} segments", segments, scheme["segments"])
            if "error" in scheme:
                theirs = None if scheme["error"] is None else scheme["error"].get("after_forward")
                checker.same(file, f"{name} pass after which no stage is left", failed, theirs)


def _run_scheme(scheme: dict[str, Any]) -> tuple[list[dict[str, int]], int | None]:
    schedule = CounterSchedule(strides=scheme["strides"], layers=scheme["layers"], pivots=scheme["pivots"])
    segments: list[dict[str, int]] = []
    for number in range(scheme["total_forwards"]):
        setting = {"layer": schedule.compression.layer, "stride": schedule.compression.stride}
        if segments and {key: segments[-1][key] for key in setting} == setting:
            segments[-1]["last_forward"] = number
        else:
            segments.append({"first_forward": number, "last_forward": number, **setting})
        try:
            schedule.after_forward()
        except InputError:
            return segments, number
    return segments, None


def check_ratios(context: Context, file: str) -> None:
    """Token counts and compression ratios."""
    golden, checker = context.golden.json(file), context.checker
    checker.fields(file, "", golden, frozenset(("meaning", "rows", "formula", "note")))
    for number, row in enumerate(golden.get("rows", [])):
        label = f"rows[{number}]"
        known = frozenset(("num_layers", "visual_len", "stages", "mean_tokens", "cr_of_mean_tokens"))
        checker.fields(file, label, row, known)
        shape = {"layers": row["num_layers"], "visual_tokens": row["visual_len"]}
        stages = [compression_of(stage) for stage in row["stages"]]
        for stage, entry in zip(stages, row["stages"], strict=True):
            name = f"{label} layer {stage.layer} stride {stage.stride}"
            checker.fields(file, name, entry, _STAGE_FIELDS)
            checker.same(file, f"{name} tokens", token_layers(stage, **shape), entry["tokens_over_layers"])
            checker.number(file, f"{name} ratio", compression_ratio(stage, **shape), entry["compression_ratio"], _FLOAT)
        mean = mean_token_layers(stages, **shape)
        checker.number(file, f"{label} mean_tokens", mean, row["mean_tokens"], _FLOAT)
        ratio = row["num_layers"] * row["visual_len"] / mean
        checker.number(file, f"{label} cr_of_mean_tokens", ratio, row["cr_of_mean_tokens"], _FLOAT)
