"""What a first stage saves: only the parameters it trained, in one small file under their published names.

``adapter.safetensors`` is what a run writes here. The published ``mm_projector.bin`` is read too; only tensors are
taken out of it.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any, Final

from torch import Tensor

from baselines.training.families import Family
from vdc.errors import InputError, Problem

ADAPTER_FILE: Final = "adapter.safetensors"


def write_adapter(model: Any, family: Family, names: Collection[str], folder: Path) -> Path:
    """Write the named parameters.

    Args:
        model: Holds them.
        family: Knows their published names.
        names: As :func:`baselines.training.parts.choose_trained` gives them.
        folder: Made where it is missing.

    Returns:
        The file.
    """
    from safetensors.torch import save_file

    folder.mkdir(parents=True, exist_ok=True)
    wanted = set(names)
    tensors = {
        family.adapter_key(name): parameter.detach().cpu().contiguous()
        for name, parameter in model.named_parameters()
        if name in wanted
    }
    part = folder / f".{ADAPTER_FILE}.part"
    save_file(tensors, part, metadata={"format": "pt"})
    part.replace(folder / ADAPTER_FILE)
    return folder / ADAPTER_FILE


def load_adapter(model: Any, family: Family, given: Path) -> tuple[str, ...]:
    """Put an adapter's parameters into a model.

    Args:
        model: Changed in place.
        family: Knows the published names.
        given: An adapter file, ``mm_projector.bin``, or the folder of either.

    Returns:
        Names of the parameters that were replaced.

    Raises:
        InputError: No such file; a key that is no parameter of the model; another shape. Nothing is changed then.
    """
    import torch

    path = find_adapter(given)
    parameters = dict(model.named_parameters())
    found: dict[str, Tensor] = {}
    problems = []
    for key, tensor in _read(path).items():
        name = family.parameter_name(key)
        if name is None or name not in parameters:
            problems.append(Problem(f"a tensor {key}", "parameters of this model", "check --adapter", str(path)))
        elif parameters[name].shape != tensor.shape:
            expected = f"{tuple(parameters[name].shape)}, as the model has it"
            problems.append(
                Problem(f"{key} of shape {tuple(tensor.shape)}", expected, "use an adapter of this model", str(path))
            )
        else:
            found[name] = tensor
    if problems or not found:
        raise InputError(problems or Problem("no tensors", "an adapter", "check --adapter", str(path)))
    with torch.no_grad():
        for name, tensor in found.items():
            parameters[name].copy_(tensor)
    return tuple(found)


def find_adapter(given: Path) -> Path:
    """The adapter file that is meant.

    Args:
        given: The file, its folder, or the folder of the run that wrote it.

    Raises:
        InputError: There is none.
    """
    if given.is_dir():
        for name in (ADAPTER_FILE, f"adapter/{ADAPTER_FILE}", "mm_projector.bin"):
            if (given / name).is_file():
                return given / name
        raise InputError(
            Problem(f"a folder without {ADAPTER_FILE}", "the file a first stage wrote", "check --adapter", str(given))
        )
    if not given.is_file():
        raise InputError(Problem("no file", "the file a first stage wrote", "check --adapter", str(given)))
    return given


def _read(path: Path) -> dict[str, Tensor]:
    if path.suffix == ".safetensors":
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            return load_file(path)
        except (SafetensorError, OSError) as error:
            raise InputError(
                Problem(f"a broken file ({error})", "safetensors", "write the adapter again", str(path))
            ) from error
    from baselines.common.torch_files import load_archive

    return dict(load_archive(path))
