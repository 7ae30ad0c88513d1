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
        InputError: No such model or device, a broken model, or settings it cannot follow.
        RunFailed: It does not fit into memory.
        MissingExtra: Packages for running models are not installed.
    """
    found = checkpoint if checkpoint is not None else find_checkpoint(settings.model, settings.revision)
    place = device if device == "auto" else choose_device(device)
    import torch
    from safetensors import SafetensorError

    module, _, name = CLASSES[found.family].partition(":")
    try:
        model: ClipModel = getattr(import_module(module), name)(found, settings, place)
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


def choose_device(name: str | None) -> str:
    """A device of this machine.

    Args:
        name: ``cpu``, ``cuda``, ``cuda:1``, ...; None takes the first GPU where there is one, else the CPU.

    Raises:
        InputError: torch knows no such device, or has none here.
    """
    import torch

    if name is None:
        return "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise InputError(Problem(f"a device {name!r}", "cpu, cuda or cuda:1", "correct --device")) from error
    gpus = torch.cuda.device_count()
    if device.type == "cuda" and (device.index or 0) >= gpus:
        raise InputError(
            Problem(
                f"--device {name} and {gpus or 'no'} GPUs that torch can use",
                "a device of this machine",
                "leave --device out, or install the torch that fits the GPU's driver",
            )
        )
    return name
