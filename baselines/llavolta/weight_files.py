"""Weights of a folder in either format: safetensors, or the archives of torch that LLaVA-1.5 was released in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from torch import Tensor

from baselines.common.shards import INDEX, SINGLE, StoredTensor, read_folder
from vdc.errors import InputError, Problem

BIN_INDEX = "pytorch_model.bin.index.json"
BIN_SINGLE = "pytorch_model.bin"

_DTYPES = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.int16: "I16",
    torch.int8: "I8",
    torch.uint8: "U8",
    torch.bool: "BOOL",
}


@dataclass(frozen=True, slots=True)
class ArchivedTensor(StoredTensor):
    """A tensor of a torch archive; it is mapped from the file, so only what is used is read."""

    def load(self) -> Tensor:
        """The tensor, on the CPU, free of the archive and of other tensors that share its memory."""
        return load_archive(self.file)[self.key].detach().clone().contiguous()


def read_weights(folder: Path) -> dict[str, StoredTensor]:
    """Every tensor of a folder by key; safetensors first, torch archives where there are none.

    Raises:
        InputError: No weights, or files that are missing, broken, or hold more than tensors.
    """
    if (folder / INDEX).is_file() or (folder / SINGLE).is_file():
        return read_folder(folder)
    if (folder / BIN_INDEX).is_file():
        try:
            names = sorted(set(json.loads((folder / BIN_INDEX).read_text(encoding="utf-8"))["weight_map"].values()))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(
                Problem(f"a broken index ({error})", "weight_map", "download it again", str(folder / BIN_INDEX))
            ) from error
    else:
        names = [BIN_SINGLE]
    problems = [
        Problem(f"no shard {name}", "every shard the index names", "download it again", str(folder))
        for name in names
        if Path(name).name != name or not (folder / name).is_file()
    ]
    if problems:
        if names == [BIN_SINGLE]:
            return read_folder(folder)  # its message says which files a folder of weights has
        raise InputError(problems)
    found: dict[str, StoredTensor] = {}
    for name in names:
        found |= stored_in_archive(folder / name)
    return found


def stored_in_archive(path: Path) -> dict[str, StoredTensor]:
    """Every tensor of one torch archive.

    Raises:
        InputError: As :func:`load_archive`.
    """
    return {
        key: ArchivedTensor(path, key, tuple(tensor.shape), _DTYPES.get(tensor.dtype, "F32"))
        for key, tensor in load_archive(path).items()
    }


def load_archive(path: Path) -> Mapping[str, Tensor]:
    """Tensors of a torch archive. Only tensors are unpickled; an archive that asks for anything else is refused.

    Raises:
        InputError: Missing, broken, or not a table of tensors.
    """
    try:
        try:
            table: Any = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
        except (RuntimeError, ValueError):  # archives of old torch versions cannot be mapped
            table = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, ValueError, EOFError, UnpicklingError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
        raise InputError(
            Problem(
                f"a file that cannot be read ({reason})", "a torch archive of tensors", "download it again", str(path)
            )
        ) from error
    if not isinstance(table, dict) or not all(isinstance(tensor, Tensor) for tensor in table.values()):
        raise InputError(Problem("more than tensors", "a table of tensors", "give the weights alone", str(path)))
    return table
