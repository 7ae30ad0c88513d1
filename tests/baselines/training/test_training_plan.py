"""What a training would take, counted from shapes: published recipes need no weights for it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="the baselines extra (torch) is not installed")
pytest.importorskip("transformers", reason="the baselines extra (transformers) is not installed")

import typer
from typer.testing import CliRunner

from baselines.cli.train import train
from baselines.training.arguments import check_sharding, deepspeed_config
from baselines.training.inputs import TrainOptions
from baselines.training.parts import PartCount
from baselines.training.plan import plan_training, state_bytes
from baselines.training.recipe_files import load_recipe, recipe_names
from baselines.training.records import read_data
from vdc.errors import InputError


def call(*arguments: Any) -> str:
    app = typer.Typer()
    app.command()(train)
    done = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    assert done.exit_code == 0
    return done.stdout


def test_four_stages_of_the_published_size_are_quarters_of_the_published_steps() -> None:
    plan = plan_training(load_recipe("llavolta/4stage-tune"))
    assert (plan.whole_batch, plan.steps) == (128, 5198) and plan.steps == plan.published_steps
    assert [(row.first_step, row.last_step) for row in plan.stages] == [
        (1, 1300),
        (1301, 2599),
        (2600, 3899),
        (3900, 5198),
    ]
    assert [(row.layer, row.stride) for row in plan.stages] == [(2, 8), (2, 2), (16, 2), (None, None)]
    assert plan.cost is not None
    assert (plan.cost.mean_tokens, plan.cost.whole_tokens) == (11340, 18432)
    assert plan.cost.tera_flops == pytest.approx(5.39, abs=0.005)
    parts = {part.part: part for part in plan.parts}
    assert sum(part.parameters for part in plan.parts) == 7_062_902_784
    assert parts["vision_tower"].trained == 0
    assert parts["projector"].trained == parts["projector"].parameters == 1024 * 4096 + 4096 + 4096 * 4096 + 4096


def test_dry_run_of_the_published_counter_shows_the_counters_stages() -> None:
    plan = plan_training(load_recipe("llavolta/4stage-tune", ["llavolta.schedule=published-counter"]))
    assert [row.last_step for row in plan.stages] == [1301, 2601, 3901, 5198]
    halved = ["llavolta.schedule=published-counter", "accumulation=2", "batch_size=8"]
    halved_plan = plan_training(load_recipe("llavolta/4stage-tune", halved))
    assert [row.last_step for row in halved_plan.stages] == [651, 1301, 1951, 5198]
    assert plan.cost is not None and halved_plan.cost is not None
    mean = (1301 * 3312 + 1300 * 9792 + 1300 * 13824 + 1297 * 18432) / 5198
    assert plan.cost.mean_tokens == pytest.approx(mean)
    assert halved_plan.cost.mean_tokens > plan.cost.mean_tokens
    heavy = plan_training(load_recipe("llavolta/heavy-compression-tune", ["llavolta.schedule=published-counter"]))
    assert [(row.last_step, row.stride) for row in heavy.stages] == [(5198, 8), (0, None)]


def test_projector_training_has_the_published_steps() -> None:
    plan = plan_training(load_recipe("llavolta/heavy-compression-pretrain"))
    assert plan.steps == plan.published_steps == 2181
    assert sum(part.trained for part in plan.parts) < 21_000_000


def test_llama_vids_parts_have_the_published_sizes() -> None:
    parts = {part.part: part for part in plan_training(load_recipe("llama_vid/video-7b-stage1")).parts}
    assert parts["vision_tower"].parameters == 985_894_528
    assert parts["context_attention"].trained and not parts["qformer"].trained
    # 185,660,160 of the query transformer, its queries and its norm
    assert parts["qformer"].parameters == 185_660_160 + 24_576 + 2_816


def test_accumulation_and_processes_divide_the_steps(mixed: Path, media: Path, llavolta_toy: Path) -> None:
    data = read_data(mixed, media)
    recipe = load_recipe("llavolta/toy-4stage", ["max_steps=null", "epochs=3", "batch_size=2", "data.grouping=random"])
    assert plan_training(recipe, data=data, model=llavolta_toy).steps == 3 * 4
    assert plan_training(recipe, data=data, model=llavolta_toy, processes=2).steps == 3 * 2
    twice = load_recipe(
        "llavolta/toy-4stage", ["max_steps=null", "batch_size=2", "accumulation=3", "data.grouping=random"]
    )
    plan = plan_training(twice, data=data, model=llavolta_toy)
    assert plan.steps == 2 and plan.tokens is not None and plan.tokens.rows == 7
    assert plan.tokens.visual == pytest.approx(5.5 * 4 / 7)


def test_counted_steps_are_the_trainers(mixed: Path, media: Path, llavolta_toy: Path, tmp_path: Path) -> None:
    from baselines.training.run import train as run

    recipe = load_recipe("llavolta/toy-4stage", ["max_steps=null", "epochs=2", "batch_size=2", "accumulation=3"])
    plan = plan_training(recipe, data=read_data(mixed, media), model=llavolta_toy)
    result = run(TrainOptions(recipe, llavolta_toy, mixed, tmp_path / "run", media, cpu=True))
    assert result.record["steps"] == plan.steps


@pytest.mark.parametrize(
    ("sharding", "expected"),
    [
        ("none", 4 * 100 + 12 * 10),
        ("zero2", 2 * 100 + (2 + 12) * 10 / 2),
        ("zero2-offload", 2 * 100 + 2 * 10 / 2),
        ("zero3", (2 * 100 + 14 * 10) / 2),
        ("fsdp", (4 * 100 + 12 * 10) / 2),
    ],
)
def test_states_are_shared_out(sharding: str, expected: float) -> None:
    recipe = load_recipe("llavolta/toy-4stage", [f"sharding={sharding}"]).recipe
    assert state_bytes((PartCount("a", 90, 10), PartCount("b", 10, 0)), recipe, 2) == expected


def test_sharding_without_a_gpu_says_what_to_do() -> None:
    recipe = load_recipe("llavolta/4stage-tune").recipe
    with pytest.raises(InputError, match="sharding=none"):
        check_sharding(recipe, on_gpu=False)
    zero = deepspeed_config(recipe)["zero_optimization"]
    assert zero["stage"] == 3 and zero["stage3_gather_16bit_weights_on_model_save"]


def test_the_list_names_every_recipe_and_what_it_needs() -> None:
    text = call("list")
    assert all(name in text for name in recipe_names())
    assert "8 GPUs of 48 GB" in text and "data (not here" in text
    table = json.loads(call("--list", "--json"))
    assert table["llavolta/4stage-tune"]["learning_rate"] == 2e-5


def test_a_dry_run_prints_and_trains_nothing(llavolta_toy: Path, mixed: Path, media: Path, tmp_path: Path) -> None:
    given = ["--model", llavolta_toy, "--data", mixed, "--media", media, "--out", tmp_path / "run", "--dry-run"]
    text = call("llavolta/toy-4stage", *given, "--steps", "40")
    assert "1      1 to 10           1      8       5.5" in text
    assert "4 image, 3 text" in text and "optimiser steps: 40" in text
    assert not (tmp_path / "run").exists()
    assert json.loads(call("llavolta/toy-4stage", *given, "--json"))["steps"] == 120


def test_training_from_the_command_line(llavolta_toy: Path, mixed: Path, media: Path, tmp_path: Path) -> None:
    given = ["--model", llavolta_toy, "--data", mixed, "--media", media, "--device", "cpu", "--steps", "2"]
    text = call("llavolta/toy-4stage", *given, "--out", tmp_path / "run")
    assert "2 steps, loss" in text
    assert "finished before" in call("llavolta/toy-4stage", *given, "--out", tmp_path / "run")
    record = json.loads(call("llavolta/toy-4stage", *given, "--out", tmp_path / "run", "--json"))
    assert record["steps"] == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [([], "vdc train list"), (["llavolta/toy-4stage"], "--model, --data, --out"), (["toy"], "llavolta/toy-4stage")],
    ids=["nothing", "recipe alone", "no recipe"],
)
def test_what_is_missing_is_named(arguments: list[str], said: str) -> None:
    with pytest.raises(InputError, match=said):
        call(*arguments)
