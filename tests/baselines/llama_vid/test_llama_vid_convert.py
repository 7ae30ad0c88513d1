"""Checkpoints in every form, there and back, and everything that can be wrong with one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="the baselines extra (torch) is not installed")
pytest.importorskip("transformers", reason="the baselines extra (transformers) is not installed")

import torch

from baselines.common.shards import read_folder
from baselines.common.torch_files import read_weights
from baselines.llama_vid.convert import convert, expected_shapes, main, read_checkpoint
from baselines.llama_vid.layouts import is_adapter_name, native_name, official_name
from baselines.llama_vid.model import LlamaVidForConditionalGeneration
from baselines.llama_vid.toy import TOY_WORDS, toy_config, toy_model, write_toy
from vdc.errors import InputError

HEADS = {"vision": 2, "qformer": 2}


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_toy(tmp_path_factory.mktemp("release") / "official", layout="official")


def published(release: Path) -> dict[str, torch.Tensor]:
    return {key: stored.load() for key, stored in read_weights(release).items()}


def edit_config(folder: Path, **changes: Any) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_the_release_has_the_published_names(release: Path) -> None:
    keys = set(published(release))
    assert {
        "model.vision_tower.vision_tower.blocks.0.attn.q_bias",
        "model.vlm_att_encoder.bert.encoder.layer.0.crossattention.self.query.weight",
        "model.vlm_att_encoder.bert.embeddings.LayerNorm.bias",
        "model.vlm_att_query",
        "model.vlm_att_val_projector.weight",
        "model.mm_projector.2.weight",
        "model.layers.0.self_attn.q_proj.weight",
        "lm_head.weight",
    } <= keys
    table = json.loads((release / "config.json").read_text())
    assert table["model_type"] == "llava"
    assert table["compress_type"] == "mean"


def test_every_parameter_has_one_published_name_and_gets_it_back() -> None:
    names = set(expected_shapes(toy_config()))
    assert {native_name(official_name(name)) for name in names} == names


def test_there_and_back_is_the_same(release: Path, tmp_path: Path) -> None:
    native = convert(release, tmp_path / "native")
    loaded = LlamaVidForConditionalGeneration.from_pretrained(native).state_dict()
    reference = toy_model().state_dict()
    assert loaded.keys() == reference.keys()
    assert all(torch.equal(loaded[name], reference[name]) for name in reference)
    back = convert(native, tmp_path / "back", layout="official")
    first, second = published(release), published(back)
    assert first.keys() == second.keys()
    assert all(torch.equal(first[key], second[key]) for key in first)
    assert json.loads((release / "config.json").read_text()) == json.loads((back / "config.json").read_text())


def test_shards_and_dtypes_are_as_asked(release: Path, tmp_path: Path) -> None:
    native = convert(release, tmp_path / "n", dtype=torch.float16, max_shard_bytes=50_000)
    assert {stored.dtype for stored in read_folder(native).values()} == {"F16"}
    back = convert(native, tmp_path / "o", layout="official", max_shard_bytes=50_000)
    assert len(list(back.glob("pytorch_model-*.bin"))) > 1
    assert published(back).keys() == published(release).keys()


def test_left_over_buffers_are_ignored(release: Path, tmp_path: Path) -> None:
    tensors = published(release) | {
        "model.layers.0.self_attn.rotary_emb.inv_freq": torch.ones(8),
        "model.vlm_att_encoder.bert.embeddings.position_ids": torch.arange(300)[None],
    }
    torch.save(tensors, tmp_path / "pytorch_model.bin")
    (tmp_path / "config.json").write_text((release / "config.json").read_text())
    assert read_checkpoint(tmp_path).tensors.keys() == read_checkpoint(release).tensors.keys()


def test_parts_that_were_stored_apart_make_the_same_model(release: Path, tmp_path: Path) -> None:
    tensors = published(release)
    language = {key: value for key, value in tensors.items() if native_name(key).startswith(("model.language", "lm_"))}
    prefix = "model.vision_tower.vision_tower."
    tower = {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}
    bert = "model.vlm_att_encoder.bert."
    qformer = {
        f"Qformer.bert.{key.removeprefix(bert)}": value for key, value in tensors.items() if key.startswith(bert)
    }
    qformer |= {
        "query_tokens": tensors["model.vlm_att_query"],
        "ln_vision.weight": tensors["model.vlm_att_ln.weight"],
        "ln_vision.bias": tensors["model.vlm_att_ln.bias"],
        "Qformer.cls.predictions.bias": torch.zeros(3),
        "llm_proj.weight": torch.zeros(3, 3),
    }
    rest = {key: value for key, value in tensors.items() if is_adapter_name(key) and ".bert." not in key}
    base = tmp_path / "base"
    base.mkdir()
    torch.save(language, base / "pytorch_model.bin")
    table = json.loads((release / "config.json").read_text())
    (base / "config.json").write_text(json.dumps(table | {"compress_type": None, "vdc_heads": HEADS}))
    torch.save({**tower, "norm.weight": torch.zeros(2), "head.bias": torch.zeros(2)}, tmp_path / "eva.pth")
    torch.save({"model": qformer}, tmp_path / "qformer.pth")
    adapter = tmp_path / "stage1"
    adapter.mkdir()
    torch.save(rest, adapter / "mm_projector.bin")
    (adapter / "config.json").write_text(json.dumps({"compress_type": "grid:2", "num_query": 4}))
    made = convert(
        base, tmp_path / "made", tower=tmp_path / "eva.pth", qformer=tmp_path / "qformer.pth", adapter=adapter
    )
    model = LlamaVidForConditionalGeneration.from_pretrained(made)
    assert model.config.compress_type == "grid:2"
    reference = toy_model().state_dict()
    assert all(torch.equal(tensor, reference[name]) for name, tensor in model.state_dict().items())


def test_an_adapter_holds_what_the_first_stage_trains_and_no_buffer(release: Path, tmp_path: Path) -> None:
    folder = convert(release, tmp_path / "adapter", layout="adapter")
    keys = set(torch.load(folder / "mm_projector.bin", weights_only=True))
    assert keys == {key for key in published(release) if "mm_projector" in key or "vlm_att" in key}


def test_legacy_settings_of_released_models_are_understood(release: Path, tmp_path: Path) -> None:
    torch.save(published(release), tmp_path / "pytorch_model.bin")
    table = json.loads((release / "config.json").read_text())
    del table["num_query"]
    table |= {
        "compress_type": "mean_concat",
        "num_qformer": 32,
        "fusion_type": "attention_concat_all_query",
        "cross_att_freq": 2,
        "bert_type": "qformer_pretrain_freeze",
        "max_token": 65536,
        "rope_scaling": {"type": "linear", "factor": 16.0},
        "torch_dtype": "bfloat16",
    }
    (tmp_path / "config.json").write_text(json.dumps(table))
    config = read_checkpoint(tmp_path).config
    assert config.compress_type == "mean"
    assert config.num_query == 4
    assert config.text_config.rope_parameters["factor"] == 16.0
    assert config.text_config.rope_parameters["rope_type"] == "linear"
    assert config.bert_type == "qformer_pretrain_freeze"


@pytest.mark.parametrize(("kind", "number"), [("linear", ""), ("mlp1x_gelu", "0.")])
def test_a_projector_of_one_layer_is_read_in_both_spellings_and_written_in_the_one_with_a_number(
    release: Path, tmp_path: Path, kind: str, number: str
) -> None:
    weights = published(release)
    kept = {key: value for key, value in weights.items() if "mm_projector" not in key}
    layer = {
        f"model.mm_projector.{number}{part}": weights[f"model.mm_projector.0.{part}"] for part in ("weight", "bias")
    }
    given, back = tmp_path / "given", tmp_path / "back"
    given.mkdir()
    torch.save(kept | layer, given / "pytorch_model.bin")
    (given / "config.json").write_text((release / "config.json").read_text())
    edit_config(given, mm_projector_type=kind)
    assert read_checkpoint(given).config.projector_depth == 1
    convert(given, back, layout="official")
    assert json.loads((back / "config.json").read_text())["mm_projector_type"] == "mlp1x_gelu"
    assert torch.equal(published(back)["model.mm_projector.0.weight"], layer[f"model.mm_projector.{number}weight"])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"bert_type": "raw_bert_layer:12"}, "bert_type"),
        ({"mm_projector_type": "identity"}, "mm_projector_type"),
        ({"mm_use_im_start_end": True}, "no released model uses them"),
        ({"compress_type": "grid:3"}, "grid:3"),
        ({"vdc_heads": {}}, "vdc_heads"),
        ({"intermediate_size": 99}, "of shape"),
    ],
    ids=["raw BERT", "projector", "start token", "grid", "heads", "shape"],
)
def test_settings_that_cannot_be_used_are_refused(
    release: Path, tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    torch.save(published(release), tmp_path / "pytorch_model.bin")
    (tmp_path / "config.json").write_text((release / "config.json").read_text())
    edit_config(tmp_path, **changes)
    with pytest.raises(InputError, match=message):
        read_checkpoint(tmp_path)


def test_a_missing_parameter_and_a_stranger_are_both_named(release: Path, tmp_path: Path) -> None:
    tensors = published(release)
    del tensors["model.vlm_att_ln.weight"]
    tensors["model.vlm_att_bert_proj.weight"] = torch.zeros(1)
    torch.save(tensors, tmp_path / "pytorch_model.bin")
    (tmp_path / "config.json").write_text((release / "config.json").read_text())
    with pytest.raises(InputError) as caught:
        read_checkpoint(tmp_path)
    message = str(caught.value)
    assert "no parameter model.vision_norm.weight" in message
    assert "model.vlm_att_bert_proj.weight" in message


def test_a_file_that_would_run_code_is_refused(release: Path, tmp_path: Path) -> None:
    torch.save({"model.vlm_att_query": Path("x")}, tmp_path / "pytorch_model.bin")
    (tmp_path / "config.json").write_text((release / "config.json").read_text())
    with pytest.raises(InputError, match="a file that cannot be read"):
        read_checkpoint(tmp_path)


def test_a_missing_shard_is_named(release: Path, tmp_path: Path) -> None:
    folder = convert(release, tmp_path / "o", layout="official", max_shard_bytes=50_000)
    (folder / sorted(path.name for path in folder.glob("pytorch_model-*.bin"))[1]).unlink()
    with pytest.raises(InputError, match="pytorch_model-00002"):
        read_checkpoint(folder)


def test_the_command_converts_and_refuses(release: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = tmp_path / "vocab.txt"
    words.write_text("\n".join(TOY_WORDS) + "\n")
    target = str(tmp_path / "native")
    assert main([str(release), target, "--bert-vocabulary", str(words)]) == 0
    assert (tmp_path / "native" / "question_tokenizer").is_dir()
    assert main([str(release), target]) == 2
    assert "something already there" in capsys.readouterr().err
