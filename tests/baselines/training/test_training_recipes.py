"""Recipes carry the published numbers, and nothing that is misspelt."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("yaml", reason="PyYAML is not installed")

from baselines.training.recipe_files import load_recipe, recipe_names
from vdc.errors import InputError

LLAVOLTA = [f"llavolta/{scheme}" for scheme in ("reproduce", "4stage", "heavy-compression", "light-compression")]

# name, frames' tokens, rows x passes, whole batch, rate, longest row, sharding, what the query transformer does
LLAMA_VID = [
    ("image-7b-224-stage1", "none", (32, 1), 256, 1e-3, 2048, "zero2", "qformer_pretrain_freeze"),
    ("image-7b-224-stage2", "none", (16, 1), 128, 2e-5, 4096, "zero2", "qformer_pretrain"),
    ("image-7b-336-stage1", "none", (32, 1), 256, 1e-3, 2048, "zero2", "qformer_pretrain_freeze"),
    ("image-7b-336-stage2", "none", (8, 2), 128, 2e-5, 4096, "zero2", "qformer_pretrain"),
    ("image-13b-336-stage1", "none", (32, 1), 256, 1e-3, 2048, "zero2", "qformer_pretrain_freeze"),
    ("image-13b-336-stage2", "none", (2, 4), 64, 2e-5, 4096, "zero2", "qformer_pretrain"),
    ("image-7b-224-grid4-stage1", "grid:4", (32, 1), 256, 1e-3, 2048, "zero2", "qformer_pretrain_freeze"),
    ("image-7b-224-grid4-stage2", "grid:4", (16, 1), 128, 2e-5, 2048, "zero2", "qformer_pretrain"),
    ("video-7b-stage1", "mean", (32, 1), 256, 1e-3, 2048, "zero2", "qformer_pretrain_freeze"),
    ("video-7b-stage2", "mean", (4, 4), 128, 2e-5, 2048, "zero2-offload", "qformer_pretrain"),
    ("video-13b-stage1", "mean", (32, 1), 256, 1e-3, 2048, "zero2-offload", "qformer_pretrain_freeze"),
    ("video-13b-stage2", "mean", (2, 2), 32, 2e-5, 2048, "zero2", "qformer_pretrain"),
    ("video-7b-grid2-stage1", "grid:2", (16, 2), 256, 1e-3, 2048, "zero2", "qformer_pretrain_freeze"),
    ("video-7b-grid2-stage2", "grid:2", (2, 8), 128, 2e-5, 2048, "zero2-offload", "qformer_pretrain"),
    ("long-video-7b-stage3", "mean", (1, 1), 8, 2e-5, 65536, "zero2-offload", "qformer_pretrain_freeze_all"),
]


@pytest.mark.parametrize("name", recipe_names())
def test_every_recipe_can_be_read_and_says_where_it_comes_from(name: str) -> None:
    recipe = load_recipe(name).recipe
    assert name.startswith(f"{recipe.model}/")
    assert recipe.source and recipe.needs.hardware
    assert recipe.size == "toy" or recipe.differences


@pytest.mark.parametrize("name", LLAVOLTA)
def test_llavolta_scripts_differ_in_compression_alone(name: str) -> None:
    first, second = load_recipe(f"{name}-pretrain").recipe, load_recipe(f"{name}-tune").recipe
    assert (first.learning_rate, first.whole_batch, first.trainable) == (1e-3, 256, ("projector",))
    assert (first.sharding, first.saves, first.save_every, first.data.grouping) == ("zero2", "adapter", 24000, "random")
    assert (first.data.template, first.data.image_aspect_ratio, first.data.max_length) == ("plain", "square", 2048)
    assert (second.learning_rate, second.whole_batch) == (2e-5, 128)
    assert second.trainable == ("projector", "language_model")
    assert (second.sharding, second.save_every, second.data.grouping) == ("zero3", 50000, "modality_filled")
    assert (second.data.template, second.data.image_aspect_ratio, second.data.max_length) == ("v1", "pad", 2048)
    for recipe in (first, second):
        assert (recipe.scheduler, recipe.warmup_ratio, recipe.weight_decay, recipe.epochs) == ("cosine", 0.03, 0, 1)
        assert (recipe.adam_betas, recipe.adam_eps, recipe.accumulation) == ((0.9, 0.999), 1e-8, 1)
        assert recipe.dtype == "bfloat16" and recipe.checkpoint_activations and recipe.max_grad_norm == 0
        assert recipe.llavolta is not None and f"llavolta/{recipe.llavolta.scheme}" == name


@pytest.mark.parametrize("row", LLAMA_VID, ids=lambda row: row[0])
def test_llama_vid_scripts_have_the_published_numbers(row: tuple[object, ...]) -> None:
    name, compress, passes, whole, rate, length, sharding, bert = row
    recipe = load_recipe(f"llama_vid/{name}").recipe
    assert recipe.llama_vid is not None
    assert (recipe.llama_vid.compress_type, recipe.llama_vid.bert_type) == (compress, bert)
    assert (recipe.batch_size, recipe.accumulation) == passes and recipe.whole_batch == whole
    assert (recipe.learning_rate, recipe.data.max_length, recipe.sharding) == (rate, length, sharding)
    first = str(name).endswith("stage1")
    assert recipe.data.template == ("plain_guided" if first else "imgsp_v1")
    assert recipe.data.image_aspect_ratio == ("square" if first else "pad")
    assert recipe.data.grouping == ("random" if first else "modality")
    assert recipe.save_every == (200 if str(name).endswith("stage3") else 1000)


def test_every_llama_vid_script_has_a_recipe() -> None:
    published = {name for name in recipe_names() if name.startswith("llama_vid/") and "toy" not in name}
    assert published == {f"llama_vid/{row[0]}" for row in LLAMA_VID}


def test_stages_of_llama_vid_train_what_the_table_says() -> None:
    stages = [load_recipe(f"llama_vid/{name}").recipe.trainable for name in ("video-7b-stage1", "video-7b-stage2")]
    assert stages[0] == ("context_attention", "projector")
    assert stages[1] == ("qformer", "context_attention", "projector", "language_model")
    assert load_recipe("llama_vid/long-video-7b-stage3").recipe.trainable == ("projector", "language_model")


@pytest.mark.parametrize(
    ("name", "rate", "passes", "epochs", "ratio", "trainable"),
    [
        ("stage1-projection", 2e-4, (16, 1), 1, 1.0, ("projector",)),
        ("stage2-vision", 1e-4, (1, 24), 2, 1.0, ("vision_tower", "projector")),
        ("stage3-language", 2e-5, (1, 24), 2, 0.1, ("vision_tower", "projector", "language_model")),
    ],
)
def test_auroracap_stages_have_the_released_numbers(
    name: str, rate: float, passes: tuple[int, int], epochs: int, ratio: float, trainable: tuple[str, ...]
) -> None:
    recipe = load_recipe(f"auroracap/{name}").recipe
    assert (recipe.learning_rate, (recipe.batch_size, recipe.accumulation), recipe.epochs) == (rate, passes, epochs)
    assert recipe.auroracap is not None and recipe.auroracap.token_kept_ratio == ratio
    assert recipe.trainable == trainable and recipe.processes is None
    assert (recipe.scheduler, recipe.warmup_start, recipe.max_grad_norm) == ("cosine-late", 1e-5, 1.0)
    assert (recipe.save_every, recipe.keep, recipe.data.max_length, recipe.sharding) == (100, 2, 4096, "zero2")


@pytest.mark.parametrize(
    ("change", "hint"),
    [
        ("lerning_rate=1", "learning_rate"),
        ("data.worker=1", "workers"),
        ("llavolta.shedule=steps", "schedule"),
        ("learning_rate=-1", "greater than 0"),
        ("learning_rate=.inf", "finite"),
        ("batch_size", "KEY=VALUE"),
        ("data.template=turns", "plain, v1"),
        ("llama_vid={compress_type: mean, bert_type: x}", "none of other models"),
        ("llavolta.stages=[{layer: 1, stride: 2, share: 1}]", "not both"),
    ],
)
def test_what_a_recipe_cannot_say_is_refused_with_a_hint(change: str, hint: str) -> None:
    with pytest.raises(InputError, match=hint):
        load_recipe("llavolta/4stage-tune", [change])


def test_unknown_name_gets_the_closest() -> None:
    with pytest.raises(InputError, match="did you mean 'llavolta/4stage-tune'"):
        load_recipe("llavolta/4stage-tuen")


def test_changes_are_part_of_the_hash(tmp_path: Path) -> None:
    plain = load_recipe("llavolta/toy-4stage")
    changed = load_recipe("llavolta/toy-4stage", ["learning_rate=1e-4", "data.workers=2"])
    assert (changed.recipe.learning_rate, changed.recipe.data.workers) == (1e-4, 2)
    assert plain.sha256 != changed.sha256
    same = load_recipe("llavolta/toy-4stage", ["learning_rate=0.003"])
    assert same.sha256 == plain.sha256


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    import yaml

    recipe = load_recipe("llavolta/toy-4stage").recipe
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(recipe.model_dump(mode="json")))
    assert load_recipe(str(path)).name == "mine"
    assert load_recipe(str(path)).recipe == recipe
    path.write_text("[1, 2")
    with pytest.raises(InputError, match="no valid YAML"):
        load_recipe(str(path))
