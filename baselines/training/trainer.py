"""transformers' trainer with what recipes add: their order of samples, rates per part, late cosine, the loss curve."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from accelerate import PartialState  # type: ignore[import-untyped, import-not-found, unused-ignore]
from torch import Tensor
from torch.optim.lr_scheduler import LambdaLR
from transformers import Trainer, TrainerCallback

from baselines.common.constants import IGNORED_LABEL
from baselines.training.checkpoints import keep_newest, mark_whole, writing
from baselines.training.curve import CURVE, CurvePoint, append_point
from baselines.training.families import Family
from baselines.training.parts import part_of
from baselines.training.recipe import Recipe
from baselines.training.sampler import TrainSampler
from vdc.errors import RunFailed

logger = logging.getLogger(__name__)

Told = Callable[[CurvePoint, int], None]
"""Called with each step and the number of steps in all."""


class RecipeTrainer(Trainer):
    """Trains by a recipe.

    Args:
        recipe: Rates, scheduler, averaging.
        family: The model's parts and visual tokens.
        order: Samples of each epoch.
        stages: Callback with ``stage``; None for models without stages.
        told: Hears of every step, on the first process.
        kwargs: As ``Trainer``.
    """

    # The library builds its trainer at run time.
    optimizer: Any
    lr_scheduler: Any
    model_accepts_loss_kwargs: bool

    def __init__(
        self,
        *,
        recipe: Recipe,
        family: Family,
        order: TrainSampler,
        stages: Any = None,
        told: Told | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self._recipe, self._family, self._order = recipe, family, order
        self._stages, self._told = stages, told
        self._visual_tokens, self._rows = 0.0, 0
        # The published code takes the mean of every pass, whatever its number of tokens.
        self.model_accepts_loss_kwargs = self.model_accepts_loss_kwargs and recipe.loss_mean == "tokens"

    def _get_train_sampler(self, train_dataset: Any = None) -> TrainSampler:  # noqa: ARG002
        return self._order

    def total_steps(self) -> int:
        """Optimiser steps of the whole run."""
        return int(self.set_initial_training_values(self.args, self.get_train_dataloader())[-1])

    def take_result(self, checkpoint: Path) -> None:
        """Load the last checkpoint of a run that had all its steps; the library would make one step more."""
        self._load_from_checkpoint(str(checkpoint))
        self.callback_handler.on_train_end(self.args, self.state, self.control)

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        with writing(Path(self.args.output_dir) / f"checkpoint-{self.state.global_step}"):
            super()._save_checkpoint(model, trial)

    def create_optimizer(self, model: Any = None) -> Any:
        """AdamW, with a group for every part that has a rate of its own."""
        if self.optimizer is not None or not self._recipe.learning_rates:
            return super().create_optimizer(model)
        chosen = self.model if model is None else model
        decayed = set(self.get_decay_parameter_names(chosen))
        groups: dict[tuple[float, float], list[Any]] = {}
        for name, parameter in chosen.named_parameters():
            if parameter.requires_grad:
                rate = self._recipe.learning_rates.get(part_of(name, self._family), self._recipe.learning_rate)
                decay = self._recipe.weight_decay if name in decayed else 0.0
                groups.setdefault((rate, decay), []).append(parameter)
        kind, options = self.get_optimizer_cls_and_kwargs(self.args, chosen)
        self.optimizer = kind(
            [{"params": params, "lr": rate, "weight_decay": decay} for (rate, decay), params in groups.items()],
            **options,
        )
        return self.optimizer

    def create_scheduler(self, num_training_steps: int, optimizer: Any = None) -> Any:
        """As the recipe's scheduler says."""
        if self._recipe.scheduler != "cosine-late" or self.lr_scheduler is not None:
            return super().create_scheduler(num_training_steps, optimizer)
        warmup = self.args.get_warmup_steps(num_training_steps)
        start = self._recipe.warmup_start
        self.lr_scheduler = LambdaLR(
            self.optimizer if optimizer is None else optimizer,
            lambda step: late_cosine(step, warmup, num_training_steps, start),
        )
        self._created_lr_scheduler = True
        return self.lr_scheduler

    def compute_loss(self, model: Any, inputs: Any, return_outputs: bool = False, **kwargs: Any) -> Any:
        """The model's own loss; 0 for a pass without any labelled token, whose mean would be no number."""
        self._visual_tokens += self._family.visual_tokens(self.model.config, inputs)
        self._rows += len(inputs["input_ids"])
        labels: Tensor = inputs["labels"]
        loss, outputs = super().compute_loss(model, inputs, return_outputs=True, **kwargs)
        if not bool((labels[:, 1:] != IGNORED_LABEL).any()):
            logger.warning("a pass of step %d has no labelled token and counts as loss 0", self.state.global_step + 1)
            loss = outputs.logits.sum() * 0
        return (loss, outputs) if return_outputs else loss

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Write the curve.

        Raises:
            RunFailed: The loss is no finite number.
        """
        super().log(logs, start_time)
        if "loss" not in logs:
            return
        seen = torch.tensor([self._visual_tokens, float(self._rows)], dtype=torch.float64, device=self.args.device)
        self._visual_tokens, self._rows = 0.0, 0
        tokens, rows = self.accelerator.reduce(seen, reduction="sum").tolist()
        point = CurvePoint(
            step=self.state.global_step,
            stage=1 if self._stages is None else self._stages.stage + 1,
            loss=float(logs["loss"]),
            learning_rate=float(logs["learning_rate"]),
            grad_norm=float(logs["grad_norm"]) if logs.get("grad_norm") is not None else None,
            visual_tokens=tokens / max(rows, 1.0),
        )
        if self.is_world_process_zero():
            append_point(Path(self.args.output_dir) / CURVE, point)
            if self._told is not None:
                self._told(point, self.state.max_steps)
        if not math.isfinite(point.loss):
            raise RunFailed(
                f"found a loss of {point.loss} at step {point.step}; expected a finite number; do next: lower the "
                "learning rate or look at the data, and start into a new --out"
            )

    def _issue_warnings_after_load(self, load_result: Any) -> None:
        """A checkpoint must hold everything that is trained, or the run would go on from other weights."""
        trained = {name for name, parameter in self.model.named_parameters() if parameter.requires_grad}
        lost = sorted(trained & set(load_result.missing_keys)) + sorted(load_result.unexpected_keys)
        if lost:
            raise RunFailed(
                f"found a checkpoint that does not fit the model in {len(lost)} parameters, such as {lost[0]}; "
                "expected one of this run; do next: start into a new --out"
            )


class EpochCallback(TrainerCallback):
    """Tells the sampler which epoch begins; behind a resume nothing else would."""

    def __init__(self, order: TrainSampler) -> None:
        self._order = order

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002
        """``state.epoch`` is how much of the data has been seen."""
        self._order.set_epoch(int((state.epoch or 0) + 1e-6))


class WholeCheckpointCallback(TrainerCallback):
    """Marks every checkpoint once all processes have written their part, and only then deletes older ones.

    Args:
        keep: Checkpoints kept.
    """

    def __init__(self, keep: int) -> None:
        self._keep = keep

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002
        """Called on every process behind the last file."""
        PartialState().wait_for_everyone()
        if state.is_world_process_zero:
            mark_whole(Path(args.output_dir) / f"checkpoint-{state.global_step}")
            keep_newest(Path(args.output_dir), self._keep)


def late_cosine(step: int, warmup: int, steps: int, start: float) -> float:
    """Share of the learning rate at a step: a straight rise, then a cosine that the end of the run cuts off.

    Args:
        step: Steps made.
        warmup: Steps of the rise.
        steps: Steps of the run, and period of the cosine.
        start: Share at step 0.

    Source: AuroraCap's released configuration: the cosine's period is the whole run, though it starts late.
    """
    if step < warmup:
        return start + (1 - start) * step / warmup
    return 0.5 * (1 + math.cos(math.pi * min((step - warmup) / steps, 1.0)))
