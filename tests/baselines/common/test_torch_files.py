"""Weights in torch's own files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="the baselines extra (torch) is not installed")
pytest.importorskip("safetensors", reason="the baselines extra (safetensors) is not installed")

from baselines.common.shards import read_folder, write_folder
from baselines.common.torch_files import BIN_INDEX, load_archive, read_weights, stored_in_archive, write_bin_folder
from vdc.errors import InputError

TENSORS = {"a": torch.arange(6.0).view(2, 3), "b": torch.ones(4, dtype=torch.bfloat16), "c": torch.tensor([1, 2])}


@pytest.fixture
def stored(tmp_path: Path) -> dict[str, Any]:
    torch.save(TENSORS, tmp_path / "all.pth")
    return stored_in_archive(tmp_path / "all.pth")


def same(found: dict[str, Any]) -> bool:
    loaded = {key: tensor.load() for key, tensor in found.items()}
    return loaded.keys() == TENSORS.keys() and all(torch.equal(loaded[key], TENSORS[key]) for key in TENSORS)


def test_shapes_and_dtypes_are_known_before_anything_is_loaded(stored: dict[str, Any]) -> None:
    assert {key: (tensor.shape, tensor.dtype) for key, tensor in stored.items()} == {
        "a": ((2, 3), "F32"),
        "b": ((4,), "BF16"),
        "c": ((2,), "I64"),
    }
    assert same(stored)


def test_a_table_inside_the_file_is_found_by_its_name(tmp_path: Path) -> None:
    torch.save({"model": TENSORS, "epoch": 3}, tmp_path / "nested.pth")
    assert same(stored_in_archive(tmp_path / "nested.pth", "model"))


def test_files_of_old_versions_that_cannot_be_mapped_are_read(tmp_path: Path) -> None:
    torch.save(TENSORS, tmp_path / "old.bin", _use_new_zipfile_serialization=False)
    assert same(stored_in_archive(tmp_path / "old.bin"))


def test_shards_of_either_kind_give_the_same_and_safetensors_come_first(stored: dict[str, Any], tmp_path: Path) -> None:
    write_bin_folder(tmp_path, stored, max_shard_bytes=24)
    index = json.loads((tmp_path / BIN_INDEX).read_text())
    assert sorted(set(index["weight_map"].values())) == [f"pytorch_model-0000{n}-of-00002.bin" for n in (1, 2)]
    assert same(read_weights(tmp_path))
    write_folder(tmp_path, {"a": stored["a"]}, max_shard_bytes=24)
    assert set(read_weights(tmp_path)) == {"a"}


def test_a_single_file_is_not_split_and_has_no_index(stored: dict[str, Any], tmp_path: Path) -> None:
    write_bin_folder(tmp_path, stored, max_shard_bytes=1, single="mm_projector.bin", dtype=torch.float16)
    assert not (tmp_path / BIN_INDEX).exists()
    dtypes = {key: tensor.dtype for key, tensor in load_archive(tmp_path / "mm_projector.bin").items()}
    assert dtypes == {"a": torch.float16, "b": torch.float16, "c": torch.int64}


@pytest.mark.parametrize("writer", [write_bin_folder, write_folder], ids=["torch", "safetensors"])
def test_missing_shards_and_broken_promises_are_named(stored: dict[str, Any], tmp_path: Path, writer: Any) -> None:
    writer(tmp_path, stored, max_shard_bytes=24)
    index = next(tmp_path.glob("*.index.json"))
    table = json.loads(index.read_text())
    table["weight_map"]["d"] = table["weight_map"]["a"]
    index.write_text(json.dumps(table))
    with pytest.raises(InputError, match="no tensor d"):
        read_weights(tmp_path)
    (tmp_path / table["weight_map"]["c"]).unlink()
    with pytest.raises(InputError, match=r"no shard .*00002"):
        read_weights(tmp_path)


@pytest.mark.parametrize("content", [{"a": 3}, [1], {"x": {"a": torch.ones(1)}}], ids=["number", "list", "nested"])
def test_more_than_tensors_is_refused(content: Any, tmp_path: Path) -> None:
    torch.save(content, tmp_path / "odd.bin")
    with pytest.raises(InputError, match="expected a torch archive of tensors"):
        load_archive(tmp_path / "odd.bin")


def test_a_folder_without_weights_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"pytorch_model\.bin or index of shards"):
        read_weights(tmp_path)
    with pytest.raises(InputError, match="no file"):
        load_archive(tmp_path / "absent.bin")
    with pytest.raises(InputError, match="safetensors weights"):
        read_folder(tmp_path)
