"""Opening a model by what its checkpoint is; the only place that knows what runs which family."""

from __future__ import annotations

from importlib import import_module
from typing import Final

from baselines.captioning.checkpoints import Checkpoint, Family, find_checkpoint
from baselines.captioning.types import ClipModel, ModelSettings
from vdc.errors import InputError, Problem, RunFailed

CLASSES: Final[dict[Family, str]] = {
    "auroracap": "baselines.captioning.auroracap_model:open_captioner",
    "llama_vid": "baselines.captioning.llama_vid_model:open_captioner",
    "llavolta": "baselines.captioning.llavolta_model:open_captioner",
    "hub": "baselines.captioning.hub_model:HubCaptioner",
}
"""Family -> ``module:callable``, a :class:`ClipModel` made from (checkpoint, settings, device)."""


def open_model(
    settings: ModelSettings, *, device: str | None = None, checkpoint: Checkpoint | None = None
) -> ClipModel:
    """Load a model into this process.

    Args:
        settings: Which, and how.
        device: ``cpu``, ``cuda``, ``cuda:1``, ... or ``auto`` (over all GPUs); None is the first GPU, else the CPU.
        checkpoint: Where it was found already.

    Raises:
        InputError: No such model, a broken one, or settings it cannot follow.
        RunFailed: It does not fit into memory.
        MissingExtra: Packages for running models are not installed.
    """
    found = checkpoint if checkpoint is not None else find_checkpoint(settings.model, settings.revision)
    import torch
    from safetensors import SafetensorError

    module, _, name = CLASSES[found.family].partition(":")
    try:
        model: ClipModel = getattr(import_module(module), name)(found, settings, device or default_device())
    except torch.OutOfMemoryError as error:
        raise RunFailed(
            f"found too little memory for {settings.model}; expected room for its weights; do next: --dtype bfloat16, "
            "--quantize 4bit, or --device auto to spread it over all GPUs"
        ) from error
    except (OSError, SafetensorError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0][:300]
        raise InputError(
            Problem(
                f"a checkpoint that cannot be read ({reason})",
                "all its files, whole",
                "download or convert it again",
                settings.model,
            )
        ) from error
    return model


def default_device() -> str:
    """The first GPU where there is one, else the CPU."""
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"
