"""The parity command: on the published golden files, on a folder made here, and on folders with something wrong."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch", reason="the baselines extra (torch) is not installed")
pytest.importorskip("transformers", reason="the baselines extra (transformers) is not installed")

import torch
import typer
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner

from baselines.auroracap.toy import toy_config, toy_model, write_toy_release
from baselines.cli.parity import parity
from baselines.parity.models import check_parity
from baselines.parity.report import Item, ParityReport
from baselines.token_reduction import match_tokens, merge_weighted
from vdc.errors import InputError

TOLERANCE = {"atol": 2e-5, "rtol": 1e-4, "size": "exact", "generated_ids": "exact"}


@pytest.fixture(scope="module")
def small_golden(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of the published format with other shapes: pictures of 84 pixels, text wider than vision."""
    folder = tmp_path_factory.mktemp("golden") / "set"
    folder.mkdir()
    config = toy_config(image_size=84, layers=3, width=48)
    config.text_config.update({"hidden_size": 64, "intermediate_size": 96, "num_attention_heads": 2})
    config.text_config.update({"num_key_value_heads": 1, "head_dim": 32})
    write_toy_release(folder / "released", config=config, seed=5)
    for name in ("tokenizer.json", "tokenizer_config.json", "generation_config.json"):
        (folder / "released" / name).unlink(missing_ok=True)
    model = toy_model(config, seed=5)
    generator = torch.Generator().manual_seed(9)
    pixels = torch.randn(2, 3, 84, 84, generator=generator)
    files: dict[str, dict[str, Any]] = {}

    vision: dict[str, torch.Tensor] = {"pixel_values": pixels}
    ratios = []
    with torch.no_grad():
        tower = model.model.vision_tower
        for ratio in (1.0, 0.6, 0.25):
            states = tower.states(pixels, ratio, every_state=True)
            vision[f"ratio{ratio}.feature"] = tower.features(pixels, ratio).clone()
            vision[f"ratio{ratio}.size_final"] = states.sizes[-1]
            lengths = [state.shape[1] for state in states.hidden_states]
            ratios.append({"ratio": ratio, "r": tower.merges(84, 84, ratio), "tokens": lengths})
        save_file(vision, folder / "vision.safetensors")
        files["vision.safetensors"] = {"ratios": ratios, "tolerance": TOLERANCE}

        ids = torch.tensor([[1, 70, -200, 35, -200, 71]])
        made = model.generate(
            ids, pixel_values=pixels[None], token_kept_ratio=0.6, max_new_tokens=5, do_sample=False, slow_fast=False
        )
        spliced = model.splice_inputs(ids, pixels[None], token_kept_ratio=0.6, slow_fast=False)
        full = {
            "pixel_values": pixels[None].clone(),
            "input_ids": ids,
            "ratio0.6.inputs_embeds": spliced.inputs_embeds,
            "ratio0.6.generated_ids": made[:, ids.shape[1] :].clone(),
        }
        save_file(full, folder / "full_inference.safetensors")
        case = {"ratio": 0.6, "seq_len": spliced.inputs_embeds.shape[1], "attention_mask": None}
        files["full_inference.safetensors"] = {"frames": 2, "cases": [case], "tolerance": TOLERANCE}

        # Neither ratio nor frames stand in the description: they must follow from the length.
        short = model.splice_inputs(ids, pixels[None, :1], token_kept_ratio=0.6, slow_fast=False)
        missing = {"input_ids": ids, "inputs_embeds": short.inputs_embeds}
        save_file(missing, folder / "full_missing_frames.safetensors")
        files["full_missing_frames.safetensors"] = {"what": "a surplus placeholder", "tolerance": TOLERANCE}

    metric, x = torch.randn(1, 11, 4, generator=generator), torch.randn(1, 11, 3, generator=generator)
    first, sizes = merge_weighted(x, None, match_tokens(metric, 2))
    save_file({"seq.x0": x, "seq.metric0": metric, "seq.x1": first, "seq.size1": sizes}, folder / "tome.safetensors")
    files["tome.safetensors"] = {"cases": [], "tolerance": {"atol": 1e-6, "rtol": 1e-5}}

    (folder / "frames.json").write_text(json.dumps([{"total_frames": 10, "num_frames": 4, "indices": [0, 3, 6, 9]}]))
    files["frames.json"] = {"tolerance": "exact"}
    for path in sorted((folder / "released").rglob("*")):
        if path.is_file():
            files[path.relative_to(folder).as_posix()] = {"what": "checkpoint"}
    (folder / "MANIFEST.json").write_text(json.dumps({"format_version": 1, "files": files}))
    return folder


def copy(folder: Path, target: Path) -> Path:
    shutil.copytree(folder, target)
    return target


def wrong(report: ParityReport) -> list[Item]:
    return [item for item in report.items if item.status in ("fail", "unchecked")]


def test_a_folder_of_other_shapes_passes_whole(small_golden: Path) -> None:
    report = check_parity("auroracap", small_golden)
    assert wrong(report) == []
    assert report.passed
    assert {item.file for item in report.items} >= {"vision.safetensors", "released/model.safetensors", "frames.json"}


@pytest.mark.parametrize(
    ("file", "tensor", "change"),
    [
        ("vision.safetensors", "ratio0.25.feature", 1e-2),
        ("full_inference.safetensors", "ratio0.6.generated_ids", 1),
        ("full_missing_frames.safetensors", "inputs_embeds", 1e-2),
        ("tome.safetensors", "seq.x1", 1e-3),
    ],
)
def test_a_difference_beyond_tolerance_fails_that_item_alone(
    small_golden: Path, tmp_path: Path, file: str, tensor: str, change: float
) -> None:
    folder = copy(small_golden, tmp_path / "set")
    tensors = load_file(folder / file)
    tensors[tensor].view(-1)[3] += change
    save_file(tensors, folder / file)
    found = wrong(check_parity("auroracap", folder))
    assert [(item.file, item.name, item.status) for item in found] == [(file, tensor, "fail")]
    assert found[0].difference == pytest.approx(change, rel=0.05)


def test_nothing_is_passed_over_in_silence(small_golden: Path, tmp_path: Path) -> None:
    folder = copy(small_golden, tmp_path / "set")
    vision = load_file(folder / "vision.safetensors")
    save_file(vision | {"ratio0.6.attention_map": torch.zeros(2)}, folder / "vision.safetensors")
    save_file({"x": torch.zeros(1)}, folder / "temporal.safetensors")
    save_file({"x": torch.zeros(1)}, folder / "stray.safetensors")
    manifest = json.loads((folder / "MANIFEST.json").read_text())
    manifest["files"]["temporal.safetensors"] = {}
    manifest["files"]["vision.safetensors"]["ratios"][0]["entropy"] = 1.0
    (folder / "MANIFEST.json").write_text(json.dumps(manifest))
    report = check_parity("auroracap", folder)
    assert not report.passed
    assert sorted((item.file, item.name) for item in wrong(report)) == [
        ("stray.safetensors", ""),
        ("temporal.safetensors", ""),
        ("vision.safetensors", "ratio0.6.attention_map"),
        ("vision.safetensors", "ratio1.0 entropy"),
    ]


def test_changed_weights_and_hashes_are_found(small_golden: Path, tmp_path: Path) -> None:
    folder = copy(small_golden, tmp_path / "set")
    manifest = json.loads((folder / "MANIFEST.json").read_text())
    manifest["files"]["frames.json"] |= {"sha256": "0" * 64, "bytes": 1}
    manifest["files"]["tome.safetensors"]["tensors"] = {"seq.x0": [[1, 1], "float32"]}
    (folder / "MANIFEST.json").write_text(json.dumps(manifest))
    (folder / "released" / "projector" / "model.safetensors").unlink()
    report = check_parity("auroracap", folder)
    names = {(item.file, item.name) for item in wrong(report)}
    assert {("frames.json", "sha256"), ("frames.json", "bytes"), ("tome.safetensors", "tensor shapes")} <= names
    assert "released" in {file for file, _ in names}
    assert any("no model.safetensors" in item.reason for item in wrong(report))


def test_the_published_golden_files_pass(auroracap_golden: Path) -> None:
    report = check_parity("auroracap", auroracap_golden)
    assert wrong(report) == []
    assert report.count("pass") > 300
    assert {item.name.split()[-1] for item in report.items if item.status == "not covered"} <= {
        "ratio_left_in_encoder_after_call", "1.0", "0.8", "0.5", "0.2", "0.1", "0.0",
    }  # fmt: skip
    assert all(item.reason for item in report.items if item.status == "not covered")


@pytest.fixture
def command() -> typer.Typer:
    app = typer.Typer()
    app.command()(parity)
    return app


def test_the_command_prints_a_table_or_json_and_its_exit_code_tells(
    small_golden: Path, tmp_path: Path, command: typer.Typer
) -> None:
    runner = CliRunner()
    text = runner.invoke(command, ["auroracap", str(small_golden)])
    assert text.exit_code == 0
    assert re.search(r"^pass +\S+ +2e-05 \+ 0.0001\*\|x\| +vision.safetensors: ratio0.6.feature$", text.stdout, re.M)
    assert " 0 fail, 0 not covered, 0 unchecked" in text.stdout
    folder = copy(small_golden, tmp_path / "set")
    (folder / "frames.json").write_text(json.dumps([{"total_frames": 10, "num_frames": 4, "indices": [0, 3, 6, 8]}]))
    broken = runner.invoke(command, ["auroracap", str(folder), "--json"])
    assert broken.exit_code == 1
    table = json.loads(broken.stdout)
    assert (table["passed"], table["counts"]["fail"]) == (False, 1)
    assert [item["file"] for item in table["items"] if item["status"] == "fail"] == ["frames.json"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no folder"),
        ({}, "no MANIFEST.json"),
        ({"MANIFEST.json": "[]"}, "JSON list"),
        ({"MANIFEST.json": "{}"}, "table of files"),
    ],
    ids=["absent", "empty", "no-object", "no-files"],
)
def test_folders_without_a_manifest_are_refused(tmp_path: Path, content: dict[str, str] | None, message: str) -> None:
    folder = tmp_path / "golden"
    if content is not None:
        folder.mkdir()
        for name, text in content.items():
            (folder / name).write_text(text)
    with pytest.raises(InputError, match=message):
        check_parity("auroracap", folder)


def test_unknown_models_are_refused_with_the_closest_name(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="did you mean 'auroracap'"):
        check_parity("auroracapp", tmp_path)


def test_a_report_that_compared_nothing_does_not_pass() -> None:
    assert not ParityReport("m", "f", ()).passed
    infinite = ParityReport("m", "f", (Item("a", "b", "fail", float("inf")),)).to_dict()
    assert json.loads(json.dumps(infinite, allow_nan=False))["items"][0]["difference"] == "inf"
