"""A first stage can begin with a language model and a tower alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="the baselines extra (torch) is not installed")
pytest.importorskip("transformers", reason="the baselines extra (transformers) is not installed")

from baselines.common.byte_tokenizer import make_byte_tokenizer
from baselines.training.families import load_family
from baselines.training.recipe_files import load_recipe
from baselines.training.start import make_start
from vdc.errors import InputError


def toy(name: str) -> Any:
    recipe = load_recipe(name).recipe
    family = load_family(recipe.model)
    torch.manual_seed(3)
    return family.model_class()(family.config(recipe))


def write_language_model(model: Any, folder: Path) -> Path:
    """As Vicuna is released: a Llama and its tokenizer."""
    from transformers import LlamaForCausalLM

    alone = LlamaForCausalLM(model.config.text_config)
    alone.model.load_state_dict(model.model.language_model.state_dict())
    alone.lm_head.load_state_dict(model.lm_head.state_dict())
    alone.save_pretrained(folder)
    make_byte_tokenizer().save_pretrained(folder)
    return folder


@pytest.mark.parametrize("name", ["llavolta/toy-pretrain", "auroracap/toy-stage3"])
def test_clip_and_llama_become_a_checkpoint(name: str, tmp_path: Path) -> None:
    from transformers import CLIPVisionModel

    model = toy(name)
    family = load_family(load_recipe(name).recipe.model)
    tower = CLIPVisionModel(model.config.vision_config)
    tower.save_pretrained(tmp_path / "clip")
    language = write_language_model(model, tmp_path / "vicuna")
    folders = [
        make_start(name.split("/")[0], language, tmp_path / out, vision_tower=tmp_path / "clip", seed=seed)
        for out, seed in (("a", 0), ("b", 0), ("c", 1))
    ]
    first, again, other = (family.model_class().from_pretrained(folder).state_dict() for folder in folders)
    assert torch.equal(first["lm_head.weight"], model.lm_head.weight)
    seen = "embeddings.patch_embedding.weight"
    assert torch.equal(first[f"model.vision_tower.{seen}"], tower.state_dict()[seen])
    new = "model.multi_modal_projector.linear_1.weight"
    assert torch.equal(first[new], again[new]) and not torch.equal(first[new], other[new])


def test_eva_query_transformer_and_llama_become_a_checkpoint(tmp_path: Path) -> None:
    from baselines.llama_vid.layouts import official_name
    from baselines.llama_vid.toy import TOY_WORDS

    model = toy("llama_vid/toy-stage1")
    language = write_language_model(model, tmp_path / "vicuna")
    state = model.state_dict()
    prefix = "model.vision_tower."
    torch.save(
        {key.removeprefix(prefix): v for key, v in state.items() if key.startswith(prefix)}, tmp_path / "eva.pth"
    )
    blip = {
        official_name(key)
        .replace("model.vlm_att_encoder.bert.", "Qformer.bert.")
        .replace("model.vlm_att_ln.", "ln_vision.")
        .replace("model.vlm_att_query", "query_tokens"): value
        for key, value in state.items()
        if key.startswith(("model.qformer.", "model.query_tokens", "model.vision_norm."))
    }
    torch.save({"model": blip}, tmp_path / "blip.pth")
    (tmp_path / "vocab.txt").write_text("\n".join(TOY_WORDS))
    folder = make_start(
        "llama_vid",
        language,
        tmp_path / "start",
        vision_tower=tmp_path / "eva.pth",
        qformer=tmp_path / "blip.pth",
        bert_vocabulary=tmp_path / "vocab.txt",
        compress_type="grid:2",
        heads={"vision": 2, "qformer": 2},
    )
    made = load_family("llama_vid").model_class().from_pretrained(folder)
    assert made.config.compress_type == "grid:2"
    kept = ("model.qformer.", "model.query_tokens", "model.vision_tower.", "model.language_model.")
    assert all(torch.equal(value, made.state_dict()[key]) for key, value in state.items() if key.startswith(kept))


def test_missing_parts_are_named(tmp_path: Path) -> None:
    language = write_language_model(toy("llama_vid/toy-stage1"), tmp_path / "vicuna")
    with pytest.raises(InputError, match="--qformer"):
        make_start("llama_vid", language, tmp_path / "out", vision_tower=tmp_path / "eva.pth")
    with pytest.raises(InputError, match="did you mean 'llavolta'"):
        make_start("llavota", language, tmp_path / "out", vision_tower=tmp_path)
