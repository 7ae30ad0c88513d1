"""Whole trainings of toys: they learn, and an interruption changes nothing."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="the baselines extra (torch) is not installed")
pytest.importorskip("transformers", reason="the baselines extra (transformers) is not installed")
pytest.importorskip("accelerate", reason="accelerate is not installed (extra baselines)")

from safetensors.torch import load_file

from baselines.llavolta.setting import NO_COMPRESSION, Compression
from baselines.training.curve import CURVE, CurvePoint, read_curve
from baselines.training.inputs import TrainOptions
from baselines.training.recipe_files import load_recipe
from baselines.training.run import TrainResult, train
from vdc.errors import InputError, RunFailed


class Killed(BaseException):
    """Stands for the end of a process."""


def options(name: str, model: Path, data: Path, media: Path, out: Path, *changes: str, **more: Any) -> TrainOptions:
    return TrainOptions(load_recipe(name, changes), model, data, out, media, cpu=True, **more)


def killed_at(step: int) -> Callable[[CurvePoint, int], None]:
    def told(point: CurvePoint, steps: int) -> None:
        if point.step == step:
            raise Killed

    return told


def interrupted(given: TrainOptions, step: int) -> TrainResult:
    """Broken off right behind a step, before its checkpoint; then the same again."""
    with pytest.raises(Killed):
        train(given, told=killed_at(step))
    return train(given)


@pytest.fixture
def folders(llavolta_toy: Path, llama_vid_toy: Path, auroracap_toy: Path) -> dict[str, Path]:
    return {"llavolta": llavolta_toy, "llama_vid": llama_vid_toy, "auroracap": auroracap_toy}


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("llavolta/toy-4stage", ["max_steps=4", "save_every=2", "lora={rank: 2, dropout: 0.1}"]),
        ("llavolta/toy-pretrain", ["max_steps=4", "save_every=2", "data.template=v1"]),
        (
            "llavolta/toy-4stage",
            [
                *("max_steps=4", "save_every=2", "accumulation=2", "batch_size=1", "learning_rates={projector: 1e-4}"),
                "llavolta={scheme: 4stage, schedule: published-counter}",
            ],
        ),
        ("llama_vid/toy-stage2", ["max_steps=4", "save_every=2"]),
        ("auroracap/toy-stage3", ["max_steps=4", "save_every=2"]),
    ],
    ids=["lora", "adapter", "counter", "llama_vid", "auroracap"],
)
def test_an_interrupted_run_gives_the_same_curve_and_the_same_weights(
    name: str, changes: list[str], folders: dict[str, Path], mixed: Path, media: Path, tmp_path: Path
) -> None:
    if any("lora" in change for change in changes):
        pytest.importorskip("peft", reason="PEFT is not installed (extra baselines)")
    model = folders[name.split("/")[0]]
    whole = train(options(name, model, mixed, media, tmp_path / "whole", *changes))
    resumed = interrupted(options(name, model, mixed, media, tmp_path / "resumed", *changes), step=3)
    assert resumed.resumed_from == 2 and whole.resumed_from is None
    assert (tmp_path / "whole" / CURVE).read_bytes() == (tmp_path / "resumed" / CURVE).read_bytes()
    mine, theirs = (load_file(next(one.result.glob("*.safetensors"))) for one in (whole, resumed))
    assert mine.keys() == theirs.keys()
    assert all(torch.equal(mine[key], theirs[key]) for key in mine)
    moved = load_file(model / "model.safetensors")
    assert any(not torch.equal(mine[key], moved[key]) for key in mine if key in moved) or "adapter" in str(whole.result)


def test_four_stages_hold_in_turn_and_the_model_learns(
    llavolta_toy: Path, mixed: Path, media: Path, tmp_path: Path
) -> None:
    from baselines.llavolta.model import LlavoltaForConditionalGeneration

    result = train(options("llavolta/toy-4stage", llavolta_toy, mixed, media, tmp_path / "run", "max_steps=24"))
    curve = read_curve(tmp_path / "run" / CURVE)
    assert [point.stage for point in curve] == [1] * 6 + [2] * 6 + [3] * 6 + [4] * 6
    pictures = {
        stage: {p.visual_tokens for p in curve if p.stage == stage and p.visual_tokens} for stage in (1, 2, 3, 4)
    }
    assert pictures == {1: {5.5}, 2: {10.0}, 3: {12.0}, 4: {16.0}}
    assert result.record["last_loss"] < 0.7 * result.record["first_loss"]
    trained = LlavoltaForConditionalGeneration.from_pretrained(result.result)
    assert trained.config.compression == NO_COMPRESSION
    before, after = load_file(llavolta_toy / "model.safetensors"), load_file(result.result / "model.safetensors")
    same = {key for key in before if torch.equal(before[key], after[key])}
    assert same == {key for key in before if "vision_tower" in key}
    assert (result.result / "tokenizer.json").is_file()


def test_the_rate_rises_and_falls_as_the_recipe_says(
    auroracap_toy: Path, mixed: Path, media: Path, tmp_path: Path
) -> None:
    changes = ["max_steps=10", "warmup_ratio=0.2", "learning_rate=1.0", "max_grad_norm=0.0001", "save_every=100"]
    train(options("auroracap/toy-stage3", auroracap_toy, mixed, media, tmp_path / "run", *changes))
    rates = [point.learning_rate for point in read_curve(tmp_path / "run" / CURVE)]
    assert rates[:3] == pytest.approx([1e-5, 0.500005, 1.0])
    assert rates[-1] == pytest.approx(0.5 * (1 + torch.cos(torch.tensor(torch.pi * 0.7)).item()), rel=1e-4)


def test_a_first_stage_saves_its_part_and_the_second_begins_with_it(
    llavolta_toy: Path, write_data: Callable[..., Path], mixed: Path, media: Path, tmp_path: Path
) -> None:
    from tests.baselines.training.conftest import picture

    pictures = write_data(picture("red"), picture("green"))
    changes = ["max_steps=2", "save_every=2"]
    first = train(options("llavolta/toy-pretrain", llavolta_toy, pictures, media, tmp_path / "one", *changes))
    assert {file.name for file in first.result.iterdir()} == {"adapter.safetensors"}
    stored = load_file(tmp_path / "one" / "checkpoint-2" / "model.safetensors")
    assert all("projector" in key for key in stored)
    adapter = load_file(first.result / "adapter.safetensors")
    second = train(
        options("llavolta/toy-4stage", llavolta_toy, mixed, media, tmp_path / "two", "max_steps=1", adapter=first.out)
    )
    # The first step's rate is 0, so the projector is still the adapter's.
    kept = load_file(second.result / "model.safetensors")["model.multi_modal_projector.linear_1.weight"]
    assert torch.equal(kept, adapter["model.mm_projector.0.weight"])


def test_a_torn_checkpoint_is_ignored(llavolta_toy: Path, mixed: Path, media: Path, tmp_path: Path) -> None:
    given = options("llavolta/toy-4stage", llavolta_toy, mixed, media, tmp_path / "run", "max_steps=6", "save_every=2")
    with pytest.raises(Killed):
        train(given, told=killed_at(6))
    weights = tmp_path / "run" / "checkpoint-4" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(Killed):
        train(given, told=killed_at(3))
    assert [point.step for point in read_curve(tmp_path / "run" / CURVE)] == [1, 2, 3]
    assert not weights.exists()
    assert train(given).resumed_from == 2


def test_a_disk_that_fills_up_ends_the_run_in_words_and_the_same_command_goes_on(
    llavolta_toy: Path, mixed: Path, media: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = options("llavolta/toy-4stage", llavolta_toy, mixed, media, tmp_path / "run", "max_steps=4", "save_every=2")
    save, written = torch.save, []

    def full(content: Any, file: Any, *more: Any, **named: Any) -> None:
        if "checkpoint-4" in str(file):
            raise RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 14528 vs 14416")
        written.append(file)
        save(content, file, *more, **named)

    with monkeypatch.context() as patch:
        patch.setattr(torch, "save", full)
        with pytest.raises(RunFailed, match="checkpoint-4: found that it cannot be written"):
            train(given)
    assert written
    assert train(given).resumed_from == 2


@pytest.mark.parametrize("more", [[], ["lora={rank: 2}"]], ids=["whole", "lora"])
def test_a_run_killed_behind_its_last_step_makes_no_further_one(
    more: list[str], llavolta_toy: Path, mixed: Path, media: Path, tmp_path: Path
) -> None:
    changes = ["max_steps=3", "save_every=2", "llavolta={scheme: heavy-compression}", *more]
    if more:
        pytest.importorskip("peft", reason="PEFT is not installed (extra baselines)")
    given = options("llavolta/toy-4stage", llavolta_toy, mixed, media, tmp_path / "run", *changes)
    first = train(given)
    files = [tmp_path / "run" / CURVE, first.result / "model.safetensors", first.result / "config.json"]
    before = [file.read_bytes() for file in files]
    (tmp_path / "run" / "run.json").unlink()
    shutil.rmtree(first.result)
    again = train(given)
    assert again.ran and again.resumed_from == 3
    assert [file.read_bytes() for file in files] == before


def test_a_finished_run_is_not_run_again(llavolta_toy: Path, mixed: Path, media: Path, tmp_path: Path) -> None:
    given = options("llavolta/toy-4stage", llavolta_toy, mixed, media, tmp_path / "run", "max_steps=1")
    first = train(given)
    again = train(given, told=killed_at(1))
    assert first.ran and not again.ran and again.record == first.record
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    assert record["start"]["recipe_sha256"] == given.recipe.sha256
    assert record["start"]["seed"] == 42 and record["tool"]["version"]
    assert str(tmp_path) not in (tmp_path / "run" / "run.json").read_text()


@pytest.mark.parametrize(("change", "key"), [("learning_rate=0.1", "recipe_sha256"), ("seed=1", "seed")])
def test_another_recipe_cannot_continue_a_run(
    change: str, key: str, llavolta_toy: Path, mixed: Path, media: Path, tmp_path: Path
) -> None:
    train(options("llavolta/toy-4stage", llavolta_toy, mixed, media, tmp_path / "run", "max_steps=1"))
    with pytest.raises(InputError, match=key):
        train(options("llavolta/toy-4stage", llavolta_toy, mixed, media, tmp_path / "run", "max_steps=1", change))


def test_a_folder_with_other_files_is_refused(llavolta_toy: Path, mixed: Path, media: Path, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thesis.txt").write_text("mine")
    with pytest.raises(InputError, match="other files"):
        train(options("llavolta/toy-4stage", llavolta_toy, mixed, media, tmp_path / "run"))
    assert (tmp_path / "run" / "thesis.txt").read_text() == "mine"


def test_a_checkpoint_of_another_model_is_refused(
    auroracap_toy: Path, mixed: Path, media: Path, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="'auroracap'"):
        train(options("llavolta/toy-4stage", auroracap_toy, mixed, media, tmp_path / "run"))


def test_unusable_records_are_left_out_and_listed_where_asked(
    llavolta_toy: Path, write_data: Callable[..., Path], media: Path, tmp_path: Path
) -> None:
    from tests.baselines.training.conftest import picture

    data = write_data(picture("red"), picture("gone"))
    with pytest.raises(InputError, match=r"gone\.png"):
        train(options("llavolta/toy-4stage", llavolta_toy, data, media, tmp_path / "run", "max_steps=1"))
    change = "data.unusable=skip"
    train(options("llavolta/toy-4stage", llavolta_toy, data, media, tmp_path / "run", "max_steps=1", change))
    (line,) = (tmp_path / "run" / "unusable.jsonl").read_text().splitlines()
    assert "gone.png" in json.loads(line)["found"]


def test_a_batch_without_labels_counts_as_nothing(
    llavolta_toy: Path, write_data: Callable[..., Path], media: Path, tmp_path: Path
) -> None:
    from tests.baselines.training.conftest import text

    data = write_data(text(1), text(2))
    changes = ["max_steps=2", "data.max_length=20"]
    train(options("llavolta/toy-4stage", llavolta_toy, data, media, tmp_path / "run", *changes))
    assert [point.loss for point in read_curve(tmp_path / "run" / CURVE)] == [0.0, 0.0]


def test_a_loss_that_is_no_number_ends_the_run(llavolta_toy: Path, mixed: Path, media: Path, tmp_path: Path) -> None:
    from safetensors.torch import save_file

    broken = tmp_path / "broken"
    shutil.copytree(llavolta_toy, broken)
    weights = load_file(broken / "model.safetensors")
    weights["lm_head.weight"][:] = float("nan")
    save_file(weights, broken / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(RunFailed, match="loss of nan at step 1"):
        train(options("llavolta/toy-4stage", broken, mixed, media, tmp_path / "run"))


def test_heavy_compression_holds_throughout_and_in_answers(
    llavolta_toy: Path, mixed: Path, media: Path, tmp_path: Path
) -> None:
    from baselines.llavolta.config import LlavoltaConfig

    changes = ["max_steps=2", "llavolta={scheme: heavy-compression}"]
    result = train(options("llavolta/toy-4stage", llavolta_toy, mixed, media, tmp_path / "run", *changes))
    assert LlavoltaConfig.from_pretrained(result.result).compression == Compression(2, 8)


@pytest.mark.parametrize("name", ["llavolta/toy-4stage", "llama_vid/toy-stage2", "auroracap/toy-stage3"])
def test_activation_checkpoints_change_nothing_and_half_precision_little(
    name: str, folders: dict[str, Path], mixed: Path, media: Path, tmp_path: Path
) -> None:
    def losses(folder: str, *changes: str) -> list[float]:
        given = options(name, folders[name.split("/")[0]], mixed, media, tmp_path / folder, "max_steps=2", *changes)
        train(given)
        return [point.loss for point in read_curve(tmp_path / folder / CURVE)]

    plain = losses("plain")
    assert losses("checkpoints", "checkpoint_activations=true") == pytest.approx(plain, rel=1e-5)
    assert losses("half", "dtype=bfloat16", "max_steps=1") == pytest.approx(plain[:1], rel=0.05)


def test_a_mean_over_tokens_is_that_of_one_large_pass(
    llavolta_toy: Path, mixed: Path, media: Path, tmp_path: Path
) -> None:
    def loss(folder: str, *changes: str) -> float:
        given = ["max_steps=1", "data.grouping=random", *changes]
        train(options("llavolta/toy-4stage", llavolta_toy, mixed, media, tmp_path / folder, *given))
        return read_curve(tmp_path / folder / CURVE)[0].loss

    together = loss("together", "batch_size=4", "accumulation=1")
    tokens = loss("tokens", "batch_size=1", "accumulation=4", "loss_mean=tokens")
    batch = loss("batch", "batch_size=1", "accumulation=4", "loss_mean=batch")
    assert tokens == pytest.approx(together, rel=1e-5)
    assert batch != pytest.approx(together, rel=1e-3)


def test_long_positions_and_what_was_frozen_are_written_down(
    llama_vid_toy: Path, mixed: Path, media: Path, tmp_path: Path
) -> None:
    from baselines.llama_vid.config import LlamaVidConfig

    settings = "{compress_type: mean, bert_type: qformer_pretrain_freeze_all, image_size: 56, positions: 2048}"
    changes = ["max_steps=1", f"llama_vid={settings}", "trainable=[projector]"]
    result = train(options("llama_vid/toy-stage2", llama_vid_toy, mixed, media, tmp_path / "run", *changes))
    config = LlamaVidConfig.from_pretrained(result.result)
    assert (config.text_config.rope_parameters["rope_type"], config.bert_type) == (
        "linear",
        "qformer_pretrain_freeze_all",
    )
    assert config.text_config.rope_parameters["factor"] == 4.0


def test_a_checkpoint_with_other_tokens_than_the_recipe_is_refused(
    llama_vid_toy: Path, mixed: Path, media: Path, tmp_path: Path
) -> None:
    settings = "llama_vid={compress_type: none, bert_type: qformer_pretrain, image_size: 224}"
    with pytest.raises(InputError, match="2 problems"):
        train(options("llama_vid/toy-stage2", llama_vid_toy, mixed, media, tmp_path / "run", settings))
