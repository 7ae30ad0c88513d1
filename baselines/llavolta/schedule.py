"""Which compression holds at which point of a training.

:class:`StageSchedule` asks for the optimiser step alone. It has no state, so a resumed run goes on in the right stage,
and accumulation, evaluation and the number of workers change nothing. :class:`CounterSchedule` is what the published
code does, for runs that have to repeat it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from baselines.llavolta.setting import Compression
from vdc.errors import InputError, Problem

NEVER_LISTED_PIVOT = 10_000
"""Pivot of the published code once its list is empty."""


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage.

    Args:
        compression: What holds in it.
        share: Its part of all optimiser steps, above 0.
    """

    compression: Compression
    share: Fraction


class StageSchedule:
    """Stages by parts of the training.

    Args:
        stages: In order.

    Raises:
        InputError: No stage, a share that is not above 0, or shares that do not add up to 1.
    """

    def __init__(self, stages: Sequence[Stage]) -> None:
        total = sum((stage.share for stage in stages), Fraction())
        if not stages or total != 1 or any(stage.share <= 0 for stage in stages):
            raise InputError(
                Problem(
                    f"{len(stages)} stages with shares {[str(stage.share) for stage in stages]}",
                    "shares above 0 that add up to 1, written exactly (1/3, not 0.33)",
                    "correct the scheme",
                )
            )
        self.stages = tuple(stages)

    def stage(self, step: int, total_steps: int) -> int:
        """Number of the stage, from 0, in which an optimiser step is made.

        Args:
            step: Steps made before it; from the total on, the last stage holds.
            total_steps: Steps of the whole training.

        Raises:
            InputError: A negative step, or no steps at all.
        """
        if step < 0 or total_steps < 1:
            raise InputError(
                Problem(f"step {step} of {total_steps}", "0 to the number of steps", "give the optimiser's step")
            )
        end = Fraction()
        for number, stage in enumerate(self.stages):
            end += stage.share
            if step < end * total_steps:
                return number
        return len(self.stages) - 1

    def at(self, step: int, total_steps: int) -> Compression:
        """Compression of an optimiser step; arguments and errors as :meth:`stage`."""
        return self.stages[self.stage(step, total_steps)].compression


class CounterSchedule:
    """The published schedule: a counter of forward passes, tested as a modulus.

    Its habits are kept on purpose: pivot ``p`` lets ``p + 1`` passes run in the old stage, a later pivot that divides
    the count fires at once, and stride 1 ends all changes. Unlike the published one it can be saved.

    Args:
        strides: Stride of each stage.
        layers: Layer of each stage.
        pivots: Counts at which stages change.

    Raises:
        InputError: Lists without a first stage.

    Source: Beckschen/LLaVolta at 31ec151, the forward pass of its language model.
    """

    def __init__(self, *, strides: Sequence[int], layers: Sequence[int], pivots: Sequence[int]) -> None:
        if not strides or not layers or not pivots:
            raise InputError(Problem("an empty list", "a stride, a layer and a pivot or more", "give all three lists"))
        self._strides, self._layers, self._pivots = tuple(strides), tuple(layers), tuple(pivots)
        self._taken = 1
        self._count = 0

    @property
    def stage(self) -> int:
        """Number of the stage of the next forward pass, from 0."""
        return self._taken - 1

    @property
    def settings(self) -> tuple[Compression, ...]:
        """All stages in order, whether they are ever reached or not."""
        return tuple(Compression(layer, stride) for layer, stride in zip(self._layers, self._strides, strict=False))

    @property
    def compression(self) -> Compression:
        """What holds in the next forward pass."""
        return Compression(self._layers[self._taken - 1], self._strides[self._taken - 1])

    def after_forward(self) -> None:
        """Count a forward pass, and change the stage where it is due.

        Raises:
            InputError: A stage is due and none is left.
        """
        index = self._taken - 1
        pivot = self._pivots[index] if index < len(self._pivots) else NEVER_LISTED_PIVOT
        if self._count and self._count % pivot == 0 and self._strides[index] > 1:
            if self._taken >= min(len(self._strides), len(self._layers)):
                raise InputError(
                    Problem(
                        f"no stage after number {self._taken}, which ends with pass {self._count}",
                        "a last stage of stride 1, or a pivot that is never reached",
                        "add a stage",
                    )
                )
            self._taken += 1
        self._count += 1

    def state_dict(self) -> dict[str, int]:
        """Everything that changes, for a checkpoint."""
        return {"taken": self._taken, "count": self._count}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on where :meth:`state_dict` was taken.

        Raises:
            InputError: A stage that this schedule has not.
        """
        taken, count = int(state["taken"]), int(state["count"])
        if not 1 <= taken <= len(self._strides) or count < 0:
            raise InputError(
                Problem(
                    f"stage {taken} at pass {count}", f"stage 1 to {len(self._strides)}", "resume with the same scheme"
                )
            )
        self._taken, self._count = taken, count
