"""Each stage trains what its script trains, and saves what its script saves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="the baselines extra (torch) is not installed")
pytest.importorskip("transformers", reason="the baselines extra (transformers) is not installed")

from baselines.training.adapter_files import load_adapter, write_adapter
from baselines.training.families import load_family
from baselines.training.parts import add_lora, choose_trained, count_parts, part_of
from baselines.training.recipe_files import load_recipe
from vdc.errors import InputError


def prepared(name: str, *changes: str) -> tuple[Any, Any, Any]:
    recipe = load_recipe(name, changes).recipe
    family = load_family(recipe.model)
    return family.model_class()(family.config(recipe)), family, recipe


@pytest.mark.parametrize(
    ("name", "trained"),
    [
        ("llavolta/toy-pretrain", {"projector"}),
        ("llavolta/toy-4stage", {"projector", "language_model"}),
        ("llama_vid/toy-stage1", {"context_attention", "projector"}),
        ("llama_vid/toy-stage2", {"qformer", "context_attention", "projector", "language_model"}),
        ("auroracap/toy-stage3", {"vision_tower", "projector", "language_model"}),
    ],
)
def test_only_the_parts_of_the_recipe_learn(name: str, trained: set[str]) -> None:
    model, family, recipe = prepared(name)
    names = choose_trained(model, family, recipe)
    assert {part_of(one, family) for one in names} == trained
    assert {one for one, parameter in model.named_parameters() if parameter.requires_grad} == set(names)
    counts = {count.part: count for count in count_parts(model, family)}
    assert {part for part, count in counts.items() if count.trained} == trained
    assert sum(count.parameters for count in counts.values()) == sum(one.numel() for one in model.parameters())
    assert "other" not in counts


def test_the_tower_of_llama_vid_never_learns() -> None:
    model, family, recipe = prepared("llama_vid/toy-stage2", "trainable=[vision_tower]")
    with pytest.raises(InputError, match="nothing to train"):
        choose_trained(model, family, recipe)


def test_a_part_that_is_none_gets_the_closest() -> None:
    model, family, recipe = prepared("llavolta/toy-4stage", "trainable=[projectr]")
    with pytest.raises(InputError, match="did you mean 'projector'"):
        choose_trained(model, family, recipe)


def test_a_rate_for_a_frozen_part_is_refused() -> None:
    model, family, recipe = prepared("llavolta/toy-4stage", "learning_rates={vision_tower: 1e-4}")
    with pytest.raises(InputError, match="a part that is trained"):
        choose_trained(model, family, recipe)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("llavolta/toy-pretrain", "model.mm_projector.0.weight"),
        ("llama_vid/toy-stage1", "model.vlm_att_key_projector.weight"),
        ("auroracap/toy-stage3", "model.multi_modal_projector.linear_1.weight"),
    ],
)
def test_an_adapter_holds_what_was_trained_under_published_names(name: str, key: str, tmp_path: Path) -> None:
    from safetensors.torch import load_file

    model, family, recipe = prepared(name)
    names = choose_trained(model, family, recipe)
    path = write_adapter(model, family, names, tmp_path)
    stored = load_file(path)
    assert key in stored and len(stored) == len(names)
    other, _, _ = prepared(name)
    assert set(load_adapter(other, family, tmp_path)) == set(names)
    mine, theirs = dict(model.named_parameters()), dict(other.named_parameters())
    assert all(torch.equal(mine[one], theirs[one]) for one in names)


def test_the_published_projector_file_is_read(tmp_path: Path) -> None:
    model, family, _ = prepared("llavolta/toy-pretrain")
    weights = {f"model.mm_projector.{key}": torch.full_like(value, 0.5) for key, value in _sequential(model).items()}
    torch.save(weights, tmp_path / "mm_projector.bin")
    assert len(load_adapter(model, family, tmp_path)) == 4
    assert all(bool((value == 0.5).all()) for value in _sequential(model).values())


def _sequential(model: Any) -> dict[str, Any]:
    projector = model.model.multi_modal_projector.state_dict()
    return {key.replace("linear_1", "0").replace("linear_2", "2"): value for key, value in projector.items()}


def test_an_adapter_of_another_size_changes_nothing(tmp_path: Path) -> None:
    model, family, _ = prepared("llavolta/toy-pretrain")
    before = {name: value.clone() for name, value in model.state_dict().items()}
    torch.save({"model.mm_projector.0.weight": torch.zeros(3, 3), "other": torch.zeros(1)}, tmp_path / "a.bin")
    with pytest.raises(InputError, match="2 problems"):
        load_adapter(model, family, tmp_path / "a.bin")
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_low_rank_adapters_leave_the_language_model_as_it_is() -> None:
    pytest.importorskip("peft", reason="PEFT is not installed (extra baselines)")
    model, family, recipe = prepared("llavolta/toy-4stage", "lora={rank: 4}")
    wrapped = add_lora(model, family, recipe)
    learning = [name for name, parameter in wrapped.named_parameters() if parameter.requires_grad]
    assert all("lora_" in name or "multi_modal_projector" in name for name in learning)
    counts = {count.part: count.trained for count in count_parts(wrapped, family)}
    assert counts["projector"] and counts["language_model"] and not counts["vision_tower"]
    lora = [name for name in learning if "lora_A" in name]
    assert len(lora) == 4 * 7  # layers and their linear parts


def test_what_low_rank_checkpoints_cannot_keep_is_refused() -> None:
    pytest.importorskip("peft", reason="PEFT is not installed (extra baselines)")
    model, family, recipe = prepared("llama_vid/toy-stage2", "lora={rank: 4}")
    with pytest.raises(InputError, match="query_tokens"):
        add_lora(model, family, recipe)
