"""Which checkpoints of a run can be trusted: a mark is written last, so a checkpoint that broke off has none."""

from __future__ import annotations

import json
import logging
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from vdc.errors import RunFailed
from vdc.fileio import write_atomic

logger = logging.getLogger(__name__)

MARK: Final = "whole.json"
_NAME: Final = re.compile(r"^checkpoint-(\d+)$")


@dataclass(frozen=True, slots=True)
class WholeCheckpoint:
    """A checkpoint that was written to its end.

    Args:
        folder: Where it lies.
        step: Optimiser steps made before it.
    """

    folder: Path
    step: int


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Say in words what torch and safetensors raise where a file breaks off; a full disk is the usual reason.

    Args:
        folder: What is written.

    Raises:
        RunFailed: It could not be written. What was saved before is whole.
    """
    from safetensors import SafetensorError

    try:
        yield
    except (SafetensorError, RuntimeError) as error:
        # torch has no class of its own for it; subclasses of RuntimeError, such as a full GPU, mean other things
        if isinstance(error, RuntimeError) and type(error) is not RuntimeError:
            raise
        free = shutil.disk_usage(folder.parent).free / 1e6
        raise RunFailed(
            f"{folder}: found that it cannot be written ({str(error).splitlines()[0]}) with {free:,.0f} MB free; "
            "expected room for weights and optimiser; do next: make room; the same command goes on from the last whole "
            "checkpoint"
        ) from error


def mark_whole(folder: Path) -> None:
    """Say that a checkpoint is complete, and what it holds."""
    sizes = {
        file.name: file.stat().st_size for file in sorted(folder.iterdir()) if file.is_file() and file.name != MARK
    }
    write_atomic(folder / MARK, json.dumps({"files": sizes}, indent=2) + "\n")


def is_whole(folder: Path) -> bool:
    """Whether a checkpoint has its mark and every file in the size that the mark says."""
    try:
        sizes = json.loads((folder / MARK).read_text(encoding="utf-8"))["files"]
        return all((folder / name).stat().st_size == size for name, size in sizes.items())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def whole_checkpoints(out: Path) -> list[WholeCheckpoint]:
    """The checkpoints of a run that can be trusted, oldest first."""
    return [WholeCheckpoint(folder, step) for step, folder in _folders(out) if is_whole(folder)]


def remove_torn(out: Path) -> list[Path]:
    """Delete checkpoints of a run that broke off while they were written; returns those."""
    torn = [folder for _, folder in _folders(out) if not is_whole(folder)]
    for folder in torn:
        logger.warning("%s was not written to its end and is left out", folder.name)
        shutil.rmtree(folder)
    return torn


def keep_newest(out: Path, keep: int) -> None:
    """Delete whole checkpoints but the newest."""
    for old in whole_checkpoints(out)[:-keep]:
        # The mark goes first: what is half deleted must not look whole.
        (old.folder / MARK).unlink()
        shutil.rmtree(old.folder)


def _folders(out: Path) -> list[tuple[int, Path]]:
    if not out.is_dir():
        return []
    found = [(match, folder) for folder in out.iterdir() if folder.is_dir() and (match := _NAME.match(folder.name))]
    return sorted((int(match[1]), folder) for match, folder in found)
