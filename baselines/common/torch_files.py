"""Weights in torch's own files, as LLaVA-1.5 and LLaMA-VID were released: mapped and not loaded, read and written.

They are pickles; torch's restricted reader takes tensors out of them and runs nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from torch import Tensor

from baselines.common.shards import (
    INDEX,
    MAX_SHARD_BYTES,
    SINGLE,
    StoredTensor,
    read_folder,
    read_index,
    read_shards,
    write_json,
    write_shards,
)
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
"""Dtypes as safetensors names them."""


@dataclass(frozen=True, slots=True)
class ArchivedTensor(StoredTensor):
    """Where one tensor lies in a torch archive; as :class:`StoredTensor`.

    Args:
        part: Key of the table inside the file that holds it; empty: the file is that table.
    """

    part: str = ""

    def load(self) -> Tensor:
        """The tensor, on the CPU, free of the archive and of other tensors that share its memory."""
        return load_archive(self.file, self.part)[self.key].detach().clone().contiguous()


def read_weights(folder: Path) -> dict[str, StoredTensor]:
    """Every tensor of a folder by key: from safetensors, or from torch archives where there are none.

    Raises:
        InputError: No weights, missing or broken files, or keys that an index promises and no file has.
    """
    if (folder / INDEX).is_file() or (folder / SINGLE).is_file():
        return read_folder(folder)
    if (folder / BIN_INDEX).is_file():
        return read_shards(folder, read_index(folder / BIN_INDEX), stored_in_archive)
    if (folder / BIN_SINGLE).is_file():
        return stored_in_archive(folder / BIN_SINGLE)
    raise InputError(
        Problem(
            f"no {SINGLE}, {BIN_SINGLE} or index of shards",
            "a folder with weights",
            "give the folder that holds config.json",
            str(folder),
        )
    )


def stored_in_archive(path: Path, part: str = "") -> dict[str, StoredTensor]:
    """Every tensor of one torch archive by key.

    Args:
        path: The file.
        part: Key of the table inside it; empty: the file is that table.

    Raises:
        InputError: As :func:`load_archive`.
    """
    return {
        key: ArchivedTensor(path, key, tuple(tensor.shape), _DTYPES.get(tensor.dtype, "F32"), part)
        for key, tensor in load_archive(path, part).items()
    }


def load_archive(path: Path, part: str = "") -> Mapping[str, Tensor]:
    """Tensors of a torch archive, mapped from the file, so that only what is used is read.

    Only tensors are unpickled; an archive that asks for anything else is refused.

    Args:
        path: The file.
        part: Key of the table inside it; empty: the file is that table.

    Raises:
        InputError: Missing, broken, or not a table of tensors.
    """
    expected = "a torch archive of tensors"
    try:
        status = path.stat()
        table = _opened(path, (status.st_mtime_ns, status.st_size))
    except FileNotFoundError as error:
        raise InputError(Problem("no file", expected, "download it again", str(path))) from error
    except (OSError, RuntimeError, ValueError, EOFError, UnpicklingError) as error:
        reason = " ".join((str(error).strip() or type(error).__name__).split())[:160]
        raise InputError(
            Problem(f"a file that cannot be read ({reason})", expected, "download it again", str(path))
        ) from error
    if part:
        table = table.get(part) if isinstance(table, dict) else None
    if not isinstance(table, dict) or not all(isinstance(tensor, Tensor) for tensor in table.values()):
        found = f"a {type(table).__name__}" if not isinstance(table, dict) else "more than tensors"
        raise InputError(Problem(found, expected, "give the file with the weights alone", str(path)))
    return table


@lru_cache(maxsize=4)
def _opened(path: Path, _stamp: tuple[int, int]) -> Any:
    try:
        return torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except (RuntimeError, ValueError):  # archives of old torch versions cannot be mapped
        return torch.load(path, map_location="cpu", weights_only=True)


def write_bin_folder(
    folder: Path,
    tensors: Mapping[str, StoredTensor],
    *,
    dtype: torch.dtype | None = None,
    max_shard_bytes: int = MAX_SHARD_BYTES,
    single: str | None = None,
) -> None:
    """Write tensors as the published code reads them: ``pytorch_model-*.bin`` with an index, or one file.

    The index is always written: LLaMA-VID's published loader looks up the query transformer in it.

    Args:
        folder: Exists.
        tensors: Key -> where the tensor lies now.
        dtype: Cast floating point tensors; None keeps theirs.
        max_shard_bytes: Largest shard, in stored bytes, unless one tensor alone is larger.
        single: Name of a single file without index; None writes shards.
    """

    def name_of(number: int, count: int) -> str:
        return single or f"pytorch_model-{number:05d}-of-{count:05d}.bin"

    limit = None if single else max_shard_bytes
    index = write_shards(folder, tensors, name_of, torch.save, dtype=lambda _: dtype, max_shard_bytes=limit)
    if single is None:
        write_json(folder / BIN_INDEX, index)
