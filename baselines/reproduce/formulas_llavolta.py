"""LLaVolta: tokens over layers, compression ratio and TFLOPs from its settings; averages and savings from its cells."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from statistics import fmean
from typing import Any, Final

from baselines.reproduce.figures import Figure, Figures
from baselines.reproduce.tables import Book, Table

LAYERS, PATCHES = 32, 576
TOKENS, RATIO, FLOPS = "visual tokens over layers", "compression ratio", "TFLOPs"
VIDEO_BENCHMARKS: Final = ("MSVD-QA", "MSRVTT-QA", "ActivityNet-QA")


def setting_tokens(settings: Mapping[str, Any]) -> float | None:
    """Visual tokens over layers for the settings of a row; None where it names none.

    A row names a scheme (mean over its stages), a layer and a stride, or strides from layers on.
    """
    from baselines.llavolta.accounting import mean_token_layers, token_layers
    from baselines.llavolta.schemes import scheme
    from baselines.llavolta.setting import NO_COMPRESSION, Compression

    if "strides" in settings:
        steps = [*settings["strides"], [LAYERS, 1]]
        return float(sum((end - layer) * (PATCHES // stride) for (layer, stride), (end, _) in pairwise(steps)))
    if "layer" in settings:
        layer = settings["layer"]
        return float(token_layers(NO_COMPRESSION if layer is None else Compression(layer, settings["stride"])))
    if "scheme" not in settings:
        return None
    stages = scheme(settings["scheme"]).schedule.stages
    shares = [float(stage.share) for stage in stages]
    return mean_token_layers([stage.compression for stage in stages], shares, layers=_layers(settings))


def _layers(settings: Mapping[str, Any]) -> int:
    return int(settings.get("layers", LAYERS))


def costs(book: Book, table: Table) -> Figures:
    """Tokens, ratio and TFLOPs of every row with settings, for the columns that the table has."""
    del book
    from baselines.llavolta.accounting import tera_flops

    wanted = {column.name for column in table.columns if column.how == "formula"}
    found: dict[tuple[str, str], Figure] = {}
    for row in table.rows:
        tokens = setting_tokens(row.settings)
        if tokens is None:
            continue
        frames = int(row.settings.get("frames", 1))
        values = {
            TOKENS: tokens * frames,
            RATIO: 100 * _layers(row.settings) * PATCHES / tokens,
            FLOPS: tera_flops(tokens),
            "tokens left": 100 * tokens / (LAYERS * PATCHES),
            "share of training": _share(row.settings),
        }
        found |= {
            (row.label, name): Figure(value, _words(row.settings))
            for name, value in values.items()
            if name in wanted and value is not None
        }
    return found


def _share(settings: Mapping[str, Any]) -> float | None:
    from baselines.llavolta.schemes import scheme

    if "stage" not in settings:
        return None
    return float(scheme(settings["scheme"]).schedule.stages[settings["stage"] - 1].share)


def _words(settings: Mapping[str, Any]) -> str:
    if "layers" in settings:
        return f"stages of {settings['scheme']}, {settings['layers']} layers"
    if "strides" in settings:
        return "strides by layer"
    if "layer" in settings:
        return (
            "no compression" if settings["layer"] is None else f"layer {settings['layer']}, stride {settings['stride']}"
        )
    return f"stages of {settings['scheme']}"


def schemes(book: Book, table: Table) -> Figures:
    """Costs, and the average of the thirteen benchmarks with MME over 20."""
    found = dict(costs(book, table))
    names = [column.name for column in table.columns if column.how == "file" and column.unit != "hours"]
    for row in table.rows:
        cells = {name: table.number(row.label, name) for name in names}
        scores = [value / 20 if name == "MME" else value for name, value in cells.items() if value is not None]
        if len(scores) == len(names):
            found[row.label, "average"] = Figure(fmean(scores), f"mean of {len(scores)} printed scores, MME over 20")
    return found


def video(book: Book, table: Table) -> Figures:
    """Costs, and the averages over three benchmarks."""
    found = dict(costs(book, table))
    for row in table.rows:
        for metric in ("score", "accuracy"):
            values = [table.number(row.label, f"{name} {metric}") for name in VIDEO_BENCHMARKS]
            known = [value for value in values if value is not None]
            if len(known) == len(values):
                found[row.label, f"average {metric}"] = Figure(fmean(known), "mean of three printed values")
    return found


def claims(book: Book, table: Table) -> Figures:
    """Costs where the text names settings, and savings from printed hours."""
    found = {
        place: figure
        for place, figure in costs(book, table).items()
        # what is not printed at all is no claim
        if table.number(*place) is not None
    }
    for row in table.rows:
        hours, before = table.number(row.label, "training hours"), table.number(row.label, "hours without")
        if hours is not None and before is not None:
            saved = 100 * (1 - hours / before)
            found[row.label, "training time saved"] = Figure(saved, f"{before:g} to {hours:g} hours")
    return found


FORMULAS: Final[dict[str, Callable[[Book, Table], Figures]]] = {
    "schemes": schemes,
    "stages": costs,
    "stage_ratios": costs,
    "video_llava": video,
    "claims": claims,
    "redundancy": costs,
}
"""Table -> what computes it."""
