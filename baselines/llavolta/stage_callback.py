"""Stages for transformers' trainer."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any, Final

from transformers import TrainerCallback

from baselines.llavolta.schedule import CounterSchedule, StageSchedule
from baselines.llavolta.setting import Compression
from vdc.errors import InputError, Problem
from vdc.fileio import write_atomic

logger = logging.getLogger(__name__)

COUNTER_FILE: Final = "stage_counter.json"
"""Where a checkpoint keeps the published counter."""


class StageCallback(TrainerCallback):
    """Sets the model's compression at the start of every optimiser step.

    The stage follows from the trainer's own step, which its checkpoints hold: nothing else has to be saved, and a run
    that is resumed goes on in the right stage.

    Args:
        schedule: The stages.
        after: Compression when training has ended.
    """

    def __init__(self, schedule: StageSchedule, *, after: Compression) -> None:
        self.schedule = schedule
        self.after = after
        self.stage = 0

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002
        """Called once per optimiser step, however many passes it has."""
        self.stage = self.schedule.stage(state.global_step, state.max_steps)
        set_compression(kwargs["model"], self.schedule.at(state.global_step, state.max_steps))

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002
        """The setting the model answers with goes into its configuration."""
        set_compression(kwargs["model"], self.after)


class CounterCallback(TrainerCallback):
    """Sets the model's compression as the published code does: by a count of forward passes.

    With accumulation a step has several passes, and the stage may change between them. Unlike the published counter
    this one is kept in checkpoints.

    Args:
        schedule: The counter, from its start.
        after: Compression when training has ended.
    """

    def __init__(self, schedule: CounterSchedule, *, after: Compression) -> None:
        self.schedule = schedule
        self.after = after

    @property
    def stage(self) -> int:
        """Number of the stage of the next pass, from 0."""
        return self.schedule.stage

    def resume(self, checkpoint: Path) -> None:
        """Take up the count of a checkpoint.

        Raises:
            InputError: The checkpoint has none: it was made with another schedule.
        """
        path = checkpoint / COUNTER_FILE
        try:
            self.schedule.load_state_dict(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, KeyError) as error:
            raise InputError(
                Problem(
                    f"no count of passes ({error})",
                    COUNTER_FILE,
                    "resume with the schedule it was made with",
                    str(path),
                )
            ) from error

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002
        """Also right behind a resume, where the model's configuration is that of its files."""
        set_compression(kwargs["model"], self.schedule.compression)

    def on_substep_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002
        """A pass that is not the last of its step."""
        self._passed(kwargs["model"])

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002
        """The last pass of a step."""
        self._passed(kwargs["model"])

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002
        """Keep the count beside the weights."""
        if state.is_world_process_zero:
            folder = Path(args.output_dir) / f"checkpoint-{state.global_step}"
            write_atomic(folder / COUNTER_FILE, json.dumps(self.schedule.state_dict()) + "\n")

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002
        """The setting the model answers with goes into its configuration."""
        set_compression(kwargs["model"], self.after)

    def _passed(self, model: Any) -> None:
        self.schedule.after_forward()
        set_compression(model, self.schedule.compression)


def set_compression(model: Any, compression: Compression) -> None:
    """Make a setting the one that holds where a call names none.

    Args:
        model: The model, wrapped for parallel training or not.
        compression: The setting.
    """
    config = getattr(model, "module", model).config
    if config.compression != compression:
        logger.info("compression is now %s", compression)
        config.grouping = compression.grouping
        config.compression_layer = compression.layer
        config.compression_stride = compression.stride
