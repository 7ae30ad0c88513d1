"""A golden folder of other shapes, seeds, names and file lists than any at hand is checked whole, and can fail.

The published code cannot run here, so the folder is recorded from this project's own model: what is tested is that
the checks take everything from the folder and overlook nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="the baselines extra (torch) is not installed")
pytest.importorskip("transformers", reason="the baselines extra (transformers) is not installed")

from safetensors.torch import load_file, save_file

from baselines.llavolta.convert import convert
from baselines.llavolta.setting import Compression
from baselines.llavolta.toy import toy_config, toy_model
from baselines.parity.models import check_parity
from baselines.parity.report import ParityReport

SETTINGS = {"first": (1, 3), "deep": (2, 7), "before": (-1, 2), "beyond": (9, 4)}
"""Case -> layer and stride; nothing of a case's name tells them."""


@dataclass
class Writer:
    """Collects files in the format of the published golden folder."""

    folder: Path
    files: list[dict[str, Any]] = field(default_factory=list)

    def tensors(self, name: str, tensors: dict[str, Any], **inner: Any) -> None:
        save_file({key: tensor.contiguous() for key, tensor in tensors.items()}, self.folder / f"{name}.safetensors")
        listed = {key: {"shape": list(tensor.shape), "dtype": "float32"} for key, tensor in tensors.items()}
        manifest = {"file": f"{name}.safetensors", "meaning": "recorded for a test", "tensors": listed, **inner}
        (self.folder / f"{name}.manifest.json").write_text(json.dumps(manifest))
        self._list(f"{name}.safetensors", f"{name}.manifest.json")

    def json(self, name: str, content: Any) -> None:
        (self.folder / name).write_text(json.dumps(content))
        self._list(name, None)

    def close(self) -> Path:
        (self.folder / "MANIFEST.json").write_text(json.dumps({"set": "other", "seed": 99, "files": self.files}))
        return self.folder

    def _list(self, name: str, manifest: str | None) -> None:
        digest = hashlib.sha256((self.folder / name).read_bytes()).hexdigest()
        self.files.append({"file": name, "sha256": digest, "meaning": "text", "manifest": manifest})


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three layers of width 48 with one key head for three, 9 tokens a picture, 71 words; everything named anew."""
    writer = Writer(tmp_path_factory.mktemp("foreign") / "golden")
    writer.folder.mkdir()
    config = toy_config(image_size=42, layers=3, width=48, vocabulary=71)
    config.text_config.num_key_value_heads = 1
    config.projector_type = "mlp3x_gelu"
    model = toy_model(config, seed=11)
    model.config.position_rounding = "float16"
    _weights(writer, model)
    _passes(writer, model)
    _operator(writer)
    _schedules(writer)
    return writer.close()


def _weights(writer: Writer, model: Any) -> None:
    work = writer.folder.parent
    model.save_pretrained(work / "native")
    official = convert(work / "native", work / "official", layout="official")
    table = json.loads((official / "config.json").read_text())
    ours = ("grouping", "compression_", "learned_pooling", "position_rounding")
    table = {key: value for key, value in table.items() if not key.startswith(ours)}
    writer.tensors("other_model_weights_b", load_file(official / "model.safetensors"), config=table, seed=5)


def _passes(writer: Writer, model: Any) -> None:
    generator = torch.Generator().manual_seed(3)
    ids = torch.tensor([[1, 9, -200, 12, 13, 14, 15], [1, -200, 33, 34, 0, 0, 0]])
    mask = torch.tensor([[1] * 7, [1] * 4 + [0] * 3]).bool()
    labels = ids.masked_fill((ids == -200) | ~mask, -100)
    pixels = torch.randn(2, 3, 42, 42, generator=generator)
    batch = {"input_ids": ids, "attention_mask": mask, "labels": labels, "pixel_values": pixels}
    single = {key: tensor[:1] for key, tensor in batch.items()}
    prompt = {"input_ids": ids[:1], "pixel_values": pixels[:1]}
    uses = {
        "uses": "other_model_weights_b",
        "tolerance": {"logits": 1e-4, "loss": "atol: 2e-5", "position_ids": "exact"},
    }
    one, rows, made, gradients, cases, made_cases = dict(single), dict(batch), dict(prompt), {}, [], []
    for name, (layer, stride) in SETTINGS.items():
        chosen = Compression(layer, stride)
        with torch.no_grad():
            output = model(**single, compression=chosen)
            together = model(**batch, compression=chosen)
        one |= {f"{name}.logits": output.logits[:, -5:], f"{name}.loss": output.loss.reshape(1)}
        real = together.attention_mask if together.attention_mask is not None else _padded(together, mask, chosen)
        lengths = real.sum(dim=1).tolist()
        tails = [row[count - 3 : count] for row, count in zip(together.logits, lengths, strict=True)]
        rows |= {f"{name}.logits_tail": torch.stack(tails), f"{name}.loss": together.loss.reshape(1)}
        if 0 <= layer < 3:
            one[f"{name}.position_ids"] = output.position_ids
        setting = {"name": name, "layer": layer, "stride": stride, "grouping": "avgpool1d"}
        cases.append(setting | {"images_idx": [[2]], "logits_saved": "last 5", "logits_len": output.logits.shape[1]})
        new = model.generate(
            **prompt, compression=chosen, max_new_tokens=5, output_logits=True, return_dict_in_generate=True
        )
        tokens = new.sequences[:, 7:]
        made |= {f"{name}.tokens": tokens, f"{name}.scores": torch.stack(new.logits, dim=1)}
        made_cases.append(setting | {"max_new_tokens": 5})
        model.zero_grad()
        model(**batch, compression=chosen).loss.backward()
        gradients[f"{name}.grad.model.mm_projector.4.weight"] = model.get_parameter(
            "model.multi_modal_projector.linear_3.weight"
        ).grad.clone()
    model.zero_grad()
    writer.tensors("b_forward_single", one, cases=cases, **uses)
    plain = [{key: case[key] for key in ("name", "layer", "stride", "grouping")} for case in cases]
    writer.tensors("b_forward_rows", rows, cases=plain, **uses)
    writer.tensors(
        "b_generate", made, cases=made_cases, tolerance={"scores": "atol 5e-4"}, uses="other_model_weights_b"
    )
    writer.tensors(
        "b_grads",
        gradients,
        cases=plain,
        tolerance={"grad": "rtol 1e-3, atol 1e-5"},
        uses="other_model_weights_b + b_forward_rows.safetensors inputs",
    )


def _padded(output: Any, mask: Any, chosen: Compression) -> Any:
    """Real positions where nothing is compressed inside the decoder: 9 tokens, or what pooling before it left."""
    count = 9 // chosen.stride if chosen.layer < 0 else 9
    lengths = mask.sum(dim=1, keepdim=True) - 1 + count
    return torch.arange(output.logits.shape[1])[None] < lengths


def _operator(writer: Writer) -> None:
    states = torch.randn(2, 13, 5, generator=torch.Generator().manual_seed(8))
    positions = torch.arange(13)[None]
    pooled = [
        torch.cat([row[:start], row[start : start + 8].view(2, 4, 5).mean(dim=1), row[start + 8 :]])
        for row, start in zip(states, (1, 4), strict=True)
    ]
    expected = torch.tensor([[0, 2, 6, 9, 10, 11, 12], [0, 1, 2, 3, 5, 9, 12]])
    tensors = {
        "rows.hidden_in": states,
        "rows.position_ids_in": positions,
        "odd.hidden_out": torch.stack(pooled),
        "odd.position_ids_out": expected,
    }
    case = {"name": "odd", "input": "rows", "stride": 4, "visual_length": 8, "images_idx": [[1], [4]]}
    writer.tensors("compressor_op_b", tensors, cases=[case], tolerance={"hidden_out": "1e-6"})


def _schedules(writer: Writer) -> None:
    stages = [{"layer": 1, "stride": 5, "tokens_over_layers": 40 + 4 * 8, "compression_ratio": 200 / 72}]
    row = {"num_layers": 5, "visual_len": 40, "stages": stages, "mean_tokens": 72.0, "cr_of_mean_tokens": 200 / 72}
    writer.json("compression_ratio_b.json", {"rows": [row]})
    segments = [
        {"first_forward": 0, "last_forward": 4, "layer": 3, "stride": 6},
        {"first_forward": 5, "last_forward": 8, "layer": 0, "stride": 1},
    ]
    scheme = {"strides": [6, 1], "layers": [3, 0], "pivots": [4], "total_forwards": 9, "segments": segments}
    writer.json("stage_schedule_b.json", {"schemes": {"any": scheme | {"error": None}}})


def edit(foreign: Path, target: Path, change: Callable[[Path, dict[str, Any]], None]) -> ParityReport:
    """Copy the folder, change it, put the hashes right, and check it."""
    target.mkdir()
    for path in foreign.iterdir():
        (target / path.name).write_bytes(path.read_bytes())
    manifest = json.loads((target / "MANIFEST.json").read_text())
    change(target, manifest)
    for entry in manifest["files"]:
        path = target / entry["file"]
        if path.is_file():
            entry["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    (target / "MANIFEST.json").write_text(json.dumps(manifest))
    return check_parity("llavolta", target)


def found(report: ParityReport, status: str) -> set[tuple[str, str]]:
    return {(item.file, item.name) for item in report.items if item.status == status}


def test_folder_of_other_shapes_names_and_settings_passes_whole(foreign: Path) -> None:
    report = check_parity("llavolta", foreign)
    assert report.passed, report.to_text()
    assert report.count("not covered") == 0
    checked = {item.file for item in report.items if item.name not in ("sha256", "tensor shapes")}
    assert checked == {entry["file"] for entry in json.loads((foreign / "MANIFEST.json").read_text())["files"]}


def test_one_changed_number_in_any_output_fails_that_item(foreign: Path, tmp_path: Path) -> None:
    inputs = ("input_ids", "attention_mask", "labels", "pixel_values", "hidden_in", "position_ids_in")
    changed = set()

    def change(folder: Path, manifest: dict[str, Any]) -> None:
        for entry in manifest["files"]:
            if not entry["manifest"] or "weights" in entry["file"]:
                continue
            tensors = load_file(folder / entry["file"])
            for number, (name, tensor) in enumerate(sorted(tensors.items())):
                if name.rpartition(".")[2] not in inputs:
                    flat = tensor.view(-1)
                    flat[number * 7 % len(flat)] += 0.02 if tensor.is_floating_point() else 1
                    changed.add((entry["file"], name))
            save_file(tensors, folder / entry["file"])

    report = edit(foreign, tmp_path / "changed", change)
    assert len(changed) > 25
    assert changed <= found(report, "fail")


@pytest.mark.parametrize(
    ("file", "path"),
    [
        ("compression_ratio_b.json", ("rows", 0, "mean_tokens")),
        ("compression_ratio_b.json", ("rows", 0, "stages", 0, "tokens_over_layers")),
        ("stage_schedule_b.json", ("schemes", "any", "segments", 1, "first_forward")),
    ],
)
def test_one_changed_number_in_a_table_fails(foreign: Path, tmp_path: Path, file: str, path: tuple[Any, ...]) -> None:
    def change(folder: Path, manifest: dict[str, Any]) -> None:
        manifest["files"] = [entry for entry in manifest["files"] if entry["file"] == file]
        table = json.loads((folder / file).read_text())
        place = table
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] += 1
        (folder / file).write_text(json.dumps(table))

    report = edit(foreign, tmp_path / "changed", change)
    assert {name for name, _ in found(report, "fail")} == {file}


def test_what_no_check_knows_is_left_unchecked_and_fails_the_run(foreign: Path, tmp_path: Path) -> None:
    def change(folder: Path, manifest: dict[str, Any]) -> None:
        manifest["files"] = [entry for entry in manifest["files"] if entry["file"] == "compressor_op_b.safetensors"]
        manifest["probes"] = {"a": 1}
        (folder / "novel.json").write_text("{}")
        manifest["files"].append({"file": "novel.json", "manifest": None})
        inner = json.loads((folder / "compressor_op_b.manifest.json").read_text())
        inner["cases"][0]["pooled_twice"] = True
        inner["more_cases"] = [1]
        (folder / "compressor_op_b.manifest.json").write_text(json.dumps(inner))

    report = edit(foreign, tmp_path / "changed", change)
    unchecked = found(report, "unchecked")
    assert {
        ("MANIFEST.json", "probes"),
        ("novel.json", ""),
        ("compressor_op_b.safetensors", "odd pooled_twice"),
    } < unchecked
    assert ("compressor_op_b.safetensors", "more_cases") in unchecked
    assert not report.passed


def test_a_missing_file_is_said_and_the_others_are_still_checked(foreign: Path, tmp_path: Path) -> None:
    report = edit(
        foreign, tmp_path / "changed", lambda folder, _: (folder / "other_model_weights_b.safetensors").unlink()
    )
    failed = [
        item for item in report.items if item.file == "other_model_weights_b.safetensors" and item.status == "fail"
    ]
    assert any("no file" in item.reason for item in failed)
    assert ("compressor_op_b.safetensors", "odd.hidden_out") in found(report, "pass")
    assert not report.passed


def test_files_that_a_folder_does_not_have_are_not_asked_for(foreign: Path, tmp_path: Path) -> None:
    def change(folder: Path, manifest: dict[str, Any]) -> None:
        for entry in manifest["files"]:
            if entry["file"] != "stage_schedule_b.json":
                (folder / entry["file"]).unlink()
                (folder / str(entry["manifest"])).unlink(missing_ok=True)
        manifest["files"] = [entry for entry in manifest["files"] if entry["file"] == "stage_schedule_b.json"]

    assert edit(foreign, tmp_path / "small", change).passed
