"""Gold captions become conversations that ask what ``vdc caption`` asks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="the baselines extra (torch) is not installed")

from baselines.captioning.instructions import load_instructions
from baselines.training.records import read_data
from baselines.training.synthetic import main, write_train_set
from vdc.benchmark.load import load_benchmark
from vdc.errors import InputError


def test_every_caption_becomes_a_record(tmp_path: Path) -> None:
    captions = load_benchmark("sample").captions
    assert write_train_set("sample", tmp_path / "train.json", text_only=2) == len(captions) + 2
    records = {record["id"]: record for record in json.loads((tmp_path / "train.json").read_text())}
    (video_id, section), caption = next(iter(captions.items()))
    record = records[f"{video_id}-{section}"]
    assert record["video"] == f"{video_id}.mp4"
    question, answer = record["conversations"]
    assert question["value"] == f"<video>\n{load_instructions().instruction(section)}" and answer["value"] == caption


def test_sections_can_be_chosen_and_the_result_can_be_read(tmp_path: Path) -> None:
    captions = load_benchmark("sample").captions
    count = write_train_set("sample", tmp_path / "train.json", sections=["short"], text_only=1)
    assert count == sum(section == "short" for _, section in captions) + 1
    for video_id, _ in captions:
        (tmp_path / f"{video_id}.mp4").touch()
    data = read_data(tmp_path / "train.json", tmp_path)
    assert data.unusable == () and data.counts() == {"video": count - 1, "text": 1}


def test_a_folder_without_captions_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(InputError):
        write_train_set(tmp_path, tmp_path / "train.json")
    assert main([str(tmp_path), "--out", str(tmp_path / "train.json")]) == 2
    assert "found" in capsys.readouterr().err
