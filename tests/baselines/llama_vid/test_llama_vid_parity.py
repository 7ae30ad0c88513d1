"""The golden files of the published code, and that a wrong model does not pass them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the baselines extra (torch) is not installed")
pytest.importorskip("transformers", reason="the baselines extra (transformers) is not installed")

from safetensors.torch import load_file, save_file

from baselines.parity.models import check_parity


def test_every_golden_of_the_published_code_is_met(llama_vid_golden: Path) -> None:
    report = check_parity("llama_vid", llama_vid_golden)
    assert [item for item in report.items if item.status in ("fail", "unchecked")] == []
    assert report.passed
    assert {item.file for item in report.items if item.status == "not covered"} == {
        "length_grouping.json",
        "eval_scoring.json",
    }


@pytest.fixture
def copy(llama_vid_golden: Path, tmp_path: Path) -> Path:
    """A golden folder to break, with its smaller files alone."""
    shutil.copytree(llama_vid_golden, tmp_path / "golden")
    return tmp_path / "golden"


def keep(folder: Path, *names: str) -> dict[str, object]:
    """Leave those files and what every check needs; returns the manifest."""
    needed = {"model.safetensors", "config.json", "bert_vocab.txt", "llama_tokenizer/", *names}
    manifest = json.loads((folder / "manifest.json").read_text())
    for name in set(manifest["files"]) - needed:
        (folder / name).unlink()
        del manifest["files"][name]
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return manifest


@pytest.mark.parametrize(
    "part", ["model.vlm_att_key_projector.weight", "model.vlm_att_query", "model.mm_projector.0.bias"]
)
def test_another_weight_fails(copy: Path, part: str) -> None:
    keep(copy, "splice_image_infer_grid2.safetensors")
    tensors = load_file(copy / "model.safetensors")
    tensors[part] = tensors[part].roll(1, dims=-1)  # scaling alone would vanish in a norm
    save_file(tensors, copy / "model.safetensors")
    failed = {(item.file, item.name) for item in check_parity("llama_vid", copy).items if item.status == "fail"}
    assert ("splice_image_infer_grid2.safetensors", "output.inputs_embeds (real positions)") in failed


def test_fields_and_tensors_that_no_check_knows_are_unchecked(copy: Path) -> None:
    manifest = keep(copy, "qformer.safetensors")
    manifest["files"]["qformer.safetensors"]["novel"] = 1  # type: ignore[index]
    (copy / "manifest.json").write_text(json.dumps(manifest))
    tensors = load_file(copy / "qformer.safetensors")
    tensors["output.novel"] = tensors["output.embeddings"].clone()
    save_file(tensors, copy / "qformer.safetensors")
    (copy / "stray.bin").write_bytes(b"")
    unchecked = {item.name or item.file for item in check_parity("llama_vid", copy).items if item.status == "unchecked"}
    assert unchecked == {"novel", "output.novel", "stray.bin"}
