"""The models that can be trained: what their parts are called, and how records become their inputs."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

from baselines.training.recipe import ModelName, Recipe
from baselines.training.records import TrainRecord
from baselines.training.rows import RowMaker
from vdc.errors import Problem

_PLACES: dict[ModelName, str] = {
    "llavolta": "baselines.training.llavolta:LlavoltaFamily",
    "llama_vid": "baselines.training.llama_vid:LlamaVidFamily",
    "auroracap": "baselines.training.auroracap:AuroraCapFamily",
}


class Family(Protocol):
    """One model as training sees it."""

    parts: Mapping[str, tuple[str, ...]]
    """Part that a recipe may train -> what the names of its parameters start with."""

    linear_layers: str
    """Pattern of the language model's linear layers, for adapters."""

    def config(self, recipe: Recipe) -> Any:
        """The published configuration of the recipe's size, for counting without a checkpoint."""
        ...

    def check(self, record: TrainRecord, recipe: Recipe) -> Problem | None:
        """What the model cannot use about a record; None where nothing is wrong."""
        ...

    def prepare_config(self, config: Any, recipe: Recipe) -> None:
        """Bring a checkpoint's configuration to what the recipe trains with, before the model is built.

        Raises:
            InputError: The checkpoint is not the one that the recipe means.
        """
        ...

    def model_class(self) -> Any:
        """Class with ``from_pretrained``."""
        ...

    def without_gradient(self, config: Any) -> tuple[str, ...]:
        """Starts of names of parameters that lie in trainable parts and never get a gradient."""
        ...

    def rows(self, folder: Path, config: Any, recipe: Recipe) -> RowMaker:
        """The preparation of samples, with the tokenizer of a checkpoint's folder."""
        ...

    def finish_config(self, config: Any, before: Any) -> None:
        """Put back what only held while training.

        Args:
            config: The trained model's.
            before: The checkpoint's.
        """
        ...

    def adapter_key(self, name: str) -> str:
        """Key under which an adapter file stores a parameter, as the published code names it."""
        ...

    def parameter_name(self, key: str) -> str | None:
        """Parameter that an adapter file's key stands for; None for what is no part of the model."""
        ...

    def visual_tokens(self, config: Any, batch: Mapping[str, Any]) -> float:
        """Visual tokens that the decoder sees of a batch, averaged over its layers."""
        ...


def load_family(model: ModelName) -> Family:
    """The model of that name; its code is imported here and not before."""
    module, _, name = _PLACES[model].partition(":")
    family: Family = getattr(import_module(module), name)()
    return family
