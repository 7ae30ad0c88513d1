"""A toy of each family of this project, released and converted."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

FAMILIES = ("auroracap", "llama_vid", "llavolta")


@dataclass(frozen=True)
class Toy:
    """A random model of one family.

    Args:
        family: Which.
        released: Folder in the layout of the release.
        native: Converted; writes printable letters alone.
    """

    family: str
    released: Path
    native: Path


def make_toy(family: str, folder: Path) -> Toy:
    """Write a random model as it is released, and convert it."""
    from baselines.common.toy_text import write_printable_generation

    toy: Any = import_module(f"baselines.{family}.toy")
    parts = {}
    if family == "llama_vid":
        released = toy.write_toy(folder / "toy", seed=1, layout="official")
        # no release holds the questions' vocabulary
        shutil.rmtree(released / "question_tokenizer")
        (folder / "vocab.txt").write_text("\n".join(toy.TOY_WORDS) + "\n")
        parts = {"bert_vocabulary": folder / "vocab.txt"}
    else:
        released = toy.write_toy_release(folder / "toy", seed=1)
    native = import_module(f"baselines.{family}.convert").convert(released, folder / "native", **parts)
    write_printable_generation(native)
    return Toy(family, released, native)
