"""Checkpoints there and back, in every form LLaVA weights are found."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="the baselines extra (torch) is not installed")
pytest.importorskip("transformers", reason="the baselines extra (transformers) is not installed")

from safetensors.torch import load_file, save_file
from transformers import CLIPVisionConfig, CLIPVisionModel, LlavaForConditionalGeneration

from baselines.llavolta.config import LlavoltaConfig
from baselines.llavolta.convert import convert, expected_shapes, main, read_checkpoint
from baselines.llavolta.layouts import LAYOUTS, canonical_name, guess_layout, stored_name
from baselines.llavolta.model import LlavoltaForConditionalGeneration
from baselines.llavolta.setting import Compression
from baselines.llavolta.settings_files import config_from_official
from baselines.llavolta.toy import toy_config, write_toy_release
from vdc.errors import InputError


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    config = toy_config(compression=Compression(2, 8))
    return write_toy_release(tmp_path_factory.mktemp("release") / "official", config=config)


def tensors_of(folder: Path) -> dict[str, Any]:
    return {key: tensor for file in sorted(folder.glob("*.safetensors")) for key, tensor in load_file(file).items()}


def same(left: dict[str, Any], right: dict[str, Any]) -> bool:
    return left.keys() == right.keys() and all(torch.equal(left[key], right[key]) for key in left)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_weights_settings_and_tokenizer_survive_a_round_trip(release: Path, tmp_path: Path, layout: str) -> None:
    there = convert(release, tmp_path / "there", layout=layout)
    back = convert(there, tmp_path / "back", layout="official")
    assert same(tensors_of(release), tensors_of(back))
    assert (back / "tokenizer.json").read_bytes() == (release / "tokenizer.json").read_bytes()
    if layout != "llava":  # which knows no compressor
        assert json.loads((back / "config.json").read_text()) == json.loads((release / "config.json").read_text())


def test_native_loads_with_the_compressor_it_was_saved_with(release: Path, tmp_path: Path) -> None:
    model, report = LlavoltaForConditionalGeneration.from_pretrained(
        convert(release, tmp_path / "native"), output_loading_info=True
    )
    assert not any(report[kind] for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    assert model.config.compression == Compression(2, 8)


def test_transformers_own_class_reads_the_llava_layout(release: Path, tmp_path: Path) -> None:
    _, report = LlavaForConditionalGeneration.from_pretrained(
        convert(release, tmp_path / "llava", layout="llava"), output_loading_info=True
    )
    assert not any(report[kind] for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"))


def test_shards_give_the_same(release: Path, tmp_path: Path) -> None:
    there = convert(release, tmp_path / "shards", max_shard_bytes=50_000)
    assert len(list(there.glob("model-*.safetensors"))) > 1
    assert same(tensors_of(release), tensors_of(convert(there, tmp_path / "back", layout="official")))


def test_dtype_casts_every_weight(release: Path, tmp_path: Path) -> None:
    written = tensors_of(convert(release, tmp_path / "half", dtype=torch.bfloat16))
    assert {tensor.dtype for tensor in written.values()} == {torch.bfloat16}


def bin_folder(release: Path, folder: Path, *, tower: bool = True, shards: int = 2) -> Path:
    """The release as LLaVA-1.5 was published: torch archives with an index."""
    folder.mkdir()
    kept = {key: value for key, value in tensors_of(release).items() if tower or "vision_tower" not in key}
    keys, weight_map = sorted(kept), {}
    for number in range(shards):
        name = f"pytorch_model-{number + 1:05d}-of-{shards:05d}.bin"
        part = {key: kept[key] for key in keys[number::shards]}
        torch.save(part, folder / name)
        weight_map |= dict.fromkeys(part, name)
    (folder / "pytorch_model.bin.index.json").write_text(json.dumps({"weight_map": weight_map}))
    shutil.copyfile(release / "config.json", folder / "config.json")
    return folder


def test_torch_archives_give_the_same_as_safetensors(release: Path, tmp_path: Path) -> None:
    written = convert(bin_folder(release, tmp_path / "bin"), tmp_path / "back", layout="official")
    assert same(tensors_of(release), tensors_of(written))


class Payload:
    def __reduce__(self) -> Any:
        return (print, ("this must not run",))


def test_archive_with_anything_but_tensors_is_refused_and_not_run(
    release: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "bad"
    folder.mkdir()
    torch.save({"model.mm_projector.0.weight": Payload()}, folder / "pytorch_model.bin")
    shutil.copyfile(release / "config.json", folder / "config.json")
    with pytest.raises(InputError, match="torch archive"):
        convert(folder, tmp_path / "out")
    assert "must not run" not in capsys.readouterr().out


@pytest.mark.parametrize("prefix", ["", "vision_model."], ids=["transformers 5", "transformers 4"])
def test_checkpoint_without_tower_takes_it_from_clip(release: Path, tmp_path: Path, prefix: str) -> None:
    bare = bin_folder(release, tmp_path / "bare", tower=False)
    with pytest.raises(InputError, match="without its vision tower"):
        convert(bare, tmp_path / "no")
    mark = "model.vision_tower.vision_tower.vision_model."
    whole = tensors_of(release)
    tower = {prefix + key.removeprefix(mark): tensor for key, tensor in whole.items() if key.startswith(mark)}
    clip = tmp_path / "clip"
    clip.mkdir()
    extra = {"text_model.embeddings.position_ids": torch.arange(3), "logit_scale": torch.ones(1)}
    save_file(tower | extra, clip / "model.safetensors")
    settings = json.loads((release / "config.json").read_text())["vision_config"]
    (clip / "config.json").write_text(json.dumps({"model_type": "clip", "vision_config": settings}))
    written = convert(bare, tmp_path / "whole", layout="official", vision_tower=clip)
    assert same(whole, tensors_of(written))
    again = convert(written, tmp_path / "bare again", layout="official", without_tower=True)
    assert not [key for key in tensors_of(again) if "vision" in key]


def test_language_model_and_projector_file_make_a_whole_model(release: Path, tmp_path: Path) -> None:
    whole = tensors_of(release)
    projector = {key: tensor for key, tensor in whole.items() if "mm_projector" in key}
    torch.save({f"base_model.{key}": tensor + 1 for key, tensor in projector.items()}, tmp_path / "mm_projector.bin")
    written = tensors_of(convert(release, tmp_path / "out", layout="official", projector=tmp_path / "mm_projector.bin"))
    for key, tensor in whole.items():
        assert torch.equal(written[key], tensor + 1 if key in projector else tensor)


@pytest.mark.parametrize("kind", ["linear", "mlp1x_gelu", "mlp3x_gelu", "identity"])
def test_every_projector_type_survives(tmp_path: Path, kind: str) -> None:
    config = toy_config()
    config.projector_type = kind
    official = write_toy_release(tmp_path / "official", config=config)
    written = convert(convert(official, tmp_path / "native"), tmp_path / "back", layout="official")
    assert same(tensors_of(official), tensors_of(written))
    assert ("model.mm_projector.weight" in tensors_of(official)) == (kind == "linear")
    if kind != "identity":
        return
    assert not [key for key in tensors_of(official) if "mm_projector" in key]


def test_missing_unexpected_and_misshapen_parameters_are_named_together(release: Path, tmp_path: Path) -> None:
    folder = tmp_path / "broken"
    folder.mkdir()
    tensors = tensors_of(release)
    del tensors["lm_head.weight"]
    tensors["model.extra.weight"] = torch.ones(2)
    tensors["model.norm.weight"] = torch.ones(3)
    save_file(tensors, folder / "model.safetensors")
    shutil.copyfile(release / "config.json", folder / "config.json")
    with pytest.raises(InputError) as caught:
        read_checkpoint(folder)
    text = str(caught.value)
    assert len(caught.value.problems) == 3
    assert all(word in text for word in ("lm_head", "extra", "(3,)"))


def test_options_of_llava_that_this_model_lacks_are_refused_together() -> None:
    table = {
        "hidden_size": 32,
        "mm_use_im_start_end": True,
        "mm_patch_merge_type": "spatial",
        "image_aspect_ratio": "anyres",
    }
    with pytest.raises(InputError) as caught:
        config_from_official(table)
    assert len(caught.value.problems) == 3


def test_sample_configuration_with_an_unread_grouping_compresses_nothing() -> None:
    table = {"hidden_size": 32, "num_attention_heads": 2, "grouping": "avgpool1d", "mm_projector_type": "mlp2x_gelu"}
    assert not config_from_official(table).compression.pools


def test_old_rope_scaling_is_read() -> None:
    table = {"hidden_size": 32, "num_attention_heads": 2, "rope_theta": 5000.0}
    table |= {"rope_scaling": {"type": "linear", "factor": 4.0}}
    rope = config_from_official(table).text_config.rope_parameters
    assert (rope["rope_theta"], rope["rope_type"], rope["factor"]) == (5000.0, "linear", 4.0)


def test_defaults_are_the_large_model() -> None:
    shapes = expected_shapes(LlavoltaConfig())
    assert shapes["vision.embeddings.position_embedding.weight"] == (577, 1024)
    assert shapes["projector.linear_1.weight"] == (4096, 1024)


def test_every_name_of_every_layout_comes_back() -> None:
    names = expected_shapes(toy_config())
    for layout in LAYOUTS:
        stored = {stored_name(name, layout) for name in names}
        assert {canonical_name(key, layout) for key in stored} == set(names)
        assert guess_layout(stored) == layout


@pytest.mark.parametrize("kind", ["empty", "missing", "other"])
def test_folder_that_is_no_checkpoint_is_refused(tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "folder"
    if kind != "missing":
        folder.mkdir()
    if kind == "other":
        CLIPVisionModel(CLIPVisionConfig(hidden_size=32, num_hidden_layers=1, num_attention_heads=2)).save_pretrained(
            folder
        )
    with pytest.raises(InputError):
        read_checkpoint(folder)


def test_command_line_writes_and_says_where(release: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(release), str(tmp_path / "out"), "--layout", "llava"]) == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / "out")
    assert main([str(release), str(tmp_path / "out")]) == 2
    assert "already there" in capsys.readouterr().err
