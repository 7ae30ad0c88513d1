"""Golden files of the published code, where they are at hand; and that the checks can fail."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="the baselines extra (torch) is not installed")
pytest.importorskip("transformers", reason="the baselines extra (transformers) is not installed")

from safetensors.torch import load_file, save_file

from baselines.parity.llavolta.golden import LlavoltaGolden
from baselines.parity.models import check_parity
from vdc.errors import InputError


def part(golden: Path, folder: Path, names: tuple[str, ...]) -> Path:
    """A golden folder of some of the files."""
    folder.mkdir()
    manifest = json.loads((golden / "MANIFEST.json").read_text())
    manifest["files"] = [entry for entry in manifest["files"] if entry["file"] in names]
    for entry in manifest["files"]:
        for key in ("file", "manifest"):
            if entry.get(key):
                shutil.copyfile(golden / entry[key], folder / entry[key])
    (folder / "MANIFEST.json").write_text(json.dumps(manifest))
    return folder


def test_every_golden_file_is_matched(llavolta_golden: Path) -> None:
    report = check_parity("llavolta", llavolta_golden)
    assert report.passed, report.to_text()
    assert report.count("pass") > 600


def test_a_changed_number_fails(llavolta_golden: Path, tmp_path: Path) -> None:
    folder = part(llavolta_golden, tmp_path / "part", ("compressor_op.safetensors",))
    path = folder / "compressor_op.safetensors"
    tensors = load_file(path)
    tensors["single576_s8.hidden_out"][0, 40, 3] += 1e-4
    tensors["single576_s8.position_ids_out"][0, 40] += 1
    save_file(tensors, path)
    manifest = json.loads((folder / "MANIFEST.json").read_text())
    manifest["files"][0]["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    manifest["files"][0]["bytes"] = path.stat().st_size
    (folder / "MANIFEST.json").write_text(json.dumps(manifest))
    report = check_parity("llavolta", folder)
    failed = {item.name for item in report.items if item.status == "fail"}
    assert failed == {"single576_s8.hidden_out", "single576_s8.position_ids_out"}


def test_unknown_tensors_files_and_fields_are_left_unchecked_and_fail_the_run(
    llavolta_golden: Path, tmp_path: Path
) -> None:
    folder = part(llavolta_golden, tmp_path / "part", ("compression_ratio.json",))
    (folder / "stray.txt").write_text("x")
    table = json.loads((folder / "compression_ratio.json").read_text())
    table["surprise"] = 1
    (folder / "compression_ratio.json").write_text(json.dumps(table))
    report = check_parity("llavolta", folder)
    unchecked = {(item.file, item.name) for item in report.items if item.status == "unchecked"}
    assert ("stray.txt", "") in unchecked
    assert ("compression_ratio.json", "surprise") in unchecked
    assert not report.passed


def test_manifest_of_another_form_is_refused(tmp_path: Path) -> None:
    (tmp_path / "MANIFEST.json").write_text(json.dumps({"files": {"a": {}}}))
    with pytest.raises(InputError, match="list of files"):
        LlavoltaGolden(tmp_path)


def test_tolerances_are_read_from_words(tmp_path: Path) -> None:
    tables = {
        "one": {"logits": "atol 1e-4, rtol 2e-3", "loss": "atol 2e-5", "position_ids": "exact"},
        "two": {"all": "atol 3e-5 with words"},
        "three": {"grad": "rtol 1e-3"},
    }
    files = []
    for name, table in tables.items():
        (tmp_path / f"{name}.manifest.json").write_text(json.dumps({"tolerance": table}))
        files.append({"file": name, "manifest": f"{name}.manifest.json"})
    (tmp_path / "MANIFEST.json").write_text(json.dumps({"files": files}))
    golden = LlavoltaGolden(tmp_path)
    assert str(golden.tolerance("one", "K1_s8.logits_tail")) == "0.0001 + 0.002*|x|"
    assert str(golden.tolerance("one", "K1_s8.position_ids")) == "exact"
    assert golden.tolerance("two", "anything").atol == 3e-5
    assert golden.tolerance("three", "K2_s8.grad_norm.model.norm.weight").rtol == 1e-3
    assert golden.tolerance("three", "K2_s8.loss").atol == 2e-5  # said by another file alone
