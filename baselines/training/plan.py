"""What a training would do, counted without doing it: steps, tokens, stages, parameters, memory."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from baselines.training.families import Family, load_family
from baselines.training.parts import PartCount, count_parts
from baselines.training.recipe import Recipe
from baselines.training.recipe_files import NamedRecipe
from baselines.training.records import TrainData, TrainRecord
from baselines.training.sampler import TrainSampler
from baselines.training.stages import StageCost, StageRow, stage_cost, stage_plan, stage_table

SAMPLED: Final = 32
"""Records that are prepared to estimate tokens."""


@dataclass(frozen=True, slots=True)
class TokenEstimate:
    """Tokens of a row, from some of the data.

    Args:
        rows: Rows looked at.
        text: Text ids per row.
        labelled: Of them, those with a loss.
        visual: Visual tokens per row that the decoder sees, in the first stage.
    """

    rows: int
    text: float
    labelled: float
    visual: float


@dataclass(frozen=True, slots=True)
class TrainPlan:
    """What a training would do.

    Args:
        recipe: Its name.
        records: Records by kind; empty where no data was given.
        unusable: Records that would be left out.
        samples: Rows of one epoch; the published number where no data was given, None where that is not known.
        processes: Processes that it counts with.
        whole_batch: Rows of one optimiser step.
        steps: Optimiser steps; None where the samples are not known.
        published_steps: As published.
        parts: Parameters.
        stages: Table of stages; empty for models without.
        cost: What the stages cost.
        tokens: Of a row; None where no data was given.
        state_bytes: Weights, gradients and optimiser of one GPU, activations not counted.
    """

    recipe: str
    records: dict[str, int]
    unusable: int
    samples: int | None
    processes: int
    whole_batch: int
    steps: int | None
    published_steps: int | None
    parts: tuple[PartCount, ...]
    stages: tuple[StageRow, ...]
    cost: StageCost | None
    tokens: TokenEstimate | None
    state_bytes: int

    def to_json(self) -> dict[str, Any]:
        """For ``--json``."""
        return asdict(self)


def plan_training(
    named: NamedRecipe, *, data: TrainData | None = None, model: Path | None = None, processes: int | None = None
) -> TrainPlan:
    """Count what a training would take.

    Args:
        named: The recipe.
        data: The records; None takes the published number of samples.
        model: Checkpoint; None takes the published shape of the recipe's size.
        processes: Processes; None takes the recipe's, or one.

    Raises:
        InputError: A recipe that does not fit model or data.
    """
    recipe = named.recipe
    family = load_family(recipe.model)
    count = processes or recipe.processes or 1
    empty = _empty_model(family, recipe, model)
    config = empty.config
    rows = None if data is None else data.records
    samples = _samples(recipe, rows, count)
    steps = _steps(recipe, samples, count)
    stages = stage_plan(recipe)
    table: list[StageRow] = []
    cost = None
    if stages is not None:
        side = int(config.vision_config.image_size) // int(config.vision_config.patch_size)
        layers = int(config.text_config.num_hidden_layers)
        shape = {"accumulation": recipe.accumulation, "layers": layers, "visual_tokens": side * side}
        if steps is not None:
            table = stage_table(stages, steps, **shape)
        cost = stage_cost(stages, steps, seven_b=int(config.text_config.hidden_size) == 4096 and layers == 32, **shape)
    parts = tuple(count_parts(empty, family))
    return TrainPlan(
        recipe=named.name,
        records={} if data is None else data.counts(),
        unusable=0 if data is None else len(data.unusable),
        samples=samples,
        processes=count,
        whole_batch=recipe.batch_size * recipe.accumulation * count,
        steps=steps,
        published_steps=recipe.published_steps,
        parts=parts,
        stages=tuple(table),
        cost=cost,
        tokens=None if data is None or model is None else _tokens(family, recipe, model, config, data),
        state_bytes=state_bytes(parts, recipe, count),
    )


def state_bytes(parts: tuple[PartCount, ...], recipe: Recipe, processes: int) -> int:
    """Bytes of weights, gradients and AdamW's two moments on one GPU; activations and buffers are not counted.

    Plain: single precision, 16 bytes for a parameter that learns and 4 for one that does not. DeepSpeed: half precision
    and a copy in single precision. ZeRO-2 shares out gradients and optimiser, ZeRO-3 and FSDP weights too; offloading
    takes the optimiser to the CPU.

    Args:
        parts: Parameters.
        recipe: Sharding.
        processes: GPUs.
    """
    whole = sum(part.parameters for part in parts)
    trained = sum(part.trained for part in parts)
    if recipe.sharding == "none":
        return 4 * whole + 12 * trained
    if recipe.sharding == "fsdp":
        return math.ceil((4 * whole + 12 * trained) / processes)
    optimiser = 0 if recipe.sharding.endswith("offload") else 12 * trained
    if recipe.sharding == "zero3":
        return math.ceil((2 * whole + 2 * trained + optimiser) / processes)
    return 2 * whole + math.ceil((2 * trained + optimiser) / processes)


def _empty_model(family: Family, recipe: Recipe, folder: Path | None) -> Any:
    """The model without weights, with the right parameters learning."""
    import torch

    from baselines.training.parts import add_lora, choose_trained

    kind = family.model_class()
    config = family.config(recipe) if folder is None else kind.config_class.from_pretrained(folder)
    family.prepare_config(config, recipe)
    with torch.device("meta"):
        model = kind(config)
        if recipe.lora is not None:
            return add_lora(model, family, recipe)
    choose_trained(model, family, recipe)
    return model


def _samples(recipe: Recipe, records: tuple[TrainRecord, ...] | None, processes: int) -> int | None:
    if records is not None:
        lengths = [record.length for record in records]
        batch = recipe.batch_size
        return len(TrainSampler(lengths, grouping=recipe.data.grouping, batch_size=batch, processes=processes))
    known = [part.samples for part in recipe.data.mixture]
    numbers = [number for number in known if number is not None]
    return sum(numbers) if known and len(numbers) == len(known) else None


def _steps(recipe: Recipe, samples: int | None, processes: int) -> int | None:
    if recipe.max_steps is not None:
        return recipe.max_steps
    if samples is None:
        return None
    passes = math.ceil(math.ceil(samples / recipe.batch_size) / processes)
    return math.ceil(recipe.epochs * math.ceil(passes / recipe.accumulation))


def _tokens(family: Family, recipe: Recipe, folder: Path, config: Any, data: TrainData) -> TokenEstimate:
    from baselines.common.constants import IGNORED_LABEL, IMAGE_PLACEHOLDER

    stages = stage_plan(recipe)
    if stages is not None:
        from baselines.llavolta.stage_callback import set_compression

        class _Holder:
            def __init__(self) -> None:
                self.config = config

        set_compression(_Holder(), stages.schedule.at(0, 1))
    maker = family.rows(folder, config, recipe)
    apart = max(1, len(data.records) // SAMPLED)
    rows = [maker.row(record) for record in data.records[::apart][:SAMPLED]]
    ids = [token for row in rows for token in row.text.input_ids if token != IMAGE_PLACEHOLDER]
    labels = [label for row in rows for label in row.text.labels if label != IGNORED_LABEL]
    visual = sum(family.visual_tokens(config, maker.collate([row])) for row in rows)
    return TokenEstimate(len(rows), len(ids) / len(rows), len(labels) / len(rows), visual / len(rows))
