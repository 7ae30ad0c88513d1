"""Checkpoints of LLaVA-1.5 and LLaVolta from one layout to another, file to file: no model is built.

python -m baselines.llavolta.convert SOURCE DESTINATION [--layout native|official|llava] [--vision-tower CLIP]
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from baselines.common.conversion import (
    check_whole,
    copy_text_files,
    parameter_shapes,
    run_converter,
    source_folder,
    target_folder,
    two_folders,
)
from baselines.common.settings_tables import fields_of
from baselines.common.shards import MAX_SHARD_BYTES, StoredTensor, read_json, write_folder
from baselines.common.torch_files import read_weights, stored_in_archive
from baselines.llavolta.config import LlavoltaConfig
from baselines.llavolta.layouts import (
    LAYOUTS,
    Layout,
    canonical_name,
    check_layout,
    guess_layout,
    projector_key,
    stored_name,
)
from baselines.llavolta.model import LlavoltaForConditionalGeneration
from baselines.llavolta.settings_files import config_from_llava, config_from_official, config_table, write_settings
from vdc.errors import InputError, Problem


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A checkpoint on disk, not loaded.

    Args:
        folder: Where it lies.
        layout: Its layout.
        config: What model it is.
        tensors: Canonical name -> where the tensor lies.
    """

    folder: Path
    layout: Layout
    config: LlavoltaConfig
    tensors: dict[str, StoredTensor]


def read_checkpoint(
    folder: str | Path, *, vision_tower: str | Path | None = None, projector: str | Path | None = None
) -> Checkpoint:
    """Recognise a checkpoint and check that it is whole.

    Args:
        folder: The checkpoint: a whole model, one without its tower, or a language model alone.
        vision_tower: Folder of the CLIP checkpoint, for checkpoints without their tower (the released LLaVA-1.5 ones).
            Where the checkpoint has a tower, this one is not used.
        projector: ``mm_projector.bin`` of the first training phase; it replaces a projector that is there.

    Raises:
        InputError: No such folder, a layout that is none of ours, a missing or broken file, and every missing,
            unexpected or misshapen parameter.
    """
    root = source_folder(folder)
    stored = read_weights(root)
    layout = guess_layout(stored.keys())
    if layout is None:
        raise InputError(
            Problem(
                "weights of another model", f"one of the layouts {', '.join(LAYOUTS)}", "check the folder", str(root)
            )
        )
    tensors = {name: tensor for key, tensor in stored.items() if (name := canonical_name(key, layout)) is not None}
    tower_settings = None
    if projector is not None:
        tensors = {name: tensor for name, tensor in tensors.items() if not name.startswith("projector.")}
        tensors |= _projector_tensors(Path(projector))
    if not any(name.startswith("vision.") for name in tensors):
        if vision_tower is None:
            raise InputError(
                Problem(
                    "a checkpoint without its vision tower, as LLaVA-1.5 was released",
                    "the CLIP checkpoint beside it",
                    "name the folder of openai/clip-vit-large-patch14-336 as vision tower",
                    str(root),
                )
            )
        tower, tower_settings = _tower(Path(vision_tower))
        tensors |= tower
    config = _read_config(root, layout, tower_settings)
    check_whole(tensors, expected_shapes(config), root)
    return Checkpoint(root, layout, config, tensors)


def expected_shapes(config: LlavoltaConfig) -> dict[str, tuple[int, ...]]:
    """Canonical name -> shape of every parameter of that model; nothing is allocated."""
    return parameter_shapes(lambda: LlavoltaForConditionalGeneration(config), lambda key: canonical_name(key, "native"))


def convert(
    source: str | Path,
    destination: str | Path,
    *,
    layout: str = "native",
    dtype: torch.dtype | None = None,
    vision_tower: str | Path | None = None,
    projector: str | Path | None = None,
    without_tower: bool = False,
    overwrite: bool = False,
    max_shard_bytes: int = MAX_SHARD_BYTES,
) -> Path:
    """Write a checkpoint in another layout.

    Args:
        source: Folder in any layout.
        destination: Folder to write.
        layout: Layout to write; ``native`` is what ``from_pretrained`` reads.
        dtype: Cast all weights; None keeps each part's.
        vision_tower: As :func:`read_checkpoint`.
        projector: As :func:`read_checkpoint`.
        without_tower: Leave the tower out, as the released LLaVA-1.5 checkpoints do; for ``official`` alone.
        overwrite: Allow a destination that is not empty.
        max_shard_bytes: Largest weight file.

    Returns:
        The destination.

    Raises:
        InputError: As :func:`read_checkpoint`; a destination that is not empty; a layout that cannot hold the model.
    """
    target = target_folder(destination, overwrite=overwrite)
    known = check_layout(layout)
    if without_tower and known != "official":
        raise InputError(Problem(f"layout {known} without its tower", "official", "write the tower, or official"))
    checkpoint = read_checkpoint(source, vision_tower=vision_tower, projector=projector)
    two_folders(checkpoint.folder, target)
    table = config_table(checkpoint.config, known)
    chosen = {
        stored_name(name, known, projector_type=checkpoint.config.projector_type): tensor
        for name, tensor in checkpoint.tensors.items()
        if not (without_tower and name.startswith("vision."))
    }
    write_folder(target, chosen, dtype=lambda _: dtype, max_shard_bytes=max_shard_bytes)
    copy_text_files(checkpoint.folder, target)
    write_settings(checkpoint.config, target, known, table)
    return target


def _read_config(root: Path, layout: Layout, tower: dict[str, Any] | None) -> LlavoltaConfig:
    table = read_json(root / "config.json")
    if layout == "official":
        return config_from_official(table, tower, where=str(root / "config.json"))
    if table.get("model_type") == LlavoltaConfig.model_type:
        return LlavoltaConfig(**fields_of(LlavoltaConfig, table))
    return config_from_llava(table)


def _tower(folder: Path) -> tuple[dict[str, StoredTensor], dict[str, Any]]:
    """Vision part of a CLIP checkpoint and its settings."""
    table = read_json(folder / "config.json")
    tensors = {
        f"vision.{key.removeprefix('vision_model.')}": tensor
        for key, tensor in read_weights(folder).items()
        if not key.startswith(("text_model.", "visual_projection.", "text_projection.", "logit_scale"))
        and not key.endswith("position_ids")
    }
    return tensors, dict(table.get("vision_config") or table)


def _projector_tensors(path: Path) -> dict[str, StoredTensor]:
    stored = stored_in_archive(path)
    return {name: tensor for key, tensor in stored.items() if (name := projector_key(key)) is not None}


def main(arguments: Sequence[str] | None = None) -> int:
    """``python -m baselines.llavolta.convert``; exit code 2 for input that cannot be used."""
    return run_converter(
        convert,
        "baselines.llavolta.convert",
        LAYOUTS,
        arguments,
        paths=["vision-tower", "projector"],
        flags=["without-tower"],
    )


if __name__ == "__main__":
    raise SystemExit(main())
