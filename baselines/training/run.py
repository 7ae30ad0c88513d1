"""One training from its data to its result: begun, or taken up from its last whole checkpoint."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from baselines.training.families import Family, load_family
from baselines.training.inputs import MODEL, TrainOptions, check_checkpoint, read_train_data
from baselines.training.records import TrainData
from vdc.errors import MissingExtra

if TYPE_CHECKING:
    from baselines.training.trainer import Told

ADAPTER: Final = "adapter"


@dataclass(frozen=True, slots=True)
class TrainResult:
    """A finished training.

    Args:
        out: Run folder.
        result: What it made: the folder ``model`` or ``adapter`` in it.
        record: ``run.json``.
        resumed_from: Step of the checkpoint that this call took up; None where it began.
        ran: Whether this call trained; False where the run was finished before.
    """

    out: Path
    result: Path
    record: dict[str, Any]
    resumed_from: int | None
    ran: bool


def train(options: TrainOptions, *, told: Told | None = None) -> TrainResult:
    """Train, or go on where an earlier call of the same was stopped, killed or cut off.

    Under ``torchrun`` every process calls this; the first one writes.

    Args:
        options: What to train.
        told: Hears of every step, on the first process.

    Raises:
        InputError: Data, checkpoint, recipe or folder cannot be used.
        RunFailed: A file could not be read in the middle, or the loss is no number; the same command goes on.
        MissingExtra: A package is missing.
    """
    try:
        from accelerate import PartialState  # type: ignore[import-untyped, import-not-found, unused-ignore]

        from baselines.training.arguments import training_arguments
    except ImportError as error:
        raise MissingExtra("training", "baselines") from error
    from baselines.training.run_folder import alone, begin, claim
    from vdc.records import read_record

    recipe = options.recipe.recipe
    family = load_family(recipe.model)
    check_checkpoint(options.model, recipe.model)
    data = read_train_data(options, family)
    args = training_arguments(recipe, options.out, cpu=options.cpu)
    start = _start(options, data, processes=int(args.world_size))
    finished = claim(options.out, start)
    PartialState().wait_for_everyone()  # all have looked before the first one writes
    if finished:
        record = read_record(options.out)
        return TrainResult(options.out, _result_folder(options), record, None, ran=False)
    if not PartialState().is_main_process:
        return _trained(options, family, data, args, told)
    begin(options.out, start, data.unusable)
    with alone(options.out):
        return _trained(options, family, data, args, told)


def _start(options: TrainOptions, data: TrainData, *, processes: int) -> dict[str, Any]:
    import hashlib

    from baselines.training.adapter_files import find_adapter
    from baselines.training.run_folder import checkpoint_identity

    adapter = None if options.adapter is None else find_adapter(options.adapter)
    return {
        "recipe": options.recipe.name,
        "recipe_sha256": options.recipe.sha256,
        "settings": options.recipe.recipe.model_dump(mode="json"),
        "data_sha256": data.sha256,
        "records": data.counts(),
        "unusable": len(data.unusable),
        "model_identity": checkpoint_identity(options.model),
        "adapter_sha256": None if adapter is None else hashlib.sha256(adapter.read_bytes()).hexdigest(),
        "processes": processes,
        "seed": options.recipe.recipe.seed,
    }


def _trained(options: TrainOptions, family: Family, data: TrainData, args: Any, told: Told | None) -> TrainResult:
    from baselines.training.checkpoints import remove_torn, whole_checkpoints, writing
    from baselines.training.curve import CURVE, cut_curve, read_curve
    from baselines.training.parts import count_parts
    from baselines.training.preparation import make_trainer
    from baselines.training.run_folder import finish

    began = time.monotonic()
    trainer, before, names = make_trainer(options, family, data, args, told)
    if trainer.is_world_process_zero():
        remove_torn(options.out)
    trainer.accelerator.wait_for_everyone()
    latest = next(reversed(whole_checkpoints(options.out)), None)
    if trainer.is_world_process_zero():
        cut_curve(options.out / CURVE, 0 if latest is None else latest.step)
    for callback in trainer.callback_handler.callbacks:
        if latest is not None and hasattr(callback, "resume"):
            callback.resume(latest.folder)
    if latest is not None and latest.step >= trainer.total_steps():
        trainer.take_result(latest.folder)
    else:
        trainer.train(resume_from_checkpoint=None if latest is None else str(latest.folder))
    parts = count_parts(trainer.model, family)
    family.finish_config(trainer.model.config, before)
    with writing(_result_folder(options)):
        result = _write_result(options, family, trainer, names)
    record: dict[str, Any] = {}
    if trainer.is_world_process_zero():
        facts = {
            "parts": {part.part: {"parameters": part.parameters, "trained": part.trained} for part in parts},
            "resumed_from": None if latest is None else latest.step,
            "elapsed_s": round(time.monotonic() - began, 3),
            "device": str(args.device.type),
        }
        record = finish(options.out, facts, read_curve(options.out / CURVE))
    trainer.accelerator.wait_for_everyone()
    return TrainResult(options.out, result, record, None if latest is None else latest.step, ran=True)


def _result_folder(options: TrainOptions) -> Path:
    return options.out / (ADAPTER if options.recipe.recipe.saves == "adapter" else MODEL)


def _write_result(options: TrainOptions, family: Family, trainer: Any, names: tuple[str, ...]) -> Path:
    """Adapter or whole model, under its name only once it is complete."""
    from baselines.training.adapter_files import write_adapter
    from baselines.training.run_folder import copy_side_files

    target = _result_folder(options)
    part = target.with_name(f".{target.name}.part")
    first = trainer.is_world_process_zero()
    if first and part.exists():
        shutil.rmtree(part)
    trainer.accelerator.wait_for_everyone()
    if options.recipe.recipe.saves == "adapter":
        if first:
            write_adapter(trainer.model, family, names, part)
    elif options.recipe.recipe.lora is not None:
        if first:
            trainer.model.save_pretrained(options.out / ADAPTER)
            trainer.model.merge_and_unload().save_pretrained(part)
    else:
        trainer.save_model(str(part))
    if first:
        if target.name == MODEL:
            (part / "training_args.bin").unlink(missing_ok=True)
            copy_side_files(options.model, part)
        if target.exists():
            shutil.rmtree(target)
        part.replace(target)
    return target
