"""Stages for transformers' trainer."""

from __future__ import annotations

import logging
from typing import Any

from transformers import TrainerCallback

from baselines.llavolta.schedule import StageSchedule
from baselines.llavolta.setting import Compression

logger = logging.getLogger(__name__)


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

    def on_step_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002
        """Called once per optimiser step, however many passes it has."""
        set_compression(kwargs["model"], self.schedule.at(state.global_step, state.max_steps))

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:  # noqa: ARG002
        """The setting the model answers with goes into its configuration."""
        set_compression(kwargs["model"], self.after)


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
