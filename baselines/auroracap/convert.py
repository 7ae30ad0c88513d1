"""Checkpoints from one layout to another, file to file: no model is built and one shard at a time is in memory.

python -m baselines.auroracap.convert SOURCE DESTINATION [--layout native|xtuner|llava|official]
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from baselines.auroracap.config import AuroraCapConfig
from baselines.auroracap.layouts import (
    LAYOUTS,
    XTUNER_PARTS,
    Layout,
    canonical_name,
    check_layout,
    guess_layout,
    stored_name,
)
from baselines.auroracap.model import AuroraCapForConditionalGeneration
from baselines.auroracap.settings_files import read_config, read_preprocessor, write_settings
from baselines.common.conversion import (
    check_whole,
    copy_text_files,
    parameter_shapes,
    run_converter,
    source_folder,
    target_folder,
    two_folders,
)
from baselines.common.shards import MAX_SHARD_BYTES, StoredTensor, read_folder, write_folder
from vdc.errors import InputError, Problem


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A checkpoint on disk, not loaded.

    Args:
        folder: Where it lies.
        layout: Its layout.
        config: What model it is.
        tensors: Canonical name -> where the tensor lies.
        preprocessor: The image processor's settings; empty where the folder has none.
    """

    folder: Path
    layout: Layout
    config: AuroraCapConfig
    tensors: dict[str, StoredTensor]
    preprocessor: dict[str, Any]


def read_checkpoint(
    folder: str | Path, *, layout: str | None = None, config_from: str | Path | None = None
) -> Checkpoint:
    """Recognise a checkpoint and check that it is whole.

    Args:
        folder: The checkpoint.
        layout: One of ``LAYOUTS``; None finds out.
        config_from: Another AuroraCap folder to take the configuration from, for folders that hold weights alone.

    Raises:
        InputError: No such folder, a layout that is none of ours, a missing or broken shard, and every missing,
            unexpected or misshapen parameter.
    """
    root = source_folder(folder)
    known = check_layout(layout) if layout else _recognise(root)
    tensors: dict[str, StoredTensor] = {}
    for part, name in XTUNER_PARTS.items() if known == "xtuner" else [("", "")]:
        for key, stored in read_folder(root / name).items():
            canonical = canonical_name(key, known, part)
            if canonical is not None:
                tensors[canonical] = stored
    config = read_checkpoint(config_from).config if config_from else read_config(root, known)
    check_whole(tensors, expected_shapes(config), root)
    return Checkpoint(root, known, config, tensors, read_preprocessor(root, known))


def expected_shapes(config: AuroraCapConfig) -> dict[str, tuple[int, ...]]:
    """Canonical name -> shape of every parameter of that model; nothing is allocated."""
    return parameter_shapes(
        lambda: AuroraCapForConditionalGeneration(config), lambda key: canonical_name(key, "native")
    )


def convert(
    source: str | Path,
    destination: str | Path,
    *,
    layout: str = "native",
    dtype: torch.dtype | None = None,
    config_from: str | Path | None = None,
    overwrite: bool = False,
    max_shard_bytes: int = MAX_SHARD_BYTES,
) -> Path:
    """Write a checkpoint in another layout.

    Args:
        source: Folder in any layout.
        destination: Folder to write.
        layout: Layout to write; ``native`` is what ``from_pretrained`` reads.
        dtype: Cast all weights; None keeps each part's.
        config_from: As :func:`read_checkpoint`.
        overwrite: Allow a destination that is not empty.
        max_shard_bytes: Largest weight file.

    Returns:
        The destination.

    Raises:
        InputError: As :func:`read_checkpoint`, or a destination that is not empty or is the source.
    """
    target = target_folder(destination, overwrite=overwrite)
    known = check_layout(layout)
    checkpoint = read_checkpoint(source, config_from=config_from)
    two_folders(checkpoint.folder, target)
    target.mkdir(parents=True, exist_ok=True)
    for part, name in XTUNER_PARTS.items() if known == "xtuner" else [("", "")]:
        chosen = {
            stored_name(canonical, known): stored
            for canonical, stored in checkpoint.tensors.items()
            if not part or canonical.startswith(f"{part}.")
        }
        write_folder(target / name, chosen, dtype=lambda _: dtype, max_shard_bytes=max_shard_bytes)
    copy_text_files(checkpoint.folder, target)
    if dtype is not None:
        for part in (checkpoint.config, checkpoint.config.text_config, checkpoint.config.vision_config):
            part.dtype = dtype
    write_settings(checkpoint.config, checkpoint.preprocessor, target, known)
    return target


def _recognise(root: Path) -> Layout:
    if (root / "visual_encoder").is_dir() and (root / "projector").is_dir():
        return "xtuner"
    try:
        guessed = guess_layout(set(read_folder(root)))
    except InputError as error:
        if not (root / "config.json").is_file() and not any(root.glob("*.safetensors*")):
            raise InputError(
                Problem(
                    f"a folder with {', '.join(sorted(path.name for path in root.iterdir())[:5]) or 'nothing in it'}",
                    "visual_encoder/ and projector/ beside a language model (xtuner), or one folder of weights",
                    "give the folder that holds config.json",
                    str(root),
                )
            ) from error
        raise
    if guessed is None:
        raise InputError(
            Problem(
                "weights without a projector",
                f"an AuroraCap checkpoint in one of the layouts {', '.join(LAYOUTS)}",
                "give the whole checkpoint, not one of its parts",
                str(root),
            )
        )
    return guessed


def main(arguments: Sequence[str] | None = None) -> int:
    """``python -m baselines.auroracap.convert``; exit code 2 for input that cannot be used."""
    return run_converter(convert, "baselines.auroracap.convert", LAYOUTS, arguments, paths=["config-from"])


if __name__ == "__main__":
    raise SystemExit(main())
