"""What to train on what, checked before anything is loaded."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from baselines.training.families import Family
from baselines.training.recipe_files import NamedRecipe
from baselines.training.records import TrainData, checked, read_data, usable
from vdc.errors import InputError, Problem

MODEL: Final = "model"
"""Folder of a run that holds the trained model."""


@dataclass(frozen=True, slots=True)
class TrainOptions:
    """What to train on what.

    Args:
        recipe: How.
        model: Folder of a converted checkpoint.
        data: Records in LLaVA's format.
        out: Run folder; continued where it holds the same run.
        media: Folder that paths in the data start from.
        adapter: Result of a first stage to begin with.
        cpu: Stay on the CPU though there may be a GPU.
    """

    recipe: NamedRecipe
    model: Path
    data: Path
    out: Path
    media: Path | None = None
    adapter: Path | None = None
    cpu: bool = False


def checkpoint_folder(given: Path) -> Path:
    """The checkpoint that is meant: a folder itself, or the model that a training left in it."""
    result = given / MODEL
    return result if not (given / "config.json").is_file() and (result / "config.json").is_file() else given


def check_checkpoint(folder: Path, model: str) -> None:
    """Whether a folder holds a converted checkpoint of that model.

    Raises:
        InputError: It does not.
    """
    from baselines.common.shards import read_json

    if not folder.is_dir():
        raise InputError(Problem("no folder", "a converted checkpoint", "check --model", str(folder)))
    kind = read_json(folder / "config.json").get("model_type")
    if kind != model:
        raise InputError(
            Problem(
                f"a checkpoint of type {kind!r}",
                f"{model!r}, as converted here",
                f"run python -m baselines.{model}.convert SOURCE DESTINATION first",
                str(folder),
            )
        )


def read_train_data(options: TrainOptions, family: Family) -> TrainData:
    """The records that can be used, with what is wrong with the others.

    Raises:
        InputError: As :func:`baselines.training.records.read_data` and :func:`~baselines.training.records.usable`.
    """
    recipe = options.recipe.recipe
    data = checked(read_data(options.data, options.media), lambda record: family.check(record, recipe))
    return replace(data, records=usable(data, recipe.data.unusable))
