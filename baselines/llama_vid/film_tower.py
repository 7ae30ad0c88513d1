"""The tower alone, out of a whole checkpoint: extracting features needs a seventh of a 7B model's memory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import torch

from baselines.common.images import ImageSpec
from baselines.llama_vid.convert import read_checkpoint
from baselines.llama_vid.processor import LlamaVidImageProcessor
from baselines.llama_vid.vision import EvaVisionTower

PREFIX: Final = "model.vision_tower."


@dataclass(frozen=True, slots=True)
class LoadedTower:
    """A tower and the pictures it wants.

    Args:
        tower: In evaluation mode, on its device.
        spec: Size and normalisation.
    """

    tower: EvaVisionTower
    spec: ImageSpec


def load_tower(folder: str | Path, *, device: str = "cpu", dtype: torch.dtype | None = None) -> LoadedTower:
    """Read the tower of a checkpoint, converted or released, and nothing else of it.

    Args:
        folder: The checkpoint.
        device: Where the tower goes.
        dtype: Of its weights; None takes single precision on a CPU and half precision elsewhere.

    Raises:
        InputError: No checkpoint, or a broken one.
    """
    checkpoint = read_checkpoint(folder)
    chosen = dtype or (torch.float32 if device == "cpu" else torch.float16)
    with torch.device("meta"):
        tower = EvaVisionTower(checkpoint.config.vision_config)
    weights = {
        name.removeprefix(PREFIX): stored.load().to(device=device, dtype=chosen)
        for name, stored in checkpoint.tensors.items()
        if name.startswith(PREFIX)
    }
    tower.load_state_dict(weights, assign=True)
    native = (checkpoint.folder / "preprocessor_config.json").is_file()
    # Released folders name CLIP's processor, whose statistics are the default.
    spec = (
        LlamaVidImageProcessor.from_pretrained(checkpoint.folder).spec
        if native
        else ImageSpec(size=int(checkpoint.config.vision_config.image_size))
    )
    return LoadedTower(tower.eval().requires_grad_(False), spec)
