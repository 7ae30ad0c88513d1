"""Both checkpoint layouts: read, compared, and written back."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import torch

from baselines.auroracap.convert import Checkpoint, convert, read_checkpoint
from baselines.common.shards import read_folder, read_json
from baselines.parity.auroracap.context import Context

_UNCOMPARED = {"transformers_version", "_name_or_path", "architectures"}
"""Fields that say who wrote the file and not what the model is."""


def checkpoint_folders(context: Context) -> dict[str, str]:
    """Folder of each checkpoint below the golden folder -> layout to write it back in."""
    folders = {context.release: "xtuner"} if context.has_release else {}
    for name in context.golden.files:
        folder = str(Path(name).parent)
        if name.endswith(".safetensors") and folder != "." and folder not in folders and not _inside(folder, folders):
            folders.setdefault(folder, "llava")
    return folders


def _inside(folder: str, folders: Iterable[str]) -> bool:
    return any(folder.startswith(f"{other}/") for other in folders)


def check_checkpoint(context: Context, folder: str, layout: str) -> None:
    """Read a checkpoint, compare it with the loaded model, write it back and compare the files."""
    files = [name for name in context.golden.files if name.startswith(f"{folder}/")]
    release = context.golden.folder / context.release
    checkpoint = read_checkpoint(context.golden.folder / folder, config_from=None if layout == "xtuner" else release)
    reference = read_checkpoint(release).tensors
    with tempfile.TemporaryDirectory() as work:
        written = convert(checkpoint.folder, Path(work) / "back", layout=layout, config_from=release)
        for name in files:
            with context.checker.guarded(name, "checkpoint"):
                relative = Path(name).relative_to(folder)
                if name.endswith(".safetensors"):
                    _check_weights(context, name, checkpoint, reference, written / relative.parent)
                elif name.endswith(".index.json"):
                    _check_index(context, name, checkpoint)
                else:
                    _check_settings(context, name, written / relative)


def _check_weights(
    context: Context, name: str, checkpoint: Checkpoint, reference: dict[str, Any], written: Path
) -> None:
    golden = context.golden.tensors(name)
    context.checker.used(name, "*", *golden)
    path = context.golden.path(name).resolve()
    mine = {canonical: stored for canonical, stored in checkpoint.tensors.items() if stored.file.resolve() == path}
    context.checker.same(name, "tensors that the model takes", {stored.key for stored in mine.values()}, set(golden))
    differing = [
        stored.key
        for canonical, stored in mine.items()
        if not torch.equal(golden[stored.key].float(), _loaded(context, canonical))
        or not torch.equal(golden[stored.key], reference[canonical].load())
    ]
    context.checker.same(name, f"tensors that differ after loading ({len(mine)})", differing, [])
    back = read_folder(written)
    missing = [key for key in golden if key not in back or not torch.equal(back[key].load(), golden[key])]
    context.checker.same(name, f"tensors that differ after writing back ({len(golden)})", missing, [])


def _loaded(context: Context, canonical: str) -> torch.Tensor:
    """The parameter of the loaded model; found without the converter's own table of names."""
    part, _, rest = canonical.partition(".")
    model = context.model
    owner: torch.nn.Module = model
    if part == "vision":
        owner = model.model.vision_tower
    elif part == "projector":
        owner = model.model.multi_modal_projector
    elif rest.startswith("model."):
        owner, rest = model.model.language_model, rest.removeprefix("model.")
    return owner.get_parameter(rest)


def _check_index(context: Context, name: str, checkpoint: Checkpoint) -> None:
    weight_map = read_json(context.golden.path(name))["weight_map"]
    found = {stored.key: stored.file.name for stored in checkpoint.tensors.values()}
    context.checker.same(name, "shard of every tensor", found, weight_map)


def _check_settings(context: Context, name: str, written: Path) -> None:
    """A settings file must come back from our configuration with every field the golden one has."""
    golden = {key: value for key, value in context.golden.json(name).items() if key not in _UNCOMPARED}
    back = read_json(written)
    ours = {key: back.get(key) for key in golden}
    different = {key: (ours[key], golden[key]) for key in golden if ours[key] != golden[key]}
    context.checker.same(name, f"fields that differ after writing back ({len(golden)})", different, {})
