"""A golden folder of LLaMA-VID with other shapes, seeds and file lists is checked whole, and can fail.

Recorded from this project's own model, as the published code cannot run here: what is tested is that the checks take
everything from the folder and overlook nothing.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="the baselines extra (torch) is not installed")
pytest.importorskip("transformers", reason="the baselines extra (transformers) is not installed")

from safetensors.torch import save_file

from baselines.common.torch_files import read_weights
from baselines.llama_vid.tokenizer import encode_questions, question_tokenizer
from baselines.llama_vid.toy import TOY_WORDS, toy_config, toy_model, write_toy
from baselines.parity.models import check_parity
from baselines.parity.report import ParityReport

QUESTIONS = [["who opens the red box", "why"], ["where is it now"]]


@dataclass
class Writer:
    """Collects files in the format of the published golden folder."""

    folder: Path
    files: dict[str, dict[str, Any]] = field(default_factory=dict)

    def tensors(self, name: str, tensors: dict[str, Any], **entry: Any) -> None:
        save_file({key: tensor.contiguous() for key, tensor in tensors.items()}, self.folder / name)
        listed = {key: ["float32", list(tensor.shape)] for key, tensor in tensors.items()}
        self.files[name] = {"meaning": "recorded for a test", "tensors": listed, **entry}

    def close(self) -> Path:
        manifest = {"set": "other", "seed": 7, "tool": "a test", "files": self.files}
        (self.folder / "manifest.json").write_text(json.dumps(manifest))
        return self.folder


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Width 48, 36 patches a picture; no tokenizer of the language model, and but one table."""
    work = tmp_path_factory.mktemp("foreign")
    writer = Writer(work / "golden")
    writer.folder.mkdir()
    config = toy_config(image_size=84, width=48)
    official = write_toy(work / "official", config=config, seed=21, layout="official")
    weights = {name: stored.load() for name, stored in read_weights(official).items()}
    writer.tensors("model.safetensors", weights)
    shutil.copyfile(official / "config.json", writer.folder / "config.json")
    (writer.folder / "other_vocab.txt").write_text("\n".join(TOY_WORDS) + "\n")
    writer.files |= {"config.json": {"meaning": "settings"}, "other_vocab.txt": {"meaning": "words"}}
    model = toy_model(config, seed=21)
    with torch.no_grad():
        _parts(writer, model)
    for name, compress_type in (("splice_pictures_b", "grid:2"), ("train_batch_b", "mean")):
        _whole(writer, model, name, compress_type)
    frames = [{"avg_fps": 24.0, "num_frames": 50, "target_fps": 2, "stride": 12, "indices": [0, 12, 24, 36, 48]}]
    (writer.folder / "frame_sampling_b.json").write_text(json.dumps([case | {"error": None} for case in frames]))
    writer.files["frame_sampling_b.json"] = {"meaning": "frames"}
    return writer.close()


def _questions(rows: list[list[str]]) -> tuple[Any, Any]:
    """Ids and mask, (rows, most questions, ids)."""
    ids, mask = (
        torch.tensor(made)
        for made in encode_questions(question_tokenizer(TOY_WORDS), [one for row in rows for one in row])
    )
    most, width = max(len(row) for row in rows), ids.shape[1]
    all_ids, all_masks = torch.zeros(len(rows), most, width).long(), torch.zeros(len(rows), most, width).long()
    start = 0
    for number, row in enumerate(rows):
        all_ids[number, : len(row)] = ids[start : start + len(row)]
        all_masks[number, : len(row)] = mask[start : start + len(row)]
        start += len(row)
    return all_ids, all_masks


def _parts(writer: Writer, model: Any) -> None:
    features = torch.randn(5, 37, 48, generator=torch.Generator().manual_seed(2))
    ids, masks = _questions(QUESTIONS)
    samples = list(features.split([3, 2]))
    tensors = {"input.video_features": features}
    for compress_type in ("mean", "grid:3"):
        model.config.compress_type = compress_type
        made = model.model.visual_tokens(samples, [ids[0, :2], ids[1, :1]], [masks[0, :2], masks[1, :1]])
        for number, tokens in enumerate(made):
            tensors[f"output.{compress_type.replace(':', '_')}.video{number}"] = tokens
    entry = {"prompts_video": QUESTIONS, "image_counts": [3, 2], "compress_types": ["mean", "grid:3"]}
    writer.tensors("context_attention_b.safetensors", tensors, atol=5e-5, rtol=1e-4, **entry)
    long = torch.randn(67, 16, 48, generator=torch.Generator().manual_seed(4))
    model.config.compress_type = "mean"
    tokens = model.model.visual_tokens([long], [ids[1, :1]], [masks[1, :1]])[0]
    writer.tensors(
        "context_attention_long_b.safetensors",
        {"input.frame_features": long, "output.tokens": tokens},
        prompts=[QUESTIONS[1]],
        compress_type="mean",
        atol=5e-5,
    )


def _whole(writer: Writer, model: Any, name: str, compress_type: str) -> None:
    model.config.compress_type = compress_type
    ids = torch.tensor([[1, 40, -200, 41, 42, 43], [1, -200, 50, 51, 0, 0]])
    mask = torch.tensor([[1] * 6, [1] * 4 + [0] * 2])
    pixels = torch.randn(2, 3, 84, 84, generator=torch.Generator().manual_seed(6))
    rows = [["who opens the red box"], ["where is it now"]]
    question_ids, question_mask = _questions(rows)
    inputs = {"input_ids": ids, "attention_mask": mask, "pixel_values": pixels}
    inputs |= {"question_ids": question_ids, "question_mask": question_mask}
    tensors = {"input.input_ids": ids, "input.attention_mask": mask, "input.images": pixels}
    entry: dict[str, Any] = {"compress_type": compress_type, "prompts": rows, "atol": 2e-4, "rtol": 1e-3}
    if name.startswith("train"):
        inputs["labels"] = tensors["input.labels"] = ids.masked_fill((ids == -200) | (mask == 0), -100)
    model.zero_grad()
    output, spliced = model(**inputs), model.splice_inputs(**inputs)
    tensors |= {"output.inputs_embeds": spliced.inputs_embeds, "output.logits": output.logits[:, -4:]}
    entry["logits"] = "last 4 positions only"
    if name.startswith("train"):
        output.loss.backward()
        gradient = model.get_parameter("model.query_tokens").grad
        tensors |= {"output.loss": output.loss.reshape(1), "output.labels": spliced.labels}
        tensors["grad.model.vlm_att_query"] = gradient.clone()
        entry |= {"loss": output.loss.item(), "grad_norms": {"model.vlm_att_query": gradient.norm().item()}}
    writer.tensors(f"{name}.safetensors", {key: tensor.detach() for key, tensor in tensors.items()}, **entry)


def edit(foreign: Path, target: Path, change: Callable[[Path, dict[str, Any]], None]) -> ParityReport:
    """Copy the folder, change it, and check it."""
    shutil.copytree(foreign, target)
    manifest = json.loads((target / "manifest.json").read_text())
    change(target, manifest)
    (target / "manifest.json").write_text(json.dumps(manifest))
    return check_parity("llama_vid", target)


def found(report: ParityReport, status: str) -> set[tuple[str, str]]:
    return {(item.file, item.name.removesuffix(" (real positions)")) for item in report.items if item.status == status}


def test_folder_of_other_shapes_names_and_files_passes_whole(foreign: Path) -> None:
    report = check_parity("llama_vid", foreign)
    assert report.passed, report.to_text()
    assert report.count("not covered") == 0


def test_one_changed_number_in_any_output_fails_that_item(foreign: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file

    changed = set()

    def change(folder: Path, manifest: dict[str, Any]) -> None:
        for name, entry in manifest["files"].items():
            if "tensors" not in entry or name == "model.safetensors":
                continue
            tensors = load_file(folder / name)
            for key in [key for key in tensors if not key.startswith("input.")]:
                flat = tensors[key].view(-1)
                flat[0] += 0.05 if tensors[key].is_floating_point() else 1
                changed.add((name, key))
            save_file(tensors, folder / name)
        manifest["files"]["train_batch_b.safetensors"]["loss"] += 0.05

    report = edit(foreign, tmp_path / "changed", change)
    assert len(changed) >= 11
    assert changed | {("train_batch_b.safetensors", "loss")} <= found(report, "fail")


def test_changed_counts_and_norms_fail(foreign: Path, tmp_path: Path) -> None:
    def change(folder: Path, manifest: dict[str, Any]) -> None:
        manifest["files"]["train_batch_b.safetensors"]["grad_norms"]["model.vlm_att_query"] *= 1.1
        frames = json.loads((folder / "frame_sampling_b.json").read_text())
        frames[0]["indices"][2] += 1
        (folder / "frame_sampling_b.json").write_text(json.dumps(frames))

    failed = found(edit(foreign, tmp_path / "changed", change), "fail")
    assert {file for file, _ in failed} == {"train_batch_b.safetensors", "frame_sampling_b.json"}


def test_what_no_check_knows_is_left_unchecked_and_fails_the_run(foreign: Path, tmp_path: Path) -> None:
    def change(folder: Path, manifest: dict[str, Any]) -> None:
        manifest["new_probes"] = {"a": 1}
        manifest["files"]["train_batch_b.safetensors"]["accuracy"] = 0.5
        manifest["files"]["novel.json"] = {"meaning": "a kind nobody knows"}
        (folder / "novel.json").write_text("{}")

    report = edit(foreign, tmp_path / "changed", change)
    expected = {("manifest.json", "new_probes"), ("train_batch_b.safetensors", "accuracy"), ("novel.json", "")}
    assert found(report, "unchecked") == expected
    assert not report.passed


@pytest.mark.parametrize("name", ["context_attention_b.safetensors", "model.safetensors", "other_vocab.txt"])
def test_a_missing_file_fails_with_a_reason(foreign: Path, tmp_path: Path, name: str) -> None:
    report = edit(foreign, tmp_path / "changed", lambda folder, _: (folder / name).unlink())
    assert any(item.file == name and "no file" in item.reason for item in report.items if item.status == "fail")
    assert not report.passed
