"""``vdc train``: a recipe, a checkpoint and data to a trained model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from baselines.training.inputs import TrainOptions
    from baselines.training.plan import TrainPlan
    from baselines.training.recipe_files import NamedRecipe


def train(
    recipe: Annotated[
        str, typer.Argument(metavar="RECIPE|FILE.yaml|list", help="A bundled recipe, a file of your own, or list.")
    ] = "",
    list_recipes: Annotated[bool, typer.Option("--list", help="Name every recipe and what it needs.")] = False,
    model: Annotated[
        Path | None, typer.Option("--model", "-m", metavar="DIR", help="Converted checkpoint, or an earlier run.")
    ] = None,
    data: Annotated[Path | None, typer.Option(metavar="FILE", help="JSON or JSON lines in LLaVA's format.")] = None,
    media: Annotated[Path | None, typer.Option(metavar="DIR", help="Folder that paths in the data start from.")] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="DIR", help="Run folder; continued where it exists.")
    ] = None,
    adapter: Annotated[
        Path | None, typer.Option(metavar="PATH", help="What a first stage saved, or mm_projector.bin.")
    ] = None,
    changes: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change the recipe; repeat. data.workers=0")
    ] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Optimiser steps, in place of epochs.")] = None,
    device: Annotated[str, typer.Option(help="auto (a GPU where there is one) or cpu.")] = "auto",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print steps, tokens, stages, parameters and memory; train nothing.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Train a model by a published script, or by a recipe of your own.

    May be killed at any time; the same command goes on from its last whole checkpoint, with the same loss curve.
    Several processes: torchrun --nproc_per_node 8 -m vdc train ...

    Example: vdc train llavolta/4stage-tune --model MODEL --adapter STAGE1 --data mix.json --media DIR --out DIR
    """
    from baselines.cli.caption import choose
    from baselines.training.recipe_files import load_recipe
    from vdc.errors import InputError, MissingExtra, Problem

    cpu = choose("--device", device, ("auto", "cpu")) == "cpu"
    if list_recipes or recipe == "list":
        _print_recipes(as_json)
        return
    if not recipe:
        raise InputError(Problem("no recipe", "its name or file", "vdc train list names all"))
    try:
        from baselines.training.inputs import TrainOptions, checkpoint_folder
    except ImportError as error:
        raise MissingExtra("training", "baselines") from error
    model = None if model is None else checkpoint_folder(model)
    named = load_recipe(recipe, [*(changes or []), *([f"max_steps={steps}"] if steps else [])])
    if dry_run:
        _print_plan(named, model, data, media, as_json)
        return
    needed = {"--model": model, "--data": data, "--out": out}
    missing = [option for option, value in needed.items() if value is None]
    if missing or model is None or data is None or out is None:
        raise InputError(
            Problem(f"no {', '.join(missing)}", "checkpoint, data and run folder", "give them, or --dry-run")
        )
    _train(TrainOptions(named, model, data, out, media, adapter, cpu), as_json)


def _train(options: TrainOptions, as_json: bool) -> None:
    import os

    from baselines.training.progress import TrainProgress
    from baselines.training.run import train as run_training
    from baselines.training.stages import stage_plan

    plan = stage_plan(options.recipe.recipe)
    shown = TrainProgress(1 if plan is None else len(plan.settings))
    result = run_training(options, told=shown.show)
    if os.environ.get("RANK", "0") != "0":
        return
    if as_json:
        typer.echo(json.dumps(result.record, indent=2))
        return
    record = result.record
    begun = "finished before" if not result.ran else f"{record['elapsed_s']:.0f} s"
    if result.resumed_from is not None:
        begun += f", taken up at step {result.resumed_from:,}"
    typer.echo(
        f"{result.result}: {record['steps']:,} steps, loss {record['first_loss']:.3f} (first tenth) to "
        f"{record['last_loss']:.3f} (last tenth), {begun}"
    )


def _print_recipes(as_json: bool) -> None:
    from baselines.training.recipe_files import load_recipe, recipe_names

    recipes = [load_recipe(name) for name in recipe_names()]
    if as_json:
        typer.echo(json.dumps({one.name: one.recipe.model_dump(mode="json") for one in recipes}, indent=2))
        return
    for one in recipes:
        said = one.recipe
        batch = f"{said.batch_size} x {said.accumulation}" + (f" x {said.processes} GPUs" if said.processes else "")
        typer.echo(f"{one.name}\n  {said.about}")
        typer.echo(f"  learning rate {said.learning_rate:g}, batch {batch}, trains {', '.join(said.trainable)}")
        if said.data.mixture:
            typer.echo(f"  data (not here, from its authors): {', '.join(part.name for part in said.data.mixture)}")
        typer.echo(f"  hardware: {said.needs.hardware}; memory per GPU: {said.needs.memory}")
        typer.echo(f"  starts from: {said.needs.starts_from}")


def _print_plan(named: NamedRecipe, model: Path | None, data: Path | None, media: Path | None, as_json: bool) -> None:
    import os

    from baselines.training.families import load_family
    from baselines.training.inputs import TrainOptions, check_checkpoint, read_train_data
    from baselines.training.plan import plan_training

    if model is not None:
        check_checkpoint(model, named.recipe.model)
    read = None
    if data is not None:
        options = TrainOptions(named, model or Path(), data, Path(), media)
        read = read_train_data(options, load_family(named.recipe.model))
    processes = int(os.environ.get("WORLD_SIZE", "0")) or None
    plan = plan_training(named, data=read, model=model, processes=processes)
    if as_json:
        typer.echo(json.dumps(plan.to_json() | {"settings": named.recipe.model_dump(mode="json")}, indent=2))
    else:
        typer.echo("\n".join(_plan_lines(plan, named)))


def _plan_lines(plan: TrainPlan, named: NamedRecipe) -> list[str]:
    said = named.recipe
    kinds = ", ".join(f"{count:,} {kind}" for kind, count in plan.records.items())
    source = f" ({kinds})" if kinds else " (published)" if plan.samples is not None else ""
    lines = [f"{plan.recipe}: {said.about}", f"source: {said.source}"]
    lines.append(f"samples per epoch: {_or_unknown(plan.samples)}{source}")
    if plan.unusable:
        lines.append(f"left out: {plan.unusable:,} records that cannot be used")
    batch = f"{said.batch_size} rows x {said.accumulation} passes x {plan.processes} processes = {plan.whole_batch}"
    lines.append(f"batch: {batch}; epochs: {said.epochs:g}")
    published = f" (published: {plan.published_steps:,})" if plan.published_steps else ""
    lines.append(f"optimiser steps: {_or_unknown(plan.steps)}{published}")
    rate = f"learning rate: {said.learning_rate:g}, {said.scheduler}, warm-up {said.warmup_ratio:g}"
    lines.append(f"{rate}; {said.dtype}; sharding {said.sharding}")
    if plan.tokens is not None:
        told = plan.tokens
        lines.append(
            f"tokens per row, from {told.rows} rows: {told.text:.0f} text ({told.labelled:.0f} with loss), "
            f"{told.visual:.1f} visual"
        )
    lines += ["part                 parameters          trained"]
    lines += [f"{part.part:<16} {part.parameters:>14,} {part.trained:>16,}" for part in plan.parts]
    lines += _stage_lines(plan)
    lines.append(f"weights, gradients and optimiser per GPU: {plan.state_bytes / 1e9:.2f} GB, activations not counted")
    lines.append(f"published: {said.needs.hardware}; memory per GPU: {said.needs.memory}")
    return lines + [f"note: {note}" for note in said.differences]


def _stage_lines(plan: TrainPlan) -> list[str]:
    lines = ["stage  steps             layer  stride  visual tokens per layer  ratio"] if plan.stages else []
    for row in plan.stages:
        steps = f"{row.first_step:,} to {row.last_step:,}" if row.first_step else "none"
        layer, stride = ("-" if value is None else str(value) for value in (row.layer, row.stride))
        lines.append(f"{row.stage:<6} {steps:<17} {layer:<6} {stride:<7} {row.tokens:<24.1f} {row.ratio:.2f}")
    if plan.cost is not None:
        cost = plan.cost
        line = f"visual tokens over layers: {cost.mean_tokens:,.0f} of {cost.whole_tokens:,.0f}"
        if cost.tera_flops is not None:
            line += f"; {cost.tera_flops:.2f} TFLOPs a prompt of {cost.whole_tera_flops:.2f}, by the paper's accounting"
        lines.append(line)
    return lines


def _or_unknown(value: Any) -> str:
    return "not published" if value is None else f"{value:,}"
