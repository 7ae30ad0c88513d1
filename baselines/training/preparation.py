"""From a checkpoint and data to a trainer that is ready to run."""

from __future__ import annotations

import copy
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from baselines.training.families import Family
from baselines.training.inputs import TrainOptions
from baselines.training.recipe_files import NamedRecipe
from baselines.training.records import TrainData
from vdc.errors import InputError, Problem

if TYPE_CHECKING:
    from baselines.training.trainer import Told

logger = logging.getLogger(__name__)


def make_trainer(
    options: TrainOptions, family: Family, data: TrainData, args: Any, told: Told | None = None
) -> tuple[Any, Any, tuple[str, ...]]:
    """The trainer with model and data in it, ready to run.

    Returns:
        The trainer, the checkpoint's own configuration, and the names of the parameters that learn.
    """
    from transformers import PrinterCallback
    from transformers.utils.logging import disable_progress_bar

    from baselines.training.rows import TrainRows
    from baselines.training.sampler import TrainSampler
    from baselines.training.stages import stage_plan
    from baselines.training.trainer import EpochCallback, RecipeTrainer, WholeCheckpointCallback

    disable_progress_bar()  # one for every file that is saved
    recipe = options.recipe.recipe
    plan = stage_plan(recipe)
    model, before = load_model(options.model, family, options.recipe)
    maker = family.rows(options.model, model.config, recipe)
    model, names = prepare_model(model, family, options)
    order = TrainSampler(
        [record.length for record in data.records],
        grouping=recipe.data.grouping,
        batch_size=recipe.batch_size,
        processes=int(args.world_size),
        seed=recipe.seed,
    )
    stages = None if plan is None else plan.callback()
    callbacks = [EpochCallback(order), *([] if stages is None else [stages]), WholeCheckpointCallback(recipe.keep)]
    trainer = RecipeTrainer(
        recipe=recipe,
        family=family,
        order=order,
        stages=stages,
        told=told,
        model=model,
        args=args,
        train_dataset=TrainRows(data.records, maker),
        data_collator=maker.collate,
        callbacks=callbacks,
    )
    trainer.remove_callback(PrinterCallback)  # the curve and the progress line say it
    return trainer, before, names


def load_model(folder: Path, family: Family, named: NamedRecipe) -> tuple[Any, Any]:
    """The model as the recipe trains it, and the configuration it came with.

    Raises:
        InputError: The checkpoint is not whole, or not the one that the recipe means.
    """
    import torch

    kind = family.model_class()
    config = kind.config_class.from_pretrained(folder)
    before = copy.deepcopy(config)
    family.prepare_config(config, named.recipe)
    # Weights in single precision; under DeepSpeed it holds such a copy itself.
    held = torch.bfloat16 if named.recipe.sharding.startswith("zero") else torch.float32
    model, report = kind.from_pretrained(folder, config=config, dtype=held, output_loading_info=True)
    problems = [
        Problem(
            f"{what.replace('_', ' ')} {sorted(map(str, report[what]))[:5]}", "none", "convert it again", str(folder)
        )
        for what in ("missing_keys", "unexpected_keys", "mismatched_keys")
        if report.get(what)
    ]
    if problems:
        raise InputError(problems)
    return model, before


def prepare_model(model: Any, family: Family, options: TrainOptions) -> tuple[Any, tuple[str, ...]]:
    """Put the adapter in and let the recipe's parts learn.

    Returns:
        The model, wrapped where it has low-rank adapters, and the names of the parameters that learn.
    """
    from transformers import set_seed

    from baselines.training.adapter_files import load_adapter
    from baselines.training.parts import add_lora, choose_trained

    recipe = options.recipe.recipe
    if options.adapter is not None:
        replaced = load_adapter(model, family, options.adapter)
        logger.info("%d parameters taken from %s", len(replaced), options.adapter)
    if recipe.lora is not None:
        set_seed(recipe.seed)  # new weights are drawn
        wrapped = add_lora(model, family, recipe)
        return wrapped, tuple(name for name, one in wrapped.named_parameters() if one.requires_grad)
    names = choose_trained(model, family, recipe)
    if recipe.saves == "adapter":
        # The library's own way to leave parameters out of checkpoints.
        model._keys_to_ignore_on_save = set(model.state_dict()) - set(names)
    return model, names
