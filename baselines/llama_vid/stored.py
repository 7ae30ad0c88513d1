"""Tensors in the ``.bin`` and ``.pth`` files of the released checkpoints, mapped and not loaded.

They are pickles; torch's restricted reader takes tensors out of them and runs nothing.
"""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from baselines.common.shards import INDEX, MAX_SHARD_BYTES, SINGLE, StoredTensor, read_folder, read_json, write_json
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
    torch.uint8: "U8",
    torch.int8: "I8",
    torch.bool: "BOOL",
}


@dataclass(frozen=True, slots=True)
class MappedTensor(StoredTensor):
    """Where one tensor lies in a file of torch's own format; as :class:`StoredTensor`.

    Args:
        part: Key of the table inside the file that holds it; empty: the file is that table.
    """

    part: str = ""

    def load(self) -> Tensor:
        """The tensor, on the CPU, as a copy that outlives the file."""
        tensor: Tensor = _table(self.file, self.part)[self.key]
        return tensor.clone().contiguous()


def read_torch_file(path: Path, part: str = "") -> dict[str, StoredTensor]:
    """Every tensor of one file by key.

    Args:
        path: The file.
        part: Key of the table inside it; empty: the file is that table.

    Raises:
        InputError: Missing, broken, or not a table of tensors.
    """
    table = _table(path, part)
    return {
        key: MappedTensor(path, key, tuple(tensor.shape), _DTYPES.get(tensor.dtype, "F32"), part)
        for key, tensor in table.items()
        if isinstance(tensor, Tensor)
    }


def read_weights(folder: Path) -> dict[str, StoredTensor]:
    """Every tensor of a folder by key, from safetensors or from ``.bin`` files.

    Raises:
        InputError: No weights, missing or broken files, or keys that an index promises and no file has.
    """
    if (folder / INDEX).is_file() or (folder / SINGLE).is_file():
        return read_folder(folder)
    if (folder / BIN_INDEX).is_file():
        weight_map = read_json(folder / BIN_INDEX).get("weight_map")
        if not isinstance(weight_map, dict):
            raise InputError(
                Problem("an index without weight_map", "a shard index", "download it again", str(folder / BIN_INDEX))
            )
        names = sorted({str(name) for name in weight_map.values()})
    elif (folder / BIN_SINGLE).is_file():
        weight_map, names = {}, [BIN_SINGLE]
    else:
        raise InputError(
            Problem(
                f"no {SINGLE}, {BIN_SINGLE} or index of shards",
                "a folder with weights",
                "give the folder that holds config.json",
                str(folder),
            )
        )
    found: dict[str, StoredTensor] = {}
    problems: list[Problem] = []
    for name in names:
        if Path(name).name != name:
            problems.append(Problem(f"a shard {name}", "a file name", "download the index again", str(folder)))
            continue
        try:
            found.update(read_torch_file(folder / name))
        except InputError as error:
            problems += error.problems
    if not problems:
        problems = [
            Problem(f"no tensor {key}", f"it in {name}, as the index says", "download the shard again", str(folder))
            for key, name in weight_map.items()
            if key not in found
        ]
    if problems:
        raise InputError(problems)
    return found


@lru_cache(maxsize=4)
def _opened(path: Path, _stamp: tuple[int, int]) -> Any:
    return torch.load(path, map_location="cpu", weights_only=True, mmap=True)


def _table(path: Path, part: str) -> Mapping[str, Any]:
    expected = "a file of tensors as torch.save writes it"
    try:
        status = path.stat()
        table = _opened(path, (status.st_mtime_ns, status.st_size))
    except FileNotFoundError as error:
        raise InputError(Problem("no file", expected, "download it again", str(path))) from error
    except (RuntimeError, pickle.UnpicklingError, OSError, EOFError, ValueError) as error:
        reason = " ".join(str(error).split())[:160]
        raise InputError(
            Problem(f"a file that cannot be read ({reason})", expected, "download it again", str(path))
        ) from error
    if part:
        table = table.get(part) if isinstance(table, dict) else None
    if not isinstance(table, dict):
        raise InputError(Problem(f"a {type(table).__name__}", expected, "give the file with the weights", str(path)))
    return table


def write_bin_folder(
    folder: Path,
    tensors: Mapping[str, StoredTensor],
    *,
    dtype: torch.dtype | None = None,
    max_shard_bytes: int = MAX_SHARD_BYTES,
    single: str | None = None,
) -> None:
    """Write tensors as the published code reads them: ``pytorch_model-*.bin`` with an index, or one file.

    The index is always written: the published loader looks up the query transformer in it.

    Args:
        folder: Exists.
        tensors: Key -> where the tensor lies now.
        dtype: Cast floating point tensors; None keeps theirs.
        max_shard_bytes: Largest shard, in stored bytes, unless one tensor alone is larger.
        single: Name of a single file without index; None writes shards.
    """
    shards: list[list[str]] = [[]]
    size = 0
    for key, stored in tensors.items():
        if shards[-1] and size + stored.bytes > max_shard_bytes and single is None:
            shards.append([])
            size = 0
        shards[-1].append(key)
        size += stored.bytes
    weight_map: dict[str, str] = {}
    total = 0
    for number, keys in enumerate(shards, start=1):
        name = single or f"pytorch_model-{number:05d}-of-{len(shards):05d}.bin"
        loaded = {key: _cast(tensors[key].load(), dtype) for key in keys}
        torch.save(loaded, folder / name)
        total += sum(tensor.nbytes for tensor in loaded.values())
        weight_map.update(dict.fromkeys(keys, name))
    if single is None:
        write_json(folder / BIN_INDEX, {"metadata": {"total_size": total}, "weight_map": weight_map})


def _cast(tensor: Tensor, dtype: torch.dtype | None) -> Tensor:
    return tensor.to(dtype) if dtype is not None and tensor.is_floating_point() else tensor
