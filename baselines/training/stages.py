"""A recipe's stages of compression, what they cost, and the callback that walks through them."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from baselines.llavolta.accounting import compression_ratio, mean_token_layers, tera_flops, token_layers
from baselines.llavolta.schedule import Stage, StageSchedule
from baselines.llavolta.schemes import scheme
from baselines.llavolta.setting import NO_COMPRESSION, Compression
from baselines.training.recipe import Recipe
from vdc.errors import InputError, Problem


@dataclass(frozen=True, slots=True)
class StagePlan:
    """Compression over a training.

    Args:
        schedule: Stages by optimiser step.
        after: What the trained model answers with.
        scheme: Name of the published scheme; empty for stages of one's own.
        counted: Whether the published counter drives the stages instead.
    """

    schedule: StageSchedule
    after: Compression
    scheme: str = ""
    counted: bool = False

    @property
    def settings(self) -> tuple[Compression, ...]:
        """The stages in order; with the counter those of its script, whether it reaches them or not."""
        if not self.counted:
            return tuple(stage.compression for stage in self.schedule.stages)
        return scheme(self.scheme).published_schedule().settings

    def of_passes(self, steps: int, accumulation: int) -> list[int]:
        """Number of the stage, from 0, of every forward pass of a training.

        Args:
            steps: Optimiser steps.
            accumulation: Passes of one step.
        """
        if not self.counted:
            return [self.schedule.stage(step, steps) for step in range(steps) for _ in range(accumulation)]
        counter, found = scheme(self.scheme).published_schedule(), []
        for _ in range(steps * accumulation):
            found.append(counter.stage)
            counter.after_forward()
        return found

    def callback(self) -> Any:
        """For the trainer; it has ``stage``, the number of the stage from 0."""
        from baselines.llavolta.stage_callback import CounterCallback, StageCallback

        if self.counted:
            return CounterCallback(scheme(self.scheme).published_schedule(), after=self.after)
        return StageCallback(self.schedule, after=self.after)


@dataclass(frozen=True, slots=True)
class StageRow:
    """One line of the table of stages.

    Args:
        stage: From 1.
        first_step, last_step: Optimiser steps that begin in it, from 1; 0 for stages that get none.
        layer, stride: Where and how strongly; None for no compression.
        tokens: Visual tokens of a picture, averaged over layers.
        ratio: Uncompressed over compressed.
    """

    stage: int
    first_step: int
    last_step: int
    layer: int | None
    stride: int | None
    tokens: float
    ratio: float


@dataclass(frozen=True, slots=True)
class StageCost:
    """What compression saves over a training.

    Args:
        mean_tokens: Visual tokens of a picture summed over layers, averaged over steps.
        whole_tokens: The same without compression.
        tera_flops: Of one prompt of the 7B model, by the paper's accounting; None for other shapes.
        whole_tera_flops: The same without compression.
    """

    mean_tokens: float
    whole_tokens: float
    tera_flops: float | None
    whole_tera_flops: float | None


def stage_plan(recipe: Recipe) -> StagePlan | None:
    """Stages of a recipe; None for models without.

    Raises:
        InputError: An unknown scheme, shares that do not add up, or a counter that the scheme has not.
    """
    given = recipe.llavolta
    if given is None:
        return None
    if given.scheme is None:
        stages = [
            Stage(NO_COMPRESSION if one.layer is None else Compression(one.layer, one.stride), Fraction(one.share))
            for one in given.stages
        ]
        return StagePlan(StageSchedule(stages), stages[-1].compression)
    chosen = scheme(given.scheme)
    counted = given.schedule == "published-counter"
    if given.phase == "pretrain":
        if counted:
            raise InputError(Problem("a counter for projector training", "schedule: steps", "correct the recipe"))
        return StagePlan(StageSchedule([Stage(chosen.pretrain, Fraction(1))]), chosen.inference, given.scheme)
    if counted:
        chosen.published_schedule()
    return StagePlan(chosen.schedule, chosen.inference, given.scheme, counted)


def stage_table(plan: StagePlan, steps: int, *, accumulation: int, layers: int, visual_tokens: int) -> list[StageRow]:
    """What holds when, by optimiser step.

    Args:
        plan: The stages.
        steps: Optimiser steps of the training.
        accumulation: Passes of one step, which the published counter counts.
        layers: Decoder layers.
        visual_tokens: Tokens of one picture before compression.
    """
    of_step = plan.of_passes(steps, accumulation)[::accumulation]
    rows = []
    for number, kept in enumerate(plan.settings):
        count = of_step.count(number)
        first = of_step.index(number) + 1 if count else 0
        rows.append(
            StageRow(
                stage=number + 1,
                first_step=first,
                last_step=first + count - 1 if count else 0,
                layer=kept.layer if kept.pools else None,
                stride=kept.stride if kept.pools else None,
                tokens=token_layers(kept, layers=layers, visual_tokens=visual_tokens) / layers,
                ratio=compression_ratio(kept, layers=layers, visual_tokens=visual_tokens),
            )
        )
    return rows


def stage_cost(
    plan: StagePlan, steps: int | None, *, accumulation: int, layers: int, visual_tokens: int, seven_b: bool
) -> StageCost | None:
    """What the stages cost, as the paper counts; None where the counter's stages depend on steps that nobody knows.

    Args:
        plan: The stages.
        steps: Optimiser steps of the training; None where they are not known.
        accumulation: Passes of one step.
        layers: Decoder layers.
        visual_tokens: Tokens of one picture before compression.
        seven_b: Whether the decoder is the 7B model's, for which the paper's accounting holds.
    """
    shares = [float(stage.share) for stage in plan.schedule.stages]
    if plan.counted:
        if steps is None:
            return None
        passes = plan.of_passes(steps, accumulation)
        shares = [passes.count(number) / len(passes) for number in range(len(plan.settings))]
    mean = mean_token_layers(plan.settings, shares, layers=layers, visual_tokens=visual_tokens)
    whole = float(layers * visual_tokens)
    flops = (tera_flops(mean), tera_flops(whole)) if seven_b else (None, None)
    return StageCost(mean, whole, *flops)
