"""What every converter of checkpoints does beside renaming: folders, text files, completeness, the command line."""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from baselines.common.shards import StoredTensor, compare_keys
from vdc.errors import InputError, Problem, VdcError

TEXT_FILES = (
    "tokenizer.json",
    "tokenizer.model",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "generation_config.json",
)
"""Copied as they are: the tokenizer's ids are part of the released weights."""


def source_folder(folder: str | Path) -> Path:
    """The folder of a checkpoint.

    Raises:
        InputError: There is none.
    """
    root = Path(folder)
    if not root.is_dir():
        raise InputError(Problem("no folder", "a checkpoint folder", "download it first, or check the path", str(root)))
    return root


def target_folder(folder: str | Path, *, overwrite: bool) -> Path:
    """The folder to write to, made where it is missing.

    Args:
        folder: Where.
        overwrite: Allow one that is not empty.

    Raises:
        InputError: Something is already there.
    """
    target = Path(folder)
    if target.exists() and (not target.is_dir() or any(target.iterdir())) and not overwrite:
        raise InputError(
            Problem("something already there", "a new or empty folder", "choose another, or overwrite", str(target))
        )
    return target


def two_folders(source: Path, target: Path) -> None:
    """Refuse to write a checkpoint over the one it is read from: its files are still needed.

    Raises:
        InputError: Both are the same.
    """
    if target.resolve() == source.resolve():
        raise InputError(
            Problem("source and destination alike", "two folders", "choose another destination", str(target))
        )


def copy_text_files(source: Path, target: Path, names: Iterable[str] = TEXT_FILES) -> None:
    """Copy those of the tokenizer's files that are there."""
    for name in names:
        if (source / name).is_file():
            shutil.copyfile(source / name, target / name)


def parameter_shapes(
    build: Callable[[], nn.Module], rename: Callable[[str], str | None] = lambda key: key
) -> dict[str, tuple[int, ...]]:
    """Name -> shape of every parameter of a model; nothing is allocated.

    Args:
        build: Makes the model.
        rename: Name in the model -> name in the table; None leaves it out.
    """
    with torch.device("meta"):
        model = build()
    named = ((rename(key), tuple(tensor.shape)) for key, tensor in model.state_dict().items())
    return {name: shape for name, shape in named if name is not None}


def check_whole(tensors: Mapping[str, StoredTensor], expected: Mapping[str, tuple[int, ...]], where: Path) -> None:
    """Whether a checkpoint holds exactly a model's parameters.

    Raises:
        InputError: Every missing, unexpected or misshapen one.
    """
    shapes = {name: stored.shape for name, stored in tensors.items()}
    problems = compare_keys(tensors, shapes, expected, str(where))
    if problems:
        raise InputError(problems)


def run_converter(
    convert: Callable[..., Path],
    module: str,
    layouts: Sequence[str],
    arguments: Sequence[str] | None,
    *,
    paths: Sequence[str] = (),
    flags: Sequence[str] = (),
) -> int:
    """``python -m <module>``: the command line of a converter.

    Args:
        convert: ``convert(source, destination, layout=..., dtype=..., overwrite=..., ...)``.
        module: The module, for the help text.
        layouts: Layouts that can be written; the first is the default.
        arguments: None takes those of the process.
        paths: Further options that name a file or folder, without dashes.
        flags: Further options that are on or off, without dashes.

    Returns:
        The exit code; 2 for input that cannot be used.
    """
    parser = argparse.ArgumentParser(prog=f"python -m {module}", description=convert.__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("source")
    parser.add_argument("destination")
    parser.add_argument("--layout", default=layouts[0], choices=layouts)
    parser.add_argument("--dtype", choices=("float32", "float16", "bfloat16"))
    for option in paths:
        parser.add_argument(f"--{option}")
    for option in (*flags, "overwrite"):
        parser.add_argument(f"--{option}", action="store_true")
    given: dict[str, Any] = vars(parser.parse_args(arguments))
    dtype = given.pop("dtype")
    try:
        written = convert(**given, dtype=getattr(torch, dtype) if dtype else None)
    except VdcError as error:
        sys.stderr.write(f"convert: {error}\n")
        return error.exit_code
    sys.stdout.write(f"{written}\n")
    return 0
