"""Checkpoints in every layout, there and back, and everything that can be wrong with one."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the baselines extra (torch) is not installed")
pytest.importorskip("transformers", reason="the baselines extra (transformers) is not installed")

import torch
from safetensors.torch import load_file, save_file

from baselines.auroracap.convert import convert, main, read_checkpoint
from baselines.auroracap.layouts import LAYOUTS, canonical_name, stored_name
from baselines.auroracap.load import load_model, load_processor
from baselines.auroracap.toy import toy_config, toy_model, write_toy_release
from vdc.errors import InputError


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_toy_release(tmp_path_factory.mktemp("release") / "xtuner")


def every_file(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_release_has_the_published_folders_and_key_names(release: Path) -> None:
    assert {"config.json", "model.safetensors", "visual_encoder", "projector", "tokenizer.json"} <= {
        path.name for path in release.iterdir()
    }
    assert "vision_model.pre_layrnorm.weight" in load_file(release / "visual_encoder" / "model.safetensors")
    assert set(load_file(release / "projector" / "model.safetensors")) == {
        f"model.{number}.{kind}" for number in (0, 2) for kind in ("weight", "bias")
    }
    table = json.loads((release / "config.json").read_text())
    assert table["rope_scaling"] == {"factor": 4.0, "rope_type": "linear", "type": "linear"}
    assert table["torch_dtype"] == "float32"


@pytest.mark.parametrize("layout", LAYOUTS)
def test_weights_and_settings_survive_every_layout(release: Path, tmp_path: Path, layout: str) -> None:
    there = convert(release, tmp_path / "there", layout=layout)
    assert read_checkpoint(there).layout == layout
    back = convert(there, tmp_path / "back", layout="xtuner")
    original, returned = every_file(release), every_file(back)
    assert original.keys() == returned.keys()
    for name in original:
        if name.endswith(".safetensors"):
            before, after = load_file(release / name), load_file(back / name)
            assert before.keys() == after.keys()
            assert all(torch.equal(before[key], after[key]) for key in before)
    for name in ("config.json", "projector/config.json", "visual_encoder/config.json", "tokenizer.json"):
        assert json.loads(original[name]) == json.loads(returned[name])


def test_the_converted_model_is_the_model(release: Path, tmp_path: Path) -> None:
    loaded = load_model(convert(release, tmp_path / "native"))
    reference = toy_model().state_dict()
    assert all(torch.equal(tensor, reference[key]) for key, tensor in loaded.state_dict().items())
    assert load_processor(tmp_path / "native").image_processor.spec.size == 56


def test_transformers_own_llava_reads_the_llava_layout(release: Path, tmp_path: Path) -> None:
    from transformers import LlavaForConditionalGeneration

    folder = convert(release, tmp_path / "llava", layout="llava")
    _, report = LlavaForConditionalGeneration.from_pretrained(folder, output_loading_info=True)
    assert not report["missing_keys"]
    assert not report["unexpected_keys"]


def test_shards_and_dtypes_are_as_asked(release: Path, tmp_path: Path) -> None:
    folder = convert(release, tmp_path / "small", dtype=torch.float16, max_shard_bytes=50_000)
    index = json.loads((folder / "model.safetensors.index.json").read_text())
    assert len(set(index["weight_map"].values())) > 2
    dtypes = {tensor.dtype for path in folder.glob("*.safetensors") for tensor in load_file(path).values()}
    assert dtypes == {torch.float16}
    assert {tensor.dtype for tensor in load_model(folder).state_dict().values()} == {torch.float16}


def test_deeper_projectors_convert_and_left_overs_of_old_files_are_ignored(tmp_path: Path) -> None:
    config = toy_config()
    config.projector_depth = 3
    release = write_toy_release(tmp_path / "deep", config=config)
    tower = release / "visual_encoder" / "model.safetensors"
    save_file(
        load_file(tower) | {"pos_emb": torch.zeros(3), "vision_model.embeddings.position_ids": torch.zeros(3)}, tower
    )
    assert sorted(load_file(release / "projector" / "model.safetensors"))[-1] == "model.4.weight"
    assert load_model(convert(release, tmp_path / "native")).config.projector_depth == 3


@pytest.mark.parametrize("layout", LAYOUTS)
def test_names_map_there_and_back(layout: str) -> None:
    for name in (
        "vision.encoder.layers.1.mlp.fc1.bias",
        "projector.linear_2.weight",
        "llm.model.norm.weight",
        "llm.lm_head.weight",
    ):
        stored = stored_name(name, layout)  # type: ignore[arg-type]
        assert canonical_name(stored, layout, name.partition(".")[0]) == name  # type: ignore[arg-type]


def damaged(release: Path, target: Path, damage: Callable[[Path], None]) -> Path:
    convert(release, target, layout="xtuner", max_shard_bytes=40_000)
    damage(target)
    return target


def drop(name: str) -> Callable[[Path], None]:
    return lambda folder: next(folder.glob(name)).unlink()


def rewrite(name: str, change: Callable[[dict[str, torch.Tensor]], object]) -> Callable[[Path], None]:
    def run(folder: Path) -> None:
        tensors = load_file(folder / name)
        change(tensors)
        save_file(tensors, folder / name)

    return run


def break_index(folder: Path) -> None:
    index = folder / "model.safetensors.index.json"
    table = json.loads(index.read_text())
    table["weight_map"]["model.extra"] = next(iter(table["weight_map"].values()))
    index.write_text(json.dumps(table))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        pytest.param(drop("model-00001-of-*.safetensors"), "no shard model-00001-of-", id="missing-shard"),
        pytest.param(drop("projector/model.safetensors"), "no model.safetensors", id="missing-projector"),
        pytest.param(drop("projector/config.json"), "no file", id="missing-settings"),
        pytest.param(
            lambda folder: (folder / "projector" / "model.safetensors").write_bytes(b"short"),
            "broken shard", id="broken",
        ),
        pytest.param(lambda folder: (folder / "config.json").write_text("{"), "not JSON", id="broken-json"),
        pytest.param(break_index, "no tensor model.extra", id="index-promises-more"),
        pytest.param(
            rewrite("projector/model.safetensors", lambda t: t.pop("model.0.bias")),
            "no parameter projector.linear_1.bias", id="missing-key",
        ),
        pytest.param(
            rewrite("projector/model.safetensors", lambda t: t.update({"model.9.gate": torch.zeros(2)})),
            "unexpected parameter projector.9.gate", id="unexpected-key",
        ),
        pytest.param(
            rewrite("projector/model.safetensors", lambda t: t.update({"model.0.bias": torch.zeros(5)})),
            "projector.linear_1.bias of shape", id="other-shape",
        ),
    ],
)  # fmt: skip
def test_damage_is_named(release: Path, tmp_path: Path, damage: Callable[[Path], None], message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_checkpoint(damaged(release, tmp_path / "damaged", damage))


def test_every_wrong_key_is_listed_at_once(release: Path, tmp_path: Path) -> None:
    folder = damaged(
        release,
        tmp_path / "damaged",
        rewrite("projector/model.safetensors", lambda t: (t.pop("model.0.bias"), t.update(stray=torch.zeros(1)))),
    )
    with pytest.raises(InputError) as caught:
        read_checkpoint(folder)
    assert len(caught.value.problems) == 2


def test_wrong_folders_are_refused(release: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.txt").write_text("x")
    for folder, message in ((tmp_path / "absent", "no folder"), (tmp_path / "other", "notes.txt")):
        with pytest.raises(InputError, match=message):
            read_checkpoint(folder)
    with pytest.raises(InputError, match="without a projector"):
        read_checkpoint(release / "visual_encoder")
    with pytest.raises(InputError, match="already there"):
        convert(release, tmp_path / "other")
    with pytest.raises(InputError, match="checkpoint layout"):
        convert(release, tmp_path / "new", layout="hugginface")
    with pytest.raises(InputError, match="convert"):
        load_model(release)


def test_overwriting_leaves_no_file_of_the_earlier_checkpoint_and_never_the_source(
    release: Path, tmp_path: Path
) -> None:
    folder = convert(release, tmp_path / "native", max_shard_bytes=50_000)
    convert(release, folder, overwrite=True)
    assert [path.name for path in folder.glob("*.safetensors*")] == ["model.safetensors"]
    with pytest.raises(InputError, match="two folders"):
        convert(folder, folder, overwrite=True)


def test_the_command_line_converts_and_reports(
    release: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(release), str(tmp_path / "native")]) == 0
    assert main([str(tmp_path / "absent"), str(tmp_path / "x")]) == 2
    captured = capsys.readouterr()
    assert captured.out.strip() == str(tmp_path / "native")
    assert "found no folder" in captured.err
