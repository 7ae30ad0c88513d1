"""The published training schemes as data, and their costs beside ours."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from importlib.resources import files
from typing import Any

from baselines.llavolta.accounting import mean_token_layers, tera_flops
from baselines.llavolta.schedule import CounterSchedule, Stage, StageSchedule
from baselines.llavolta.setting import NO_COMPRESSION, Compression
from vdc.errors import InputError, Problem, unknown_name


@dataclass(frozen=True, slots=True)
class Scheme:
    """One scheme of training.

    Args:
        name: Short name.
        schedule: Stages of instruction tuning.
        pretrain: Compression of the first training phase.
        inference: Compression when the trained model answers.
        counter: ``strides``, ``layers`` and ``pivots`` that the script passes to the counting schedule; None for
            schemes without a script.
        published: Figures of the paper by name, as far as it has them.
    """

    name: str
    schedule: StageSchedule
    pretrain: Compression
    inference: Compression
    counter: Mapping[str, list[int]] | None
    published: Mapping[str, float]

    def published_schedule(self) -> CounterSchedule:
        """The counting schedule of the published script, from its start.

        Raises:
            InputError: The scheme has no script, or its script does not compress.
        """
        if self.counter is None:
            raise InputError(
                Problem(
                    f"scheme {self.name} without counting schedule",
                    "4stage, heavy-compression or light-compression",
                    "use its stages by optimiser steps",
                )
            )
        return CounterSchedule(
            strides=self.counter["strides"], layers=self.counter["layers"], pivots=self.counter["pivots"]
        )


@dataclass(frozen=True, slots=True)
class SchemeCost:
    """What a scheme costs, for a 7B model and one picture.

    Args:
        name: The scheme.
        mean_tokens: Visual tokens over layers, averaged over its stages.
        ratio_percent: Uncompressed over that, in percent.
        tera_flops: As :func:`baselines.llavolta.accounting.tera_flops`.
        published: The paper's figures under the same names.
        unexplained: Names of published figures that do not follow from the stages, to the digits they are given in.
    """

    name: str
    mean_tokens: float
    ratio_percent: float
    tera_flops: float
    published: Mapping[str, float]
    unexplained: tuple[str, ...]


@cache
def schemes() -> Mapping[str, Scheme]:
    """Every known scheme by name."""
    table = json.loads(files("baselines.llavolta").joinpath("schemes.json").read_text(encoding="utf-8"))
    return {name: _scheme(name, entry) for name, entry in table["schemes"].items()}


def scheme(name: str) -> Scheme:
    """One scheme.

    Raises:
        InputError: Unknown name. The paper's last-stage compression is one: its stages are not published.
    """
    known = schemes()
    if name not in known:
        raise InputError(unknown_name("scheme", name, known))
    return known[name]


def scheme_cost(chosen: Scheme) -> SchemeCost:
    """Token counts and cost of a scheme, ours beside the paper's.

    Args:
        chosen: The scheme.
    """
    stages = chosen.schedule.stages
    mean = mean_token_layers([stage.compression for stage in stages], [float(stage.share) for stage in stages])
    ours = {"mean_tokens": mean, "ratio_percent": 100 * 32 * 576 / mean, "tera_flops": tera_flops(mean)}
    rounding = {"mean_tokens": 0.5, "ratio_percent": 0.5, "tera_flops": 0.005}
    unexplained = tuple(
        name
        for name, allowed in rounding.items()
        if name in chosen.published and abs(ours[name] - chosen.published[name]) > allowed + 1e-9
    )
    return SchemeCost(chosen.name, **ours, published=chosen.published, unexplained=unexplained)


def _scheme(name: str, entry: dict[str, Any]) -> Scheme:
    stages = [Stage(_compression(layer, stride), Fraction(share)) for layer, stride, share in entry["stages"]]
    pretrain, inference = (
        _compression(*entry[key]) if key in entry else NO_COMPRESSION for key in ("pretrain", "inference")
    )
    return Scheme(name, StageSchedule(stages), pretrain, inference, entry.get("counter"), entry.get("published", {}))


def _compression(layer: int | None, stride: int) -> Compression:
    return NO_COMPRESSION if layer is None else Compression(layer, stride)
