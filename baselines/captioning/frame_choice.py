"""Which frames of a video a model is shown: what the user says, else what its weights were trained on."""

from __future__ import annotations

from typing import Final, Literal

from baselines.captioning.frame_rule import FrameRule
from baselines.captioning.types import ModelSettings
from vdc.errors import InputError, Problem

Watcher = Literal["auroracap", "llama_vid", "llavolta", "hub", "server"]
"""Who looks: a family of checkpoints, or a model on a server."""

DEFAULTS: Final[dict[Watcher, FrameRule]] = {
    "auroracap": FrameRule(8),
    "llama_vid": FrameRule(fps=1.0, sampling="uniform"),  # every published video setting
    "llavolta": FrameRule(8, sampling="uniform"),  # its paper's videos, and Video-LLaVA's rule for them
    "hub": FrameRule(8),
    "server": FrameRule(8),
}
"""What is done where the user says nothing."""


def choose_frames(settings: ModelSettings, watcher: Watcher) -> FrameRule:
    """The rule for a model: the user's numbers where given, in the model's own way of picking.

    Args:
        settings: What the user said.
        watcher: Who looks.

    Raises:
        InputError: Fewer than one frame, or no positive rate.
    """
    check_frames(settings)
    default = DEFAULTS[watcher]
    if settings.frames is None and settings.fps is None:
        return default
    return FrameRule(settings.frames, settings.fps, default.sampling)


def check_frames(settings: ModelSettings) -> None:
    """Refuse fewer than one frame, and a rate that is none.

    Raises:
        InputError: As said.
    """
    problems = []
    if settings.frames is not None and settings.frames < 1:
        problems.append(Problem(f"{settings.frames} frames", "1 or more", "raise --frames"))
    if settings.fps is not None and not 0 < settings.fps < float("inf"):
        problems.append(Problem(f"--fps {settings.fps:g}", "a positive number", "1 is usual; leave it out if unsure"))
    if problems:
        raise InputError(problems)
