"""Safetensors folders: one file or shards with an index, read and written without holding a whole model in memory."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from vdc.errors import InputError, Problem
from vdc.fileio import write_atomic

INDEX = "model.safetensors.index.json"
SINGLE = "model.safetensors"
MAX_SHARD_BYTES = 5_000_000_000


@dataclass(frozen=True, slots=True)
class StoredTensor:
    """Where one tensor lies.

    Args:
        file: The safetensors file.
        key: Its key there.
        shape: Its shape.
        dtype: Its dtype as safetensors names it (``F32``).
    """

    file: Path
    key: str
    shape: tuple[int, ...]
    dtype: str

    def load(self) -> Tensor:
        """The tensor, on the CPU."""
        with safe_open(self.file, framework="pt") as opened:
            tensor: Tensor = opened.get_tensor(self.key)
        return tensor

    @property
    def bytes(self) -> int:
        """Size in bytes."""
        count = 1
        for side in self.shape:
            count *= side
        return count * _WIDTH.get(self.dtype, 8)


_WIDTH = {"F64": 8, "I64": 8, "F32": 4, "I32": 4, "F16": 2, "BF16": 2, "I16": 2, "U8": 1, "I8": 1, "BOOL": 1}


def read_folder(folder: Path) -> dict[str, StoredTensor]:
    """Every tensor of a folder by key, from the headers alone.

    Raises:
        InputError: No weights, shards that are missing or unreadable, or keys that the index promises and no shard has.
    """
    if (folder / INDEX).is_file():
        return read_shards(folder, read_index(folder / INDEX), _stored_in)
    if (folder / SINGLE).is_file():
        return _stored_in(folder / SINGLE)
    raise InputError(
        Problem(f"no {SINGLE} and no {INDEX}", "a folder with safetensors weights", "check the path", str(folder))
    )


def _stored_in(path: Path) -> dict[str, StoredTensor]:
    try:
        with safe_open(path, framework="pt") as opened:
            parts = {key: opened.get_slice(key) for key in opened.keys()}  # noqa: SIM118  (not a mapping)
            return {
                key: StoredTensor(path, key, tuple(part.get_shape()), str(part.get_dtype()))
                for key, part in parts.items()
            }
    except (SafetensorError, OSError) as error:
        raise InputError(
            Problem(f"a broken shard ({error})", "a safetensors file", "download it again", str(path))
        ) from error


def read_index(path: Path) -> dict[str, str]:
    """Key -> shard, from the index of a folder of shards.

    Raises:
        InputError: Not an index.
    """
    weight_map = read_json(path).get("weight_map")
    if not isinstance(weight_map, dict):
        raise InputError(Problem("an index without weight_map", "a shard index", "download it again", str(path)))
    return {str(key): str(name) for key, name in weight_map.items()}


def read_shards(
    folder: Path, weight_map: Mapping[str, str], read_file: Callable[[Path], dict[str, StoredTensor]]
) -> dict[str, StoredTensor]:
    """Every tensor of the shards that an index names.

    Args:
        folder: Where they lie.
        weight_map: As :func:`read_index`.
        read_file: The tensors of one shard.

    Raises:
        InputError: Every shard that is missing or unreadable; else every key that is promised and not there.
    """
    problems: list[Problem] = []
    found: dict[str, StoredTensor] = {}
    for name in sorted(set(weight_map.values())):
        if Path(name).name != name or not (folder / name).is_file():
            problems.append(
                Problem(f"no shard {name}", "every shard the index names", "download it again", str(folder))
            )
            continue
        try:
            found |= read_file(folder / name)
        except InputError as error:
            problems += error.problems
    if not problems:
        problems += [
            Problem(f"no tensor {key}", f"it in {name}, as the index says", "download the shard again", str(folder))
            for key, name in weight_map.items()
            if key not in found
        ]
    if problems:
        raise InputError(problems)
    return found


def write_folder(
    folder: Path,
    tensors: Mapping[str, StoredTensor],
    *,
    dtype: Callable[[str], torch.dtype | None] = lambda _: None,
    max_shard_bytes: int = MAX_SHARD_BYTES,
) -> None:
    """Write tensors under new keys, shard by shard.

    Args:
        folder: Made where it is missing. Weight files of an earlier checkpoint in it are removed first, because a stale
            index would be believed.
        tensors: New key -> where the tensor lies now.
        dtype: Key -> dtype to cast floating point tensors to; None keeps theirs.
        max_shard_bytes: Largest shard, in stored bytes, unless one tensor alone is larger.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for stale in (*folder.glob("model*.safetensors"), folder / INDEX):
        stale.unlink(missing_ok=True)

    def name_of(number: int, count: int) -> str:
        return SINGLE if count == 1 else f"model-{number:05d}-of-{count:05d}.safetensors"

    def save(loaded: dict[str, Tensor], path: Path) -> None:
        save_file(loaded, path, metadata={"format": "pt"})

    index = write_shards(folder, tensors, name_of, save, dtype=dtype, max_shard_bytes=max_shard_bytes)
    if set(index["weight_map"].values()) != {SINGLE}:
        # Last, so that a folder broken off half-way has no index and is refused.
        write_json(folder / INDEX, index)


def write_shards(
    folder: Path,
    tensors: Mapping[str, StoredTensor],
    name_of: Callable[[int, int], str],
    save: Callable[[dict[str, Tensor], Path], None],
    *,
    dtype: Callable[[str], torch.dtype | None],
    max_shard_bytes: int | None,
) -> dict[str, Any]:
    """Write tensors, one shard in memory at a time.

    Args:
        folder: Exists.
        tensors: New key -> where the tensor lies now.
        name_of: Number of a shard, from 1, and of all shards -> its name.
        save: Writes one.
        dtype: As :func:`write_folder`.
        max_shard_bytes: As :func:`write_folder`; None writes all into one.

    Returns:
        The index.
    """
    shards: list[list[str]] = [[]]
    size = 0
    for key, stored in tensors.items():
        if shards[-1] and max_shard_bytes is not None and size + stored.bytes > max_shard_bytes:
            shards.append([])
            size = 0
        shards[-1].append(key)
        size += stored.bytes
    weight_map: dict[str, str] = {}
    total = 0
    for number, keys in enumerate(shards, start=1):
        name = name_of(number, len(shards))
        loaded = {key: _cast(tensors[key].load(), dtype(key)) for key in keys}
        save(loaded, folder / name)
        total += sum(tensor.nbytes for tensor in loaded.values())
        weight_map.update(dict.fromkeys(keys, name))
    return {"metadata": {"total_size": total}, "weight_map": weight_map}


def _cast(tensor: Tensor, dtype: torch.dtype | None) -> Tensor:
    return tensor.to(dtype) if dtype is not None and tensor.is_floating_point() else tensor


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a file.

    Raises:
        InputError: Missing, or not a JSON object.
    """
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(Problem("no file", "a JSON object", "check the folder", str(path))) from error
    except (ValueError, OSError) as error:
        raise InputError(Problem(f"not JSON ({error})", "a JSON object", "download it again", str(path))) from error
    if not isinstance(table, dict):
        raise InputError(Problem(f"a JSON {type(table).__name__}", "a JSON object", "download it again", str(path)))
    return table


def write_json(path: Path, table: Mapping[str, Any]) -> None:
    """Write a JSON object, whole or not at all."""
    write_atomic(path, json.dumps(table, indent=2, sort_keys=True) + "\n")


def compare_keys(
    found: Iterable[str], shapes: Mapping[str, tuple[int, ...]], expected: Mapping[str, tuple[int, ...]], where: str
) -> list[Problem]:
    """Problems where stored parameters and a model's do not agree: missing, unexpected, of another shape."""
    names = set(found)
    problems = [
        Problem(f"no parameter {name}", f"one of shape {expected[name]}", "check that the checkpoint is whole", where)
        for name in sorted(expected.keys() - names)
    ]
    problems += [
        Problem(
            f"an unexpected parameter {name.removeprefix('?')}",
            "only parameters of this model",
            "check that it is a checkpoint of this model and layout",
            where,
        )
        for name in sorted(names - expected.keys())
    ]
    problems += [
        Problem(f"{name} of shape {shapes[name]}", f"{expected[name]} by the configuration", "check config.json", where)
        for name in sorted(names & expected.keys())
        if shapes[name] != expected[name]
    ]
    return problems
